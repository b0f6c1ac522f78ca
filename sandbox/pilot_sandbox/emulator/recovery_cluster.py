"""Application Recovery Controller's data plane, `route53-recovery-cluster`: states are read and set at five endpoints.

ministack does not have it. An endpoint is out of order when the world says so: then it answers
EndpointTemporarilyUnavailableException, and another one will do. A change is made whole or not at all.
"""

from __future__ import annotations

import functools
import json
import time

from ministack import app
from ministack.core import router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_region

from .recovery_config import ENDPOINT_REGIONS
from .recovery_records import Answer, RecoveryRecords, RefusedError, answer
from .recovery_rules import RoutingControl, violated
from .world_hooks import World

_NAME = "route53-recovery-cluster"
_TARGET_PREFIX = "ToggleCustomerAPI"
_ENTRIES_MAX = 10
_PAGE_MAX = 500


class RecoveryCluster:
    """Lists, reads and sets the states of routing controls."""

    def __init__(self, world: World, records: RecoveryRecords) -> None:
        self._world = world
        self._records = records

    def install(self) -> None:
        """Make the emulator answer for this service."""
        router.SERVICE_PATTERNS[_NAME] = {"target_prefixes": [_TARGET_PREFIX], "credential_scope": _NAME}
        app.SERVICE_HANDLERS[_NAME] = self._handle

    async def _handle(self, _method: str, _path: str, headers: dict, body: bytes, _query: dict) -> Answer:
        action, request = headers.get("x-amz-target", "").rsplit(".", 1)[-1], json.loads(body or b"{}")
        act = functools.partial(self._switch, action, request)
        return await run_reentrant(answer, act, "message", thread_name="pilot-recovery-cluster")

    def _switch(self, action: str, request: dict) -> dict:
        region = get_region()
        if region not in ENDPOINT_REGIONS:
            message = f"Credential should be scoped to a valid region; a cluster has none in {region}."
            raise RefusedError("InvalidSignatureException", message, 403)
        if region in self._world.unavailable_endpoints():
            message = "The cluster endpoint isn't available. Try another cluster endpoint."
            raise RefusedError("EndpointTemporarilyUnavailableException", message)
        actions = {
            "ListRoutingControls": self._list_states,
            "GetRoutingControlState": self._state,
            "UpdateRoutingControlState": self._update_one,
            "UpdateRoutingControlStates": self._update_many,
        }
        if action not in actions:
            raise RefusedError("ValidationException", f"{action} is not an operation of {_NAME}")
        with self._records.lock:
            return actions[action](request)

    def _list_states(self, request: dict) -> dict:
        panel = request.get("ControlPanelArn")
        if panel is not None:
            self._known(self._records.panels, panel, "control panel")
        found = [control for control in self._records.controls.values() if panel in (None, control.control_panel_arn)]
        begin, size = int(request.get("NextToken") or 0), min(request.get("MaxResults", _PAGE_MAX), _PAGE_MAX)
        page = {"RoutingControls": [self._with_state(control) for control in found[begin : begin + size]]}
        return page if begin + size >= len(found) else {**page, "NextToken": str(begin + size)}

    def _state(self, request: dict) -> dict:
        control = self._known(self._records.controls, request["RoutingControlArn"], "routing control")
        shown = self._with_state(control)
        return {name: shown[name] for name in ("RoutingControlArn", "RoutingControlState", "RoutingControlName")}

    def _update_one(self, request: dict) -> dict:
        change = {request["RoutingControlArn"]: request["RoutingControlState"]}
        return self._update(change, request.get("SafetyRulesToOverride", []))

    def _update_many(self, request: dict) -> dict:
        entries = request["UpdateRoutingControlStateEntries"]
        if len(entries) > _ENTRIES_MAX:
            message = "The request can't update that many routing control states at the same time."
            members = {"limitCode": "UpdateRoutingControlStates", "serviceCode": "route53-recovery-control"}
            raise RefusedError("ServiceLimitExceededException", message, **members)
        change = {entry["RoutingControlArn"]: entry["RoutingControlState"] for entry in entries}
        if not entries or len(change) < len(entries):
            raise RefusedError("ValidationException", "Each routing control must be named once", reason="other")
        return self._update(change, request.get("SafetyRulesToOverride", []))

    def _update(self, change: dict[str, str], overridden: list[str]) -> dict:
        """All of the change, or nothing of it."""
        for arn, state in change.items():
            self._known(self._records.controls, arn, "routing control")
            if state not in ("On", "Off"):
                message = f"The state of a routing control is On or Off, not {state}"
                raise RefusedError("ValidationException", message, reason="fieldValidationFailed")
        for arn in overridden:
            self._known(self._records.rules, arn, "safety rule")
        rules = [rule for rule in self._records.rules.values() if rule.arn not in overridden]
        states = {arn: control.state for arn, control in self._records.controls.items()}
        now = time.monotonic()
        if (found := violated(rules, states, change, now)) is not None:
            rule, why = found
            message = f"The safety rule {rule.name} does not allow the change: {why}"
            raise RefusedError("ConflictException", message, resourceId=rule.arn, resourceType="SafetyRule")
        for arn, state in change.items():
            self._records.controls[arn].state = state
        for rule in self._records.rules.values():
            if any(states[arn] != change[arn] for arn in change.keys() & set(rule.targets)):
                rule.changed_at = now
        return {}

    def _with_state(self, control: RoutingControl) -> dict:
        return {
            "ControlPanelArn": control.control_panel_arn,
            "ControlPanelName": self._records.panels[control.control_panel_arn]["Name"],
            "RoutingControlArn": control.arn,
            "RoutingControlName": control.name,
            "RoutingControlState": control.state,
        }

    def _known(self, records: dict, arn: str, what: str):
        if arn not in records:
            members = {"resourceId": arn, "resourceType": what.title().replace(" ", "")}
            raise RefusedError("ResourceNotFoundException", f"No {what} {arn}", **members)
        return records[arn]
