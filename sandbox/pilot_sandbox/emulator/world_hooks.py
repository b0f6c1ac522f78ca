"""The emulator's calls to the world: what really runs behind the control plane.

Every call blocks, so none may be made on ministack's event loop.
"""

from __future__ import annotations

import json
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

logger = logging.getLogger("pilot.hooks")

_READ_TIMEOUT_SECONDS = 3.0
# A launch starts an application process and waits until it answers; a promotion waits until the standby takes writes.
_ACT_TIMEOUT_SECONDS = 120.0

_DELAY_LOOK_SECONDS = 0.2

_DEFAULT_DELAYS = {
    "promotionSeconds": 0.0,
    "launchSeconds": 0.0,
    "recordsInsyncSeconds": 0.0,
    "snapshotSeconds": 10.0,
    "scaleInSeconds": 15.0,
    "rejoinSeconds": 3.0,
    "provisionedConcurrencySeconds": 2.0,
    "restoreSeconds": 1.0,
    "cacheSeconds": 3.0,
    "automaticFailoverSeconds": 0.0,
}


@dataclass(frozen=True)
class Outcome:
    """What the world answered to a request to change something."""

    ok: bool
    message: str
    missing: bool = False
    """Whether it is not ok because nothing real stands behind what was addressed."""

    @property
    def done(self) -> bool:
        """Whether all is done that there was to do."""
        return self.ok or self.missing


