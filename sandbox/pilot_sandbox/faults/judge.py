"""What must never be, whatever fails: pure, from what was seen to what is forbidden in it."""

from dataclasses import dataclass, field

#: How a run may end. `unended` is none of them.
OUTCOMES = ("recovered", "rolledBack", "refused", "stuck")

_PROMOTION = "rds.PromoteReadReplica"
# The act of the journal that a call belongs to which changes the workload: by the function that makes it, and the call.
_ACTS = {
    ("promote-db", _PROMOTION): "promote-read-replica",
    ("promote-db", "rds.ModifyDBInstance"): "set-promoted",
    ("promote-db", "rds.AddTagsToResource"): "tag-promoted",
    ("scale-compute", "autoscaling.UpdateAutoScalingGroup"): "resize-group",
    ("update-dns", "s3.PutObject stop"): "put-stop-object",
    ("fence", "autoscaling.UpdateAutoScalingGroup"): "fence-group",
    ("fence", "elbv2.SetSecurityGroups"): "fence-load-balancer",
    ("fence", "rds.ModifyDBInstance"): "fence-instance",
}
_CHANGES = {call for _, call in _ACTS}


@dataclass
class State:
    """The workload's resources, as boto3 describes them."""

    sizes: tuple[int, int, int]
    primary_sizes: tuple[int, int, int]
    primary_doors: dict[str, list[str]]
    promoted: bool
    available: bool
    in_service: int
    stop_object: bool

    def undone_part(self) -> tuple:
        """What must be exactly as before after a run that changed nothing in the end."""
        return self.sizes, self.primary_sizes, self.primary_doors, self.promoted, self.stop_object


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
    recovery_region: str = ""
    primary_region: str = ""
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
        if state.stop_object and not (state.promoted and state.available):
            found.append("traffic is led to a database that cannot be written")
    if seen.outcome == "recovered":
        found += _not_recovered(seen.after)
    if seen.outcome in ("rolledBack", "refused") and seen.after.undone_part() != seen.before.undone_part():
        found.append(f"{seen.outcome}, but not as before: {seen.before} became {seen.after}")
    if seen.outcome in ("rolledBack", "refused") and promotions:
        # By the wire, for the state may still look as before: RDS shows a promotion only once it is through.
        found.append(f"{seen.outcome}, after a promotion was accepted")
    if seen.outcome == "stuck":
        found += _stuck(seen)
    return found + _split(seen)


def _accepted(call: dict) -> bool:
    return call["status"] == 200


def _not_journalled(seen: Seen) -> list[str]:
    """Accepted calls whose act the journal does not know, or says was not done."""
    acts = {entry["action"] for entry in seen.journal}
    believed = {entry["action"] for entry in seen.journal if not _said_not_done(entry)}
    found = []
    for function, name in dict.fromkeys(_change(call) for call in seen.calls if _accepted(call)):
        # An undo is written down in the entry of the act that it undoes.
        if name not in _CHANGES or function == "rollback":
            continue
        act = _ACTS.get((function, name))
        if act not in acts:
            found.append(f"{name} was made by {function} and is not in the journal")
        elif act not in believed:
            found.append(f"{name} was made by {function} and the journal says that it was not done")
    return found


def _change(call: dict) -> tuple[str, str]:
    return call["function"], f"{call['operation']} {call['item']}".strip()


def _said_not_done(entry: dict) -> bool:
    outcome = entry.get("outcome")
    return isinstance(outcome, dict) and outcome.get("kind") == {"S": "notDone"}


def _not_recovered(state: State) -> list[str]:
    wanted = {
        "the database is promoted and available": state.promoted and state.available,
        "the capacity is in service": state.in_service >= 2,
        "the traffic is led over": state.stop_object,
    }
    return [f"SUCCEEDED, and it is not so that {what}" for what, so in wanted.items() if not so]


def _stuck(seen: Seen) -> list[str]:
    if not seen.page:
        return ["stuck without a page"]
    if seen.resumed != "recovered":
        return [f"the page's next command ended {seen.resumed}"]
    return _not_recovered(seen.at_last) if seen.at_last else ["nobody looked after the page's next command"]


def _split(seen: Seen) -> list[str]:
    """Two writable databases with traffic reaching both."""
    if seen.served_by is None:
        return []
    regions = set(seen.served_by)
    if len(regions) > 1:
        return [f"orders are taken in {len(regions)} Regions at once"]
    back = seen.outcome in ("rolledBack", "refused")
    if regions != {seen.primary_region if back else seen.recovery_region}:
        return [f"{seen.outcome}, and orders are taken by {', '.join(regions) or 'nobody'}"]
    return []
