"""RDS: how a global database's writer moves to another Region, and how the old primary comes back.

Failover: the target is promoted with what had arrived. Aurora tries to stop writes at the old primary ("write fencing",
best effort: where the Region cannot be reached it takes writes on, and a split brain is possible), and says in an event
how that went. The old primary is `pending-resync` until its Region is back; then a snapshot of what it had is taken,
`rds:unplanned-global-failover-<cluster>-<timestamp>`, and it follows the new primary by itself.

Switchover: the primary stops taking writes, the target takes over everything, and the old primary follows at once.

Meanwhile `FailoverState` says so, and both clusters go on reading `available`. Done is `IsWriter` with `FailoverState`
gone. (Aurora User Guide, "Using switchover or failover in Amazon Aurora Global Database".)
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from ministack.core.responses import request_scope
from ministack.services import rds

from .aurora_records import (
    find_cluster,
    live_server,
    member_of,
    record_event,
    region_of,
    set_instances,
)
from .aurora_snapshots import add_automated_snapshot
from .world_hooks import Outcome, World

logger = logging.getLogger("pilot.aurora")

# Long enough for a caller to see each state.
_STATE_SECONDS = 0.5
_LOOK_SECONDS = 0.5
_PENDING_RESYNC = "pending-resync"
_SNAPSHOT_NAME = "unplanned-global-failover"


@dataclass(frozen=True)
class Move:
    """One switchover or failover of a global database."""

    record: dict
    """The global database."""
    old: dict
    new: dict
    data_loss_allowed: bool
    account_id: str

    def announce(self, status: str) -> None:
        """Set `FailoverState`, and the global database's status with it once the move has begun."""
        self.record["FailoverState"] = {
            "Status": status,
            "FromDbClusterArn": self.old["DBClusterArn"],
            "ToDbClusterArn": self.new["DBClusterArn"],
            "IsDataLossAllowed": self.data_loss_allowed,
        }
        if status != "pending":
            self.record["Status"] = status

    def end(self, *, moved: bool) -> None:
        """Put the roles as they are now, in one step with the end of `FailoverState`."""
        if moved:
            if self.data_loss_allowed:
                member_of(self.record, self.old["DBClusterArn"])["SynchronizationStatus"] = _PENDING_RESYNC
            rds._set_global_cluster_writer(self.record, member_of(self.record, self.new["DBClusterArn"]))
        self.record["Status"] = "available"
        self.record.pop("FailoverState", None)


