"""Route 53's routing policies: which changes of records are refused because of them.

ministack takes any. Pure: from the zone's records, the batch and the health checks that exist to the refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

Change = tuple[str, dict]
Refusal = tuple[str, str, int]

# Fields of a record, one of which says its policy; ministack keeps them under these names.
_POLICIES = {"Weight": "weighted", "Failover": "failover", "Region": "latency", "MultiValueAnswer": "multivalue answer"}
_WEIGHT_MAX = 255


def refusal(records: Iterable[dict], changes: list[Change], checks: Collection[str]) -> Refusal | None:
    """The code, the message and the status that the batch is refused with; `None` if its policies are in order."""
    written = [record for action, record in changes if action in ("CREATE", "UPSERT")]
    for record in written:
        if (found := _of_itself(record, checks)) is not None:
            return found
    changed = {_key(record) for _, record in changes}
    after = [record for record in records if _key(record) not in changed] + written
    for record in written:
        others = [other for other in after if _set(other) == _set(record) and _key(other) != _key(record)]
        if (message := _among(record, others)) is not None:
            return "InvalidChangeBatch", f"[{_told(record)} cannot be created because {message}.]", 400
    return None


def _of_itself(record: dict, checks: Collection[str]) -> Refusal | None:
    given = _given(record)
    identifier = record.get("SetIdentifier")
    message = None
    if given and not identifier:
        message = f"Missing field 'SetIdentifier' in Change with [{_told(record)}]"
    elif identifier and len(given) != 1:
        how_many = "more than one" if given else "none"
        message = (
            f"Expected exactly one of [{', '.join(_POLICIES)}], but found {how_many} in Change with [{_told(record)}]"
        )
    elif not 0 <= record.get("Weight", 0) <= _WEIGHT_MAX:
        message = f"Weight must be between 0 and {_WEIGHT_MAX} in Change with [{_told(record)}]"
    if message is not None:
        return "InvalidInput", f"Invalid request: {message}", 400
    check = record.get("HealthCheckId")
    if check and check not in checks:
        return "NoSuchHealthCheck", f"No health check exists with the specified ID {check}.", 404
    return None


def _among(record: dict, others: list[dict]) -> str | None:
    """What of the others of its name and type forbids the record."""
    for other in others:
        if _policy(other) != _policy(record):
            return f"a {_policy(other)} RRSet with the same name and type exists"
        if record.get("Failover") and other["Failover"] == record["Failover"]:
            return f"another RRSet with the same name, type and Failover type {record['Failover']} exists"
    return None


def _given(record: dict) -> list[str]:
    # Weight 0 is a weight; MultiValueAnswer false is none.
    return [field for field in _POLICIES if record.get(field) is not None and record[field] is not False]


def _policy(record: dict) -> str:
    return next((_POLICIES[field] for field in _given(record)), "simple")


def _set(record: dict) -> tuple:
    return record["Name"], record["Type"]


def _key(record: dict) -> tuple:
    return *_set(record), record.get("SetIdentifier", "")


def _told(record: dict) -> str:
    name, kind, identifier = _key(record)
    return f"RRSet with DNS name {name}, type {kind}, SetIdentifier {identifier or 'null'}"
