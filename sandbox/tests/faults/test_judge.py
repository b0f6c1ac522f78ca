"""The judge of `make faults`: every forbidden thing is seen, and nothing that is allowed is called forbidden."""

from dataclasses import replace

import pytest
from pilot_sandbox.faults.judge import Seen, State, forbidden
from pilot_sandbox.faults.modes import MODES

BEFORE = State(
    sizes=(0, 0, 0),
    left_sizes=(2, 4, 2),
    doors={"load balancer": ["sg-open"], "database": ["sg-db"]},
    promoted=False,
    available=True,
    in_service=0,
    led_over=False,
)
RECOVERED = replace(BEFORE, sizes=(2, 4, 2), left_sizes=(0, 0, 0), promoted=True, in_service=2, led_over=True)
ACCEPTED = {"item": "", "status": 200, "region": "there"}
PROMOTION = {**ACCEPTED, "operation": "rds.PromoteReadReplica", "function": "promote-db"}
RESIZE = {**ACCEPTED, "operation": "autoscaling.UpdateAutoScalingGroup", "function": "scale-compute"}
UNDO = {**RESIZE, "function": "rollback"}
JOURNAL = [{"action": "promote-read-replica"}, {"action": "resize-group"}]
NOT_DONE = [{"action": "promote-read-replica", "outcome": {"kind": {"S": "notDone"}}}]
DONE = [{"action": "promote-read-replica", "outcome": {"kind": {"S": "accepted"}}}]
FENCE = {**RESIZE, "function": "fence", "region": "here"}
HOME = replace(RECOVERED, left_sizes=(0, 0, 0), left_follows=True)
DOOR = {**ACCEPTED, "operation": "elbv2.SetSecurityGroups", "function": "fence"}
FENCED, LIFTED = [{"action": "fence-load-balancer"}], [{"action": "lift-load-balancer"}]
REST = {**RESIZE, "region": "here"}
FAILBACK, SWITCHOVER = {"mode": MODES["failback"]}, {"mode": MODES["switchover"]}


def _seen(outcome: str, after: State, **more: object) -> Seen:
    return Seen(
        outcome,
        BEFORE,
        after,
        **{"calls": [], "journal": [], "entered_region": "there", "left_region": "here", **more},
    )


STUCK = {"page": "run this", "resumed": "recovered", "at_last": RECOVERED}

ROWS = [
    ("recovered", _seen("recovered", RECOVERED, calls=[PROMOTION, RESIZE], journal=JOURNAL, served_by=["there"]), None),
    ("refused, as before", _seen("refused", BEFORE), None),
    ("rolled back, as before", _seen("rolledBack", BEFORE, calls=[RESIZE, UNDO], journal=JOURNAL), None),
    ("stuck, and the page leads out", _seen("stuck", replace(BEFORE, promoted=True), **STUCK), None),
    ("a refused promotion is none", _seen("refused", BEFORE, calls=[{**PROMOTION, "status": 400}]), None),
    ("a resumed run's entry counts", _seen("recovered", RECOVERED, calls=[PROMOTION], journal=NOT_DONE + DONE), None),
    ("never ended", _seen("unended", BEFORE), "never ended"),
    ("another end", _seen("States.Timeout", BEFORE), "never ended"),
    ("two promotions", _seen("recovered", RECOVERED, calls=[PROMOTION] * 2, journal=JOURNAL), "2 promotions"),
    ("not in the journal", _seen("recovered", RECOVERED, calls=[PROMOTION], journal=[]), "not in the journal"),
    (
        "another's entry",
        _seen("recovered", RECOVERED, calls=[FENCE], journal=JOURNAL),
        "fence and is not in the journal",
    ),
    ("the journal denies it", _seen("recovered", RECOVERED, calls=[PROMOTION], journal=NOT_DONE), "it was not done"),
    ("changed by a stranger", _seen("refused", BEFORE, calls=[{**RESIZE, "function": "gate"}]), "not in the journal"),
    ("promoted after all", _seen("rolledBack", BEFORE, calls=[PROMOTION], journal=DONE), "promotion was accepted"),
    ("traffic, no database", _seen("stuck", replace(BEFORE, led_over=True), **STUCK), "cannot be written"),
    ("false success", _seen("recovered", replace(RECOVERED, in_service=1)), "the capacity is in service"),
    ("not put back", _seen("rolledBack", replace(BEFORE, sizes=(2, 4, 2))), "not as before"),
    ("the fence left", _seen("refused", replace(BEFORE, left_sizes=(0, 0, 0))), "not as before"),
    ("the door left", _seen("refused", replace(BEFORE, doors={})), "not as before"),
    ("no page", _seen("stuck", RECOVERED), "without a page"),
    ("the page misleads", _seen("stuck", RECOVERED, **{**STUCK, "resumed": "stuck"}), "ended stuck"),
    ("not there at last", _seen("stuck", RECOVERED, **{**STUCK, "at_last": BEFORE}), "SUCCEEDED, and it is not so"),
    ("two Regions take orders", _seen("recovered", RECOVERED, served_by=["there", "here"]), "2 Regions at once"),
    ("the old one takes orders", _seen("recovered", RECOVERED, served_by=["here"]), "taken by here"),
    ("back, and the primary takes orders", _seen("refused", BEFORE, served_by=["here"]), None),
    ("back, and the other one takes orders", _seen("rolledBack", BEFORE, served_by=["there"]), "taken by there"),
    ("nobody takes orders", _seen("recovered", RECOVERED, served_by=[]), "taken by nobody"),
    ("a disaster loses orders", _seen("recovered", RECOVERED, lost=3), None),
    ("a planned run loses none", _seen("recovered", RECOVERED, lost=0, **SWITCHOVER), None),
    ("a planned run lost some", _seen("recovered", RECOVERED, lost=3, **SWITCHOVER), "3 confirmed orders were lost"),
    ("lost, and rolled back", _seen("rolledBack", BEFORE, lost=1, **FAILBACK), "1 confirmed orders were lost"),
    ("nothing can be read", _seen("recovered", RECOVERED, served_by=["there"], **SWITCHOVER), "cannot be read"),
    ("home", _seen("recovered", HOME, served_by=["there"], lost=0, **FAILBACK), None),
    ("home, and not followed", _seen("recovered", replace(HOME, left_follows=False), **FAILBACK), "was left follows"),
    ("home, and not at rest", _seen("recovered", replace(HOME, left_sizes=(2, 4, 2)), **FAILBACK), "was left rests"),
    ("a lift is no fence", _seen("recovered", HOME, calls=[DOOR], journal=FENCED, **FAILBACK), "not in the journal"),
    ("a lift in the journal", _seen("recovered", HOME, calls=[DOOR], journal=LIFTED, **FAILBACK), None),
    ("rest is no resize", _seen("recovered", HOME, calls=[REST], journal=JOURNAL, **FAILBACK), "not in the journal"),
]


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_forbidden(seen: Seen, expected: str | None) -> None:
    """One row, one finding."""
    found = forbidden(seen)
    assert (found == []) if expected is None else any(expected in finding for finding in found), found
