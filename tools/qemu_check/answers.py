"""What a function answered to one event."""

from dataclasses import dataclass

OK = "ok"


@dataclass(frozen=True)
class Answer:
    """`kind` is `ok`, or the error type that Step Functions would match on."""

    kind: str
    body: str
