"""Application Recovery Controller: what there is of clusters, control panels, routing controls and safety rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from ministack.core.responses import json_response

from .recovery_rules import RoutingControl, SafetyRule

Answer = tuple[int, dict, bytes]


class RefusedError(Exception):
    """A request that cannot be done: AWS's error code and status, and what else the error carries."""

    def __init__(self, code: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(message)
        self.code, self.status, self.members = code, status, members


class RecoveryRecords:
    """Everything by its ARN, for both services; whoever reads or writes holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clusters: dict[str, str] = {}
        """Names."""
        self.panels: dict[str, dict] = {}
        self.controls: dict[str, RoutingControl] = {}
        self.rules: dict[str, SafetyRule] = {}

    def controls_of(self, panel: str) -> list[RoutingControl]:
        """The routing controls of one control panel."""
        return [control for control in self.controls.values() if control.control_panel_arn == panel]


def answer(act: Callable[[], dict], message_member: str) -> Answer:
    """What an action comes to, or the error it is refused with; the services differ in how they spell `message`."""
    try:
        return json_response(act())
    except RefusedError as refused:
        body = {"__type": refused.code, message_member: str(refused), **refused.members}
        headers = {"Content-Type": "application/json", "x-amzn-errortype": refused.code}
        return refused.status, headers, json.dumps(body).encode()
