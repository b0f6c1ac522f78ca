"""RDS: tags of a DB instance belong to an instance that exists; ministack keeps those of any ARN."""

from __future__ import annotations

from collections.abc import Callable

from ministack.core.responses import get_region
from ministack.services import rds

from .rds_records import find_instance

_ACTIONS = ("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource")


def install() -> None:
    """Put the check in place before each action on tags."""
    for action in _ACTIONS:
        rds._ACTION_MAP[action] = _checked(rds._ACTION_MAP[action])


def _checked(handler: Callable[[dict], tuple]) -> Callable[[dict], tuple]:
    def handle(params: dict) -> tuple:
        arn = rds._p(params, "ResourceName")
        parts = arn.split(":")
        # ministack itself refuses an ARN of another Region.
        of_instance_here = len(parts) == 7 and parts[5] == "db" and parts[3] == get_region()
        if of_instance_here and find_instance(arn) is None:
            return rds._error("DBInstanceNotFound", f"DBInstance {parts[6]} not found.", 404)
        return handler(params)

    return handle
