"""Keeps the desired counts of ECS services where their scalable targets want them.

A desired count outside the bounds is brought back at once, whoever set it and whichever side it is on. AWS does so when
the bounds change, and after an UpdateService only with the next scaling activity: it can take minutes there, so nobody
may rely on the time in between. With a policy that may scale in, a service that has kept its desired count for the
world's `scaleInSeconds` goes down to `MinCapacity`: nothing in the sandbox makes enough load to hold it up.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from ministack.core.responses import new_uuid, request_scope
from ministack.services import ecs

from .world_hooks import World

logger = logging.getLogger("pilot.application-autoscaling")

TargetKey = tuple[str, str, str]
"""Account, Region and resource id (`service/<cluster>/<service>`) of a scalable target."""

_TICK_SECONDS = 0.5
# AWS keeps six weeks of activities; a sandbox that scales for hours must not grow without end.
_ACTIVITIES_MAX = 200


@dataclass
class Target:
    """A scalable target: the owner of one service's desired count."""

    minimum: int
    maximum: int
    suspended: dict[str, bool]
    arn: str
    #: Seconds since the epoch.
    created_at: float
    #: By name, as DescribeScalingPolicies answers them.
    policies: dict[str, dict] = field(default_factory=dict)
    #: The desired count that was last seen, and since when (monotonic) neither it nor the bounds have changed.
    seen: int | None = None
    quiet_since: float = 0.0

    def set_bounds(self, minimum: int, maximum: int) -> None:
        """Change both bounds together, so that nobody sees one above the other."""
        if (minimum, maximum) != (self.minimum, self.maximum):
            self.minimum, self.maximum, self.seen = minimum, maximum, None

    def quiet_seconds(self, desired: int) -> float:
        """For how long the desired count has stayed what it is."""
        if desired != self.seen:
            self.seen, self.quiet_since = desired, time.monotonic()
        return time.monotonic() - self.quiet_since

    def policy_that_scales_in(self) -> str | None:
        """Name of a policy that takes capacity away where there is no load."""
        if self.suspended.get("DynamicScalingInSuspended"):
            return None
        for name, policy in self.policies.items():
            tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
            if tracking is not None and not tracking.get("DisableScaleIn"):
                return name
        return None


class CapacityKeeper:
    """Looks at every scalable target again and again, and sets desired counts as UpdateService would."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.targets: dict[TargetKey, Target] = {}
        self._activities: dict[TargetKey, list[dict]] = {}
        self._wake = threading.Event()

    def start(self) -> None:
        """Start the background loop."""
        threading.Thread(target=self._loop, name="pilot-application-autoscaling", daemon=True).start()

    def look_now(self) -> None:
        """Do not wait for the next tick: a target has changed."""
        self._wake.set()

    def activities(self, account: str, region: str, resource: str | None) -> list[dict]:
        """Scaling activities of one resource, or of a whole Region, newest first."""
        found = [
            dict(activity)
            for key, activities in list(self._activities.items())
            if key[:2] == (account, region) and resource in (None, key[2])
            for activity in activities
        ]
        return sorted(found, key=lambda activity: activity["StartTime"], reverse=True)

    def _loop(self) -> None:
        while True:
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()
            for key, target in list(self.targets.items()):
                try:
                    with request_scope(*key[:2]):
                        self._keep(key, target)
                except Exception:
                    # One target's trouble must not stop the others; the next tick tries again.
                    logger.exception("the capacity of %s in %s could not be kept", key[2], key[1])

    def _keep(self, key: TargetKey, target: Target) -> None:
        service = ecs._services.get(key[2].removeprefix("service/"))
        if service is None or service["status"] != "ACTIVE":
            return
        self._close_activities(key, service)
        desired, minimum, maximum = service["desiredCount"], target.minimum, target.maximum
        quiet_seconds = target.quiet_seconds(desired)
        if desired < minimum:
            self._set(key, service, minimum, f"minimum capacity was set to {minimum}")
        elif desired > maximum:
            self._set(key, service, maximum, f"maximum capacity was set to {maximum}")
        elif desired > minimum:
            policy = target.policy_that_scales_in()
            if policy is not None and quiet_seconds >= self._world.delay_seconds("scaleInSeconds"):
                cause = f"monitor alarm TargetTracking-{key[2]}-AlarmLow in state ALARM triggered policy {policy}"
                self._set(key, service, minimum, cause)

    def _set(self, key: TargetKey, service: dict, count: int, cause: str) -> None:
        _, cluster, name = key[2].split("/")
        change = {"cluster": cluster, "service": name, "desiredCount": count}
        status, _, body = ecs._dispatch_action("UpdateService", change)
        activity = {
            "ActivityId": new_uuid(),
            "ServiceNamespace": "ecs",
            "ResourceId": key[2],
            "ScalableDimension": "ecs:service:DesiredCount",
            "Description": f"Setting desired count to {count}.",
            "Cause": cause,
            "StartTime": time.time(),
            "StatusCode": "InProgress",
            "StatusMessage": f"Successfully set desired count to {count}. Waiting for change to be fulfilled by ecs.",
        }
        if status != 200:
            _close(
                activity, "Failed", f"Failed to set desired count to {count}. {bytes(body).decode(errors='replace')}"
            )
        logger.info("%s in %s: desired count set to %d, because %s", key[2], key[1], count, cause)
        activities = self._activities.setdefault(key, [])
        activities.append(activity)
        del activities[:-_ACTIVITIES_MAX]

    def _close_activities(self, key: TargetKey, service: dict) -> None:
        for activity in self._activities.get(key, []):
            if activity["StatusCode"] != "InProgress":
                continue
            count = int(activity["Description"].removeprefix("Setting desired count to ").rstrip("."))
            done = f"Successfully set desired count to {count}."
            if service["desiredCount"] != count:
                _close(activity, "Overridden", f"{done} Found it was later changed to {service['desiredCount']}.")
            elif service["runningCount"] == count:
                _close(activity, "Successful", f"{done} Change successfully fulfilled by ecs.")


def _close(activity: dict, status: str, message: str) -> None:
    activity.update(StatusCode=status, StatusMessage=message, EndTime=time.time())
