"""RDS: snapshots of DB instances that take their time.

ministack's are there at once. On AWS the snapshot is `creating`, and the instance `backing-up` meanwhile.
"""

from __future__ import annotations

import threading

from ministack.services import rds

from .rds_records import find_instance, region_of, shown_status
from .world_hooks import World


class InstanceSnapshotShim:
    """Replaces CreateDBSnapshot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._create = rds._create_db_snapshot

    def install(self) -> None:
        """Put the shim in place."""
        rds._ACTION_MAP["CreateDBSnapshot"] = self.create

    def create(self, params: dict) -> tuple:
        """CreateDBSnapshot: refused in any other state than `available`; AWS promotes nothing that is `backing-up`."""
        record = find_instance(rds._p(params, "DBInstanceIdentifier"))
        if record is None:
            return self._create(params)  # knows how to say that there is none
        status = shown_status(record, self._world.database(region_of(record), record["DBInstanceIdentifier"]))
        if status != "available":
            message = (
                f"Cannot create a snapshot because the database instance is not in available state; it is {status}."
            )
            return rds._error("InvalidDBInstanceState", message, 400)
        response = self._create(params)
        if response[0] != 200:
            return response
        snapshot = mark_creating(rds._snapshots[rds._p(params, "DBSnapshotIdentifier")])
        record["DBInstanceStatus"] = "backing-up"

        def done() -> None:
            mark_available(snapshot)
            if record["DBInstanceStatus"] == "backing-up":
                record["DBInstanceStatus"] = "available"

        threading.Timer(self._world.delay_seconds("snapshotSeconds"), done).start()
        shown = (
            f"<CreateDBSnapshotResult><DBSnapshot>{rds._snapshot_xml(snapshot)}</DBSnapshot></CreateDBSnapshotResult>"
        )
        return rds._xml(200, "CreateDBSnapshotResponse", shown)


def mark_creating(snapshot: dict) -> dict:
    """Say that a snapshot is being taken; returns it."""
    snapshot.update(Status="creating", PercentProgress=0)
    return snapshot


def mark_available(snapshot: dict) -> None:
    """Say that a snapshot is whole."""
    snapshot.update(Status="available", PercentProgress=100)
