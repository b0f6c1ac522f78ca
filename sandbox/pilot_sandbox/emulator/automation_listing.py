"""Systems Manager: which executions there are. Pure, after the API reference's `DescribeAutomationExecutions`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

_MOST, _MEMBERS = 50, ("AutomationExecutionId", "DocumentName", "DocumentVersion", "AutomationExecutionStatus")
_MORE_MEMBERS = ("ExecutionStartTime", "ExecutionEndTime", "ExecutedBy", "Outputs", "Mode", "FailureMessage")


class FilterError(Exception):
    """A filter that Systems Manager refuses; carries its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def page(records: Iterable[dict], request: dict) -> dict:
    """The newest executions first that every filter lets pass, so many a page."""
    filters = [_filter(one["Key"], one["Values"]) for one in request.get("Filters", [])]
    found = [record for record in records if all(passes(record) for passes in filters)]
    found.sort(key=lambda record: record["ExecutionStartTime"])
    found.reverse()  # also of those that began in one millisecond the newest comes first
    first = int(request.get("NextToken") or 0)
    last = first + min(request.get("MaxResults", _MOST), _MOST)
    more = {"NextToken": str(last)} if last < len(found) else {}
    return {"AutomationExecutionMetadataList": [_metadata(record) for record in found[first:last]], **more}


def _metadata(record: dict) -> dict:
    shown = {name: record[name] for name in (*_MEMBERS, *_MORE_MEMBERS) if name in record}
    return {**shown, "AutomationType": "Local"}


def _filter(key: str, values: list[str]) -> Callable[[dict], bool]:
    match key:
        case "DocumentNamePrefix":
            return lambda record: record["DocumentName"].startswith(tuple(values))
        case "ExecutionStatus":
            return lambda record: record["AutomationExecutionStatus"] in values
        case "ExecutionId":
            return lambda record: record["AutomationExecutionId"] in values
        case "StartTimeAfter":
            after = _seconds(key, values)
            return lambda record: record["ExecutionStartTime"] >= after
        case "StartTimeBefore":
            before = _seconds(key, values)
            return lambda record: record["ExecutionStartTime"] <= before
    raise FilterError("InvalidFilterKey", f"The sandbox does not list executions by {key}.")


def _seconds(key: str, values: list[str]) -> float:
    try:
        [value] = values
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise FilterError("InvalidFilterValue", f"{values} is no time for {key}.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
