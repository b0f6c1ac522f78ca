"""What must never be, whatever fails: pure, from what was seen to what is forbidden in it."""

from dataclasses import dataclass, field

from .modes import MODES, Mode

#: How a run may end. `unended` is none of them.
OUTCOMES = ("recovered", "rolledBack", "refused", "stuck")

_PROMOTION = "rds.PromoteReadReplica"
_RESIZE, _DOOR, _MODIFY = "autoscaling.UpdateAutoScalingGroup", "elbv2.SetSecurityGroups", "rds.ModifyDBInstance"
# The acts of the journal that a call which changes the workload belongs to, by the function that makes it and the call:
# in the Region that is entered, and in the one that is left.
_ACTS = {
    ("promote-db", _PROMOTION): ("promote-read-replica", None),
    ("promote-db", _MODIFY): ("set-promoted", None),
    ("promote-db", "rds.AddTagsToResource"): ("tag-promoted", None),
    ("scale-compute", _RESIZE): ("resize-group", "rest-group"),
    ("update-dns", "s3.PutObject stop"): ("put-stop-object", "put-stop-object"),
    ("update-dns", "s3.DeleteObject stop"): ("remove-stop-object", "remove-stop-object"),
    ("fence", _RESIZE): (None, "fence-group"),
    ("fence", _DOOR): ("lift-load-balancer", "fence-load-balancer"),
    ("fence", _MODIFY): ("lift-instance", "fence-instance"),
    ("protect", _MODIFY): (None, "set-aside"),
    ("protect", "rds.CreateDBInstanceReadReplica"): (None, "create-replica"),
}
_CHANGES = {call for _, call in _ACTS}
#: What a Region that rests is down to in `pilot-light`.
_AT_REST = (0, 0, 0)


@dataclass
class State:
    """The workload's resources as boto3 describes them: of the Region that the run enters, and of the one it leaves."""

    sizes: tuple[int, int, int]
    left_sizes: tuple[int, int, int]
    #: Of the primary Region, the only one that has doors which are closed.
    doors: dict[str, list[str]]
    promoted: bool
    available: bool
    in_service: int
    #: Whether the traffic is led to the Region that the run enters.
    led_over: bool
    #: Whether the database of the Region that is left is a replica of the other, and available.
    left_follows: bool = False

    def undone_part(self) -> tuple:
        """What must be exactly as before after a run that changed nothing in the end."""
        return self.sizes, self.left_sizes, self.doors, self.promoted, self.led_over, self.left_follows


@dataclass
class Seen:
    """All that was seen of one case."""

    outcome: str
    before: State
    after: State
    calls: list[dict]
    journal: list[dict]
    page: str | None = None
    #: How the page's next command ended, for a run that was stuck.
    resumed: str | None = None
    at_last: State | None = None
    #: The Regions that confirmed the client's orders once the primary was mended; `None` if nobody looked.
    served_by: list[str] | None = None
    #: How many orders that were confirmed during the case cannot be read after it; `None` if nobody could look.
    lost: int | None = None
    #: Planned: nothing may be lost. Homeward: the Region that was left must follow and rest.
    mode: Mode = MODES["failover"]
    entered_region: str = ""
    left_region: str = ""
    problems: list[str] = field(default_factory=list)


def forbidden(seen: Seen) -> list[str]:
    """Everything that must not be."""
    found = list(seen.problems)
    if seen.outcome not in OUTCOMES:
        found.append("the run never ended")
    promotions = [call for call in seen.calls if _accepted(call) and call["operation"] == _PROMOTION]
    if len(promotions) > 1:
        found.append(f"{len(promotions)} promotions")
    found += _not_journalled(seen)
    for state in filter(None, (seen.after, seen.at_last)):
        if state.led_over and not (state.promoted and state.available):
            found.append("traffic is led to a database that cannot be written")
    if seen.outcome == "recovered":
        found += _not_recovered(seen.after, seen.mode)
    if seen.outcome in ("rolledBack", "refused") and seen.after.undone_part() != seen.before.undone_part():
        found.append(f"{seen.outcome}, but not as before: {seen.before} became {seen.after}")
    if seen.outcome in ("rolledBack", "refused") and promotions:
        # By the wire, for the state may still look as before: RDS shows a promotion only once it is through.
        found.append(f"{seen.outcome}, after a promotion was accepted")
    if seen.outcome == "stuck":
        found += _stuck(seen)
    if not seen.mode.disaster:
        found += _lost(seen)
    return found + _split(seen)


def _accepted(call: dict) -> bool:
    return call["status"] == 200


def _not_journalled(seen: Seen) -> list[str]:
    """Accepted calls whose act the journal does not know, or says was not done."""
    acts = {entry["action"] for entry in seen.journal}
    believed = {entry["action"] for entry in seen.journal if not _said_not_done(entry)}
    found = []
    changes = ((call["function"], _name(call), _act(call, seen)) for call in seen.calls if _accepted(call))
    for function, name, act in dict.fromkeys(changes):
        # An undo is written down in the entry of the act that it undoes.
        if name not in _CHANGES or function == "rollback":
            continue
        if act not in acts:
            found.append(f"{name} was made by {function} and is not in the journal")
        elif act not in believed:
            found.append(f"{name} was made by {function} and the journal says that it was not done")
    return found


def _name(call: dict) -> str:
    return f"{call['operation']} {call['item']}".strip()


def _act(call: dict, seen: Seen) -> str | None:
    """The act that the call belongs to; `None` if the function has none such in that Region."""
    entered, left = _ACTS.get((call["function"], _name(call)), (None, None))
    return entered if call["region"] == seen.entered_region else left


def _said_not_done(entry: dict) -> bool:
    outcome = entry.get("outcome")
    return isinstance(outcome, dict) and outcome.get("kind") == {"S": "notDone"}


def _not_recovered(state: State, mode: Mode) -> list[str]:
    wanted = {
        "the database is promoted and available": state.promoted and state.available,
        "the capacity is in service": state.in_service >= 2,
        "the traffic is led over": state.led_over,
    }
    if mode.homeward:
        wanted["the Region that was left follows"] = state.left_follows
        wanted["the Region that was left rests"] = state.left_sizes == _AT_REST
    return [f"SUCCEEDED, and it is not so that {what}" for what, so in wanted.items() if not so]


def _stuck(seen: Seen) -> list[str]:
    if not seen.page:
        return ["stuck without a page"]
    if seen.resumed != "recovered":
        return [f"the page's next command ended {seen.resumed}"]
    return _not_recovered(seen.at_last, seen.mode) if seen.at_last else ["nobody looked after the page's next command"]


def _lost(seen: Seen) -> list[str]:
    """What a planned run may not do: lose an order that was confirmed."""
    if seen.lost:
        return [f"{seen.lost} confirmed orders were lost by a planned run"]
    if seen.served_by and seen.lost is None:
        return ["orders are taken, and those that were confirmed cannot be read"]
    return []


def _split(seen: Seen) -> list[str]:
    """Two writable databases with traffic reaching both."""
    if seen.served_by is None:
        return []
    regions = set(seen.served_by)
    if len(regions) > 1:
        return [f"orders are taken in {len(regions)} Regions at once"]
    back = seen.outcome in ("rolledBack", "refused")
    if regions != {seen.left_region if back else seen.entered_region}:
        return [f"{seen.outcome}, and orders are taken by {', '.join(regions) or 'nobody'}"]
    return []