class World:
    """Hooks of the process that holds databases and application processes."""

    def __init__(self, base_url: str | None) -> None:
        self._base_url = base_url
        # Never through a proxy of the machine: the world is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def exists(self) -> bool:
        """Whether anything stands behind the control plane at all."""
        return self._base_url is not None

    def delay_seconds(self, name: str) -> float:
        """One of the delays of `GET /hooks/delays`, read anew at each use so that it can be changed at any time."""
        delays = self._get("/hooks/delays") or {}
        return max(0.0, float(delays.get(name, _DEFAULT_DELAYS[name])))

    def wait(self, name: str) -> None:
        """Let one of the delays pass; it may be made longer or shorter meanwhile."""
        began = time.monotonic()
        while (left_seconds := began + self.delay_seconds(name) - time.monotonic()) > 0:
            time.sleep(min(left_seconds, _DELAY_LOOK_SECONDS))

    def database(self, region: str, identifier: str) -> dict | None:
        """The live database server behind an RDS instance, or None where there is none."""
        return self._get(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}")

    def health_check(self, health_check_id: str) -> dict | None:
        """What the world's health checkers last saw, or None where they do not watch this check."""
        return self._get(f"/hooks/healthchecks/{_quote(health_check_id)}")

    def unavailable_endpoints(self) -> set[str]:
        """The Regions whose endpoint of a routing control cluster is out of order."""
        return set((self._get("/hooks/recovery-endpoints") or {}).get("down", []))

    def promote_database(self, region: str, identifier: str) -> Outcome:
        """Promote the real standby; ok once it accepts writes."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/promote", {})

    def take_over_database(self, region: str, identifier: str) -> Outcome:
        """Let the real standby take over from its source without losing a row; ok once it accepts writes.

        The source is stopped in good order. When the standby does not have everything, nothing was changed.
        """
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/take-over", {})

    def follow_database(self, region: str, identifier: str) -> Outcome:
        """Let the real server throw its data away and follow the other Region's; ok once it streams."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/follow", {})

    def keep_database(self, region: str, identifier: str, name: str) -> Outcome:
        """Keep what the real server has now, up or down, as the content of a snapshot; ok once it is kept."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/snapshot", {"name": name})

    def stop_database(self, region: str, identifier: str) -> Outcome:
        """Stop the real server in good order."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/stop", {})

    def start_database(self, region: str, identifier: str) -> Outcome:
        """Start the real server in the role that it had; ok once it answers."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/start", {})

    def place_database(self, region: str, identifier: str, zone: str) -> Outcome:
        """Say on a machine of which Availability Zone the real server runs."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/place", {"zone": zone})

    def move_database(self, region: str, identifier: str, zone: str) -> Outcome:
        """Move the real server with its data to a machine of an Availability Zone; ok once it answers there."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/move", {"zone": zone})

    def rename_database(self, region: str, identifier: str, new_identifier: str) -> Outcome:
        """Restart the real server under another identifier; ok once it answers."""
        path = f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/rename"
        return self._post(path, {"newIdentifier": new_identifier})

    def add_replica(self, source_region: str, source: str, region: str, identifier: str) -> Outcome:
        """Make a new real server that follows another; ok once it streams."""
        path = f"/hooks/rds/{_quote(source_region)}/{_quote(source)}/replica"
        return self._post(path, {"region": region, "identifier": identifier})

    def back_up_database(self, region: str, identifier: str, name: str) -> Outcome:
        """Keep what the real server has now as the recovery point `name`; ok once it is whole."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/backup", {"name": name})

    def restore_database(self, name: str, region: str, identifier: str) -> Outcome:
        """Make a new real server, stopped, from the recovery point `name`."""
        body = {"region": region, "identifier": identifier}
        return self._post(f"/hooks/backups/{_quote(name)}/restore", body)

    def keep_continuously(self, region: str, identifier: str) -> Outcome:
        """Begin the continuous backup of the real server; ok once there is something to restore from."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/continuous-backup", {})

    def restore_database_to_time(
        self, source_region: str, source: str, region: str, identifier: str, at_seconds: float
    ) -> Outcome:
        """Make a new real server, stopped, with what another had at a time."""
        body = {"region": region, "identifier": identifier, "atSeconds": at_seconds}
        return self._post(f"/hooks/rds/{_quote(source_region)}/{_quote(source)}/restore", body)

    def delete_database(self, region: str, identifier: str) -> Outcome:
        """End the real server for good, with its data."""
        return self._post(f"/hooks/rds/{_quote(region)}/{_quote(identifier)}/delete", {})

    def launch_instance(self, region: str, group: str, instance_id: str) -> Outcome:
        """Start one application process; ok once it answers its health check."""
        path = f"/hooks/autoscaling/{_quote(region)}/{_quote(group)}/launch"
        return self._post(path, {"instanceId": instance_id})

    def terminate_instance(self, region: str, group: str, instance_id: str) -> Outcome:
        """End one application process."""
        path = f"/hooks/autoscaling/{_quote(region)}/{_quote(group)}/terminate"
        return self._post(path, {"instanceId": instance_id})

    def launch_task(self, region: str, service: str, task_id: str) -> Outcome:
        """Start one application process for a task of an ECS service; ok once it answers its health check."""
        return self._post(f"/hooks/ecs/{_quote(region)}/{_quote(service)}/launch", {"instanceId": task_id})

    def terminate_task(self, region: str, service: str, task_id: str) -> Outcome:
        """End the process of a task; ok also where it had none (any more)."""
        return self._post(f"/hooks/ecs/{_quote(region)}/{_quote(service)}/terminate", {"instanceId": task_id})

    def ended_tasks(self, region: str, service: str) -> dict[str, int]:
        """Exit codes of the processes that ended by themselves, by task; empty where nobody knows."""
        answer = self._get(f"/hooks/ecs/{_quote(region)}/{_quote(service)}/ended") or {}
        return dict(answer.get("ended") or {})

    def set_door(self, kind: str, region: str, name: str, *, opened: bool) -> Outcome:
        """Let clients connect to a load balancer or a database, or refuse them; ok once it is so."""
        return self._post(f"/hooks/doors/{_quote(kind)}/{_quote(region)}/{_quote(name)}", {"open": opened})

    def _get(self, path: str) -> dict | None:
        if self._base_url is None:
            return None
        try:
            with self._opener.open(self._base_url + path, timeout=_READ_TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                logger.error("GET %s answered %d; the emulator goes on with its own record", path, error.code)
        except (OSError, ValueError) as error:
            logger.error("GET %s failed (%s); the emulator goes on with its own record", path, error)
        return None

    def _post(self, path: str, body: dict) -> Outcome:
        if self._base_url is None:
            return Outcome(ok=True, message="nothing stands behind the control plane")
        request = urllib.request.Request(
            self._base_url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=_ACT_TIMEOUT_SECONDS) as response:
                response.read()
            return Outcome(ok=True, message="")
        except urllib.error.HTTPError as error:
            return Outcome(ok=False, message=_message_of(error), missing=error.code == 404)
        except OSError as error:
            return Outcome(ok=False, message=f"the world did not answer POST {path}: {error}")


def _message_of(error: urllib.error.HTTPError) -> str:
    text = error.read().decode("utf-8", errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or f"HTTP {error.code}"


def _quote(part: str) -> str:
    return urllib.parse.quote(part, safe="")
