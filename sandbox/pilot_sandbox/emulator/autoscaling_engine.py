"""Moves every Auto Scaling group towards its desired capacity, one real application process an instance."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from ministack.core.responses import new_uuid
from ministack.services import autoscaling

from .world_hooks import World

logger = logging.getLogger("pilot.autoscaling")

GroupKey = tuple[str, str, str]
"""Account, Region and name of a group."""

_TICK_SECONDS = 0.2
# A launch that failed is tried again, ever more slowly, as AWS does.
_RETRY_SECONDS_FIRST = 3.0
_RETRY_SECONDS_MAX = 30.0
# AWS keeps six weeks of activities; a sandbox that flaps for hours must not grow without end.
_ACTIVITIES_MAX = 200

_LIVE_STATES = ("Pending", "InService")


class ScalingEngine:
    """Launches and terminates instances in the background and keeps the scaling activities."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._activities: dict[GroupKey, list[dict]] = {}
        self._failures: dict[GroupKey, int] = {}
        self._not_before: dict[GroupKey, float] = {}

    def start(self) -> None:
        """Start the background loop."""
        threading.Thread(target=self._loop, name="pilot-autoscaling", daemon=True).start()

    def activities(self, account_id: str, region: str, group: str | None) -> list[dict]:
        """The scaling activities of one group, or of all groups of a Region, newest first."""
        with self._lock:
            found = [
                activity
                for key, activities in self._activities.items()
                if key[:2] == (account_id, region) and group in (None, key[2])
                for activity in activities
            ]
        return sorted(found, key=lambda activity: activity["StartTime"], reverse=True)

    def end_group(self, key: GroupKey, group: dict) -> None:
        """Terminate every instance of a group that is being deleted."""
        for instance in list(group["Instances"]):
            self._terminate(key, group, instance)
        with self._lock:
            self._failures.pop(key, None)
            self._not_before.pop(key, None)

    def _loop(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            for key, group in list(autoscaling._asgs._data.items()):
                try:
                    self._reconcile(key, group)
                except Exception:
                    # One group's trouble must not stop the others; the next tick tries again.
                    logger.exception("group %s of %s could not be reconciled", key[2], key[1])

    def _reconcile(self, key: GroupKey, group: dict) -> None:
        live = [instance for instance in group["Instances"] if instance["LifecycleState"] in _LIVE_STATES]
        missing = group["DesiredCapacity"] - len(live)
        if missing > 0 and time.monotonic() >= self._not_before.get(key, 0.0):
            for _ in range(missing):
                self._launch(key, group)
        # Instances that never came into service go first, then the oldest, as the default termination policy would.
        surplus = sorted(live, key=lambda instance: instance["LifecycleState"] != "Pending")[: max(0, -missing)]
        for instance in surplus:
            self._terminate(key, group, instance)

    def _launch(self, key: GroupKey, group: dict) -> None:
        zones = group["AvailabilityZones"] or [f"{key[1]}a"]
        instance = {
            "InstanceId": "i-" + new_uuid().replace("-", "")[:17],
            "LifecycleState": "Pending",
            "HealthStatus": "Healthy",
            "AvailabilityZone": zones[len(group["Instances"]) % len(zones)],
            "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
            "LaunchTemplate": group.get("LaunchTemplate") or {},
            "LaunchConfigurationName": group.get("LaunchConfigurationName", ""),
        }
        with self._lock:
            group["Instances"] = [*group["Instances"], instance]
        activity = self._open_activity(key, f"Launching a new EC2 instance: {instance['InstanceId']}", group)
        thread = threading.Thread(target=self._bring_up, args=(key, group, instance, activity), daemon=True)
        thread.start()

    def _bring_up(self, key: GroupKey, group: dict, instance: dict, activity: dict) -> None:
        time.sleep(self._world.delay_seconds("launchSeconds"))
        if instance["LifecycleState"] != "Pending":
            _close(activity, "Cancelled", "Instance was terminated before it came into service.")
            return
        outcome = self._world.launch_instance(key[1], key[2], instance["InstanceId"])
        # Scale-in may have come while the process started: then it must end, not come into service.
        with self._lock:
            arrived = outcome.ok and instance["LifecycleState"] == "Pending"
            if arrived:
                instance["LifecycleState"] = "InService"
                self._failures.pop(key, None)
                self._not_before.pop(key, None)
        if arrived:
            _close(activity, "Successful", None)
        elif outcome.ok:
            self._world.terminate_instance(key[1], key[2], instance["InstanceId"])
            _close(activity, "Cancelled", "Instance was terminated before it came into service.")
        else:
            self._launch_failed(key, group, instance, activity, outcome.message)

    def _launch_failed(self, key: GroupKey, group: dict, instance: dict, activity: dict, why: str) -> None:
        logger.warning("launch of %s in %s (%s) failed: %s", instance["InstanceId"], key[2], key[1], why)
        instance.update(LifecycleState="Terminated", HealthStatus="Unhealthy")
        with self._lock:
            failures = self._failures.get(key, 0) + 1
            self._failures[key] = failures
            pause_seconds = min(_RETRY_SECONDS_FIRST * 2 ** (failures - 1), _RETRY_SECONDS_MAX)
            self._not_before[key] = time.monotonic() + pause_seconds
        _close(activity, "Failed", f"{why} Launching EC2 instance failed.")
        self._remove(group, instance)

    def _terminate(self, key: GroupKey, group: dict, instance: dict) -> None:
        with self._lock:
            before = instance["LifecycleState"]
            if before not in _LIVE_STATES:
                return
            instance["LifecycleState"] = "Terminating"
        activity = self._open_activity(key, f"Terminating EC2 instance: {instance['InstanceId']}", group)

        def end() -> None:
            outcome = self._world.terminate_instance(key[1], key[2], instance["InstanceId"])
            if not outcome.ok:
                logger.error("%s of %s could not be ended: %s", instance["InstanceId"], key[2], outcome.message)
            self._remove(group, instance)
            _close(activity, "Successful", None)

        threading.Thread(target=end, daemon=True).start()

    def _remove(self, group: dict, instance: dict) -> None:
        # Replaced, not edited in place: a describe may be walking the old list.
        with self._lock:
            group["Instances"] = [other for other in group["Instances"] if other is not instance]

    def _open_activity(self, key: GroupKey, description: str, group: dict) -> dict:
        now = _now()
        activity = {
            "ActivityId": new_uuid(),
            "AutoScalingGroupName": key[2],
            "AutoScalingGroupARN": group["AutoScalingGroupARN"],
            "Description": description,
            "Cause": f"At {now} the group was moved towards a desired capacity of {group['DesiredCapacity']}.",
            "StartTime": now,
            "EndTime": None,
            "StatusCode": "InProgress",
            "StatusMessage": None,
            "Progress": 50,
            "Details": "{}",
        }
        with self._lock:
            activities = self._activities.setdefault(key, [])
            activities.append(activity)
            del activities[:-_ACTIVITIES_MAX]
        return activity


def _close(activity: dict, status: str, message: str | None) -> None:
    activity.update(StatusCode=status, StatusMessage=message, EndTime=_now(), Progress=100)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