class Mover:
    """Carries moves out in the background, and brings old primaries back."""

    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, move: Move) -> None:
        """Carry out a move that was announced."""
        threading.Thread(target=self._carry_out, args=(move,), name="pilot-aurora-move", daemon=True).start()

    def _carry_out(self, move: Move) -> None:
        with request_scope(move.account_id, region_of(move.new)):
            time.sleep(_STATE_SECONDS)
            outcome = Outcome(ok=False, message="the emulator failed; its log says more")
            try:
                outcome = self._fail_over(move) if move.data_loss_allowed else self._switch_over(move)
            except Exception:
                logger.exception("moving %s ended early", move.record["GlobalClusterIdentifier"])
            self._finish(move, outcome)
        if outcome.done:
            self._bring_back(move)

    def _finish(self, move: Move, outcome: Outcome) -> None:
        if outcome.done:
            _choose_writer(move.new)
            move.end(moved=True)
            record_event(move.new, "The DB cluster is the primary of its global database now.", "global-failover")
            logger.info("%s takes the writes now", move.new["DBClusterIdentifier"])
            return
        logger.error("%s was not promoted: %s", move.new["DBClusterIdentifier"], outcome.message)
        move.announce("cancelling")
        record_event(move.new, f"The global failover was cancelled: {outcome.message}", "global-failover")
        time.sleep(_STATE_SECONDS)
        move.end(moved=False)

    def _fail_over(self, move: Move) -> Outcome:
        move.announce("failing-over")
        fenced = self._fence(move)
        time.sleep(self._world.delay_seconds("promotionSeconds"))
        outcome = self._world.promote_database(region_of(move.new), move.new["DBClusterIdentifier"])
        if not outcome.done and fenced:
            self._world.start_database(region_of(move.old), move.old["DBClusterIdentifier"])
        return outcome

    def _fence(self, move: Move) -> bool:
        old, live = move.old, live_server(self._world, move.old)
        if live is None:
            return False
        if not _in_reach(live):
            # Recorded at the new primary, for the old one cannot be reached.
            message = "Global failover: stopping writes at the old primary timed out; it can't be reached."
            record_event(move.new, message, "global-failover")
            return False
        outcome = self._world.stop_database(region_of(old), old["DBClusterIdentifier"])
        if outcome.ok:
            with request_scope(move.account_id, region_of(old)):
                record_event(old, "Global failover: writes to the old primary are stopped.", "global-failover")
        return outcome.ok

    def _switch_over(self, move: Move) -> Outcome:
        move.announce("switching-over")
        time.sleep(self._world.delay_seconds("promotionSeconds"))
        set_instances(move.old, "rebooting")
        outcome = self._world.take_over_database(region_of(move.new), move.new["DBClusterIdentifier"])
        if not outcome.done:
            # Whatever failed, and however far it had come: the primary is to take writes on.
            self._world.start_database(region_of(move.old), move.old["DBClusterIdentifier"])
        elif not self._follow(move.old):
            # The primary has moved all the same; the old one is brought back like one that had failed.
            member_of(move.record, move.old["DBClusterArn"])["SynchronizationStatus"] = _PENDING_RESYNC
        set_instances(move.old, "available")
        return outcome

    def _bring_back(self, move: Move) -> None:
        kept = not move.data_loss_allowed
        while self._waits_for(move):
            time.sleep(_LOOK_SECONDS)
            if not self._is_back(move.old):
                continue
            time.sleep(self._world.delay_seconds("rejoinSeconds"))
            if not self._waits_for(move) or not self._is_back(move.old):
                continue
            with request_scope(move.account_id, region_of(move.old)):
                set_instances(move.old, "rebooting")
                # Before it follows, for that throws away what it had not replicated.
                kept = kept or self._snapshot(move.old)
                if kept and self._follow(move.old):
                    self._connect(move)
                set_instances(move.old, "available")

    def _waits_for(self, move: Move) -> bool:
        # Somebody may have taken it out of the global database, or deleted it, meanwhile.
        member = member_of(move.record, move.old["DBClusterArn"])
        still = find_in(move, move.old) is move.old
        return still and member is not None and member["SynchronizationStatus"] == _PENDING_RESYNC

    def _is_back(self, old: dict) -> bool:
        # One that was fenced is down, but nothing is wrong with it.
        live = live_server(self._world, old)
        return live is None or _in_reach(live)

    def _connect(self, move: Move) -> None:
        member_of(move.record, move.old["DBClusterArn"])["SynchronizationStatus"] = "connected"
        record_event(move.old, "The DB cluster follows the new primary of its global database.", "global-failover")
        logger.info("%s is back and follows", move.old["DBClusterIdentifier"])

    def _snapshot(self, old: dict) -> bool:
        timestamp = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
        name = f"{_SNAPSHOT_NAME}-{old['DBClusterIdentifier']}-{timestamp}"
        outcome = self._world.keep_database(region_of(old), old["DBClusterIdentifier"], name)
        if not outcome.done:
            logger.warning("%s is not snapshotted yet: %s", old["DBClusterIdentifier"], outcome.message)
            return False
        add_automated_snapshot(old, f"rds:{name}")
        return True

    def _follow(self, old: dict) -> bool:
        outcome = self._world.follow_database(region_of(old), old["DBClusterIdentifier"])
        if not outcome.done:
            logger.warning("%s does not follow yet: %s", old["DBClusterIdentifier"], outcome.message)
        return outcome.done


def find_in(move: Move, cluster: dict) -> dict | None:
    """A cluster's record as it is now, looked up in the account of the move."""
    with request_scope(move.account_id, region_of(cluster)):
        return find_cluster(cluster["DBClusterArn"])


def _choose_writer(cluster: dict) -> None:
    members = cluster["DBClusterMembers"]
    if members and not any(member["IsClusterWriter"] for member in members):
        members[0]["IsClusterWriter"] = True


def _in_reach(live: dict) -> bool:
    # One that was stopped on purpose is in reach as well.
    return live.get("inReach", live["running"])
