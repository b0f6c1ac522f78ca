"""Keeps the real doors as the emulated security groups say.

A load balancer or a database whose groups admit nobody must refuse real connections. This looks at every one of them
again and again, so that a change of the groups' rules counts as much as a change of the groups.
"""

from __future__ import annotations

import logging
import threading
import time

from ministack.services import alb, rds

from .rds_modify import groups_due, groups_in_force, settle_groups
from .security_groups import admits_anybody
from .world_hooks import World

logger = logging.getLogger("pilot.doors")

_TICK_SECONDS = 0.2

# There is no server yet that could be told of, or it is about to have another name.
_NO_DOOR = ("creating", "renaming")

DoorKey = tuple[str, str, str, str, str]
"""Kind (as the hooks call it), account, Region and name of what the door belongs to, and what never changes of it.

Another instance may get the name of one that was renamed or deleted.
"""


class DoorKeeper:
    """Opens and shuts real doors in the background."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: Whether a door is open, as the world was told.
        self._told: dict[DoorKey, bool] = {}

    def start(self) -> None:
        """Start the background loop."""
        threading.Thread(target=self._loop, name="pilot-doors", daemon=True).start()

    def _loop(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            for (account_id, region, _), record in list(alb._lbs._data.items()):
                key = ("loadbalancer", account_id, region, record["LoadBalancerName"], record["LoadBalancerArn"])
                # It opens with its listener; what RDS makes or renames has a door in a state that only the world knows.
                self._told.setdefault(key, True)
                self._attempt(self._apply, key, record["SecurityGroups"])
            for (account_id, region, identifier), record in list(rds._instances._data.items()):
                # Who may connect to an Aurora instance is a matter of its cluster.
                if not record.get("DBClusterIdentifier") and record["DBInstanceStatus"] not in _NO_DOOR:
                    key = ("rds", account_id, region, identifier, record.get("DbiResourceId", ""))
                    self._attempt(self._keep_database, key, record)
            for (account_id, region, identifier), record in list(rds._clusters._data.items()):
                # The server of one that is being restored is not there yet.
                if record["Status"] not in _NO_DOOR:
                    key = ("rds", account_id, region, identifier, record.get("DbClusterResourceId", ""))
                    self._attempt(self._keep_database, key, record)

    def _attempt(self, work, key: DoorKey, subject) -> None:
        try:
            work(key, subject)
        except Exception:
            # One door's trouble must not leave the others as they are; the next tick tries again.
            logger.exception("the door of %s %s in %s could not be kept", key[0], key[3], key[2])

    def _keep_database(self, key: DoorKey, record: dict) -> None:
        due = groups_due(record)
        if due is None:
            self._apply(key, groups_in_force(record))
        elif self._apply(key, due):
            # Only now: `active` must never be said of groups that the real server does not follow yet.
            settle_groups(record, due)

    def _apply(self, key: DoorKey, group_ids: list[str]) -> bool:
        kind, account_id, region, name, _ = key
        # ministack leaves out the VPC's default group, which is what "none" means on AWS: such a door is left alone.
        opened = not group_ids or admits_anybody(account_id, region, group_ids)
        if self._told.get(key) == opened:
            return True
        outcome = self._world.set_door(kind, region, name, opened=opened)
        if not outcome.ok:
            logger.error("the door of %s %s in %s stays as it is: %s", kind, name, region, outcome.message)
            return False
        self._told[key] = opened
        logger.info("the door of %s %s in %s is %s", kind, name, region, "open" if opened else "shut")
        return True
