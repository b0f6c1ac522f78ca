"""What a call is called: which workload's, by which function, to do what, to which item.

Two runs of the same kind make the same calls under the same names, whatever the ids in them: that is what lets a
fault be aimed at "the promotion's outcome in the journal" of one workload while others run beside it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microburst.core.context import RequestContext

from ..naming import STACK_NAME

#: The header that microburst's rules match a call by: `|workload|function operation item|number|`.
CALL_HEADER = "x-pilot-call"
_APP_ID = re.compile(r"\bapp/([A-Za-z0-9_-]+)")
# The sort key as DynamoDB's JSON writes it, in a key or in a query's values.
_SORT_KEY = re.compile(r'"sk":\s*\{"S":\s*"([^"]+)"\}')
_PREFIX = re.compile(r'":prefix":\s*\{"S":\s*"([^"]+)"\}')
# The stack is called like the first workload: its own resources name no workload.
_OF_THE_STACK = re.compile(rf"{STACK_NAME}-(?:[A-Z][A-Za-z]*|[a-z]*bucket)-\w+")
_S3_KEYS = (("plans/", "plan"), ("/report.json", "report.json"), ("/report.html", "report.html"), ("stop/", "stop"))


@dataclass(frozen=True)
class CallSite:
    """A call as it is made in every run."""

    function: str
    operation: str
    item: str

    def __str__(self) -> str:
        return f"{self.function} {self.operation}" + (f" {self.item}" if self.item else "")


def workload_of(context: RequestContext, body: str, known: Iterable[str]) -> str | None:
    """The known workload that the call names, the longest if it names several; `None` if it names none."""
    text = _OF_THE_STACK.sub(" ", f"{context.path} {' '.join(context.query.values())} {body}")
    found = [name for name in known if name in text]
    return max(found, key=len, default=None)


def site_of(context: RequestContext, body: str) -> CallSite:
    """Name the call."""
    operation = f"{context.service or 'unknown'}.{context.operation or context.method}"
    return CallSite(_function(context.headers), operation, _item(context, body))


def _function(headers: Mapping[str, str]) -> str:
    agents = " ".join(value for name, value in headers.items() if name.lower() in ("user-agent", "x-amz-user-agent"))
    found = _APP_ID.search(agents)
    return found.group(1) if found else "outside"


def _item(context: RequestContext, body: str) -> str:
    if context.service == "dynamodb":
        keys = dict.fromkeys(_SORT_KEY.findall(body) + _PREFIX.findall(body))
        return "+".join(keys)
    if context.service == "s3":
        return next((short for part, short in _S3_KEYS if part in context.path), "")
    return ""
