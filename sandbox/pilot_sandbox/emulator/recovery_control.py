"""Application Recovery Controller: clusters, control panels, routing controls and safety rules, and their switching.

ministack has neither service. `route53-recovery-control-config` (which lives in us-west-2 alone) makes and describes
things, at once; `route53-recovery-cluster` reads and sets states, at a cluster's five Regional endpoints. Here all five
are the emulator's own address, and the Region that a request is signed for tells which endpoint is meant. An endpoint
is out of order when the world says so: EndpointTemporarilyUnavailableException, and another one will do.
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable
from urllib.parse import unquote

from ministack import app
from ministack.core import router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_account_id, get_region, json_response, new_uuid

from .recovery_rules import RoutingControl, SafetyRule, violated
from .settings import LOOPBACK
from .world_hooks import World

_CONFIG, _CLUSTER = "route53-recovery-control-config", "route53-recovery-cluster"
_CONFIG_REGION = "us-west-2"
ENDPOINT_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")
_ENTRIES_MAX = 10
_PAGE_MAX = 500

Answer = tuple[int, dict, bytes]


class RefusedError(Exception):
    """A request that cannot be done: AWS's error code and status, and what else the error carries."""

    def __init__(self, code: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(message)
        self.code, self.status, self.members = code, status, members


class RecoveryControl:
    """Both services, over one set of records."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._clusters: dict[str, str] = {}
        self._panels: dict[str, dict] = {}
        self._controls: dict[str, RoutingControl] = {}
        self._rules: dict[str, SafetyRule] = {}

    def install(self) -> None:
        """Make the emulator answer for both services."""
        router.SERVICE_PATTERNS[_CONFIG] = {"credential_scope": _CONFIG}
        router.SERVICE_PATTERNS[_CLUSTER] = {"target_prefixes": ["ToggleCustomerAPI"], "credential_scope": _CLUSTER}
        app.SERVICE_HANDLERS[_CONFIG] = self._handle_config
        app.SERVICE_HANDLERS[_CLUSTER] = self._handle_cluster

    async def _handle_config(self, method: str, path: str, _headers: dict, body: bytes, _query: dict) -> Answer:
        parts = [unquote(part) for part in path.strip("/").split("/", 1)]
        arguments = (method, parts[0], parts[1] if len(parts) > 1 else "", json.loads(body or b"{}"))
        act = functools.partial(self._configure, *arguments)
        return await run_reentrant(self._answer, act, "Message", thread_name="pilot-arc")

    async def _handle_cluster(self, _method: str, _path: str, headers: dict, body: bytes, _query: dict) -> Answer:
        action, request = headers.get("x-amz-target", "").rsplit(".", 1)[-1], json.loads(body or b"{}")
        act = functools.partial(self._switch, action, request)
        return await run_reentrant(self._answer, act, "message", thread_name="pilot-arc")

    def _answer(self, act: Callable[[], dict], message_member: str) -> Answer:
        try:
            return json_response(act())
        except RefusedError as refused:
            body = {"__type": refused.code, message_member: str(refused), **refused.members}
            headers = {"Content-Type": "application/json", "x-amzn-errortype": refused.code}
            return refused.status, headers, json.dumps(body).encode()

    # --- route53-recovery-control-config ---

    def _configure(self, method: str, kind: str, rest: str, request: dict) -> dict:
        if get_region() != _CONFIG_REGION:
            message = f"Credential should be scoped to a valid region: {_CONFIG_REGION}."
            raise RefusedError("InvalidSignatureException", message, 403)
        create = {
            "cluster": self._create_cluster,
            "controlpanel": self._create_panel,
            "routingcontrol": self._create_control,
            "safetyrule": self._create_rule,
        }
        describe = {
            "cluster": self._show_cluster,
            "controlpanel": self._show_panel,
            "routingcontrol": self._show_control,
            "safetyrule": self._show_rule,
        }
        with self._lock:
            if method == "POST" and kind in create and not rest:
                return create[kind](request)
            if method == "GET" and kind in describe and rest:
                for listed, show in (("/routingcontrols", self._list_controls), ("/safetyrules", self._list_rules)):
                    if kind == "controlpanel" and rest.endswith(listed):
                        return show(self._known(self._panels, rest.removesuffix(listed), "control panel"))
                return describe[kind](rest)
        raise RefusedError("ValidationException", f"{method} /{kind} is not emulated")

    def _create_cluster(self, request: dict) -> dict:
        name = request["ClusterName"]
        if name in self._clusters.values():
            raise RefusedError("ConflictException", f"A cluster named {name} exists already", 409)
        arn = f"arn:aws:route53-recovery-control::{get_account_id()}:cluster/{new_uuid()}"
        self._clusters[arn] = name
        self._new_panel(arn, "DefaultControlPanel", default=True)
        return self._show_cluster(arn)

    def _create_panel(self, request: dict) -> dict:
        cluster = request["ClusterArn"]
        self._known(self._clusters, cluster, "cluster")
        name = request["ControlPanelName"]
        if (cluster, name) in [(panel["ClusterArn"], panel["Name"]) for panel in self._panels.values()]:
            raise RefusedError("ConflictException", f"A control panel named {name} exists", 409)
        return self._show_panel(self._new_panel(cluster, name, default=False))

    def _new_panel(self, cluster: str, name: str, *, default: bool) -> str:
        arn = f"arn:aws:route53-recovery-control::{get_account_id()}:controlpanel/{new_uuid().replace('-', '')}"
        panel = {"ClusterArn": cluster, "ControlPanelArn": arn, "Name": name, "DefaultControlPanel": default}
        self._panels[arn] = panel
        return arn

    def _create_control(self, request: dict) -> dict:
        cluster = request["ClusterArn"]
        self._known(self._clusters, cluster, "cluster")
        default = next(arn for arn, panel in self._panels.items() if panel["ClusterArn"] == cluster)
        panel = request.get("ControlPanelArn", default)
        self._known(self._panels, panel, "control panel")
        name = request["RoutingControlName"]
        if any(control.name == name for control in self._controls_of(panel)):
            raise RefusedError("ConflictException", f"A routing control named {name} exists", 409)
        arn = f"{panel}/routingcontrol/{new_uuid().replace('-', '')[:16]}"
        self._controls[arn] = RoutingControl(arn, name, panel)
        return self._show_control(arn)

    def _create_rule(self, request: dict) -> dict:
        given = [name for name in ("AssertionRule", "GatingRule") if request.get(name)]
        if len(given) != 1:
            raise RefusedError("ValidationException", "Give either an AssertionRule or a GatingRule")
        asked = request[given[0]]
        panel = asked["ControlPanelArn"]
        self._known(self._panels, panel, "control panel")
        targets = asked["AssertedControls"] if given == ["AssertionRule"] else asked["TargetControls"]
        gating = asked.get("GatingControls", [])
        strangers = [arn for arn in (*targets, *gating) if arn not in self._controls or not arn.startswith(f"{panel}/")]
        config = asked["RuleConfig"]
        if strangers or not targets or config["Threshold"] > len(gating or targets):
            raise RefusedError("ValidationException", f"The rule's controls are not all of {panel}, or are too few")
        arn = f"{panel}/safetyrule/{new_uuid().replace('-', '')[:16]}"
        shape = (config["Type"], config["Threshold"], config["Inverted"], asked["WaitPeriodMs"])
        self._rules[arn] = SafetyRule(arn, asked["Name"], panel, *shape, targets, gating)
        return self._show_rule(arn)

    def _show_cluster(self, arn: str) -> dict:
        name = self._known(self._clusters, arn, "cluster")
        url = f"http://{LOOPBACK}:{os.environ['GATEWAY_PORT']}"
        endpoints = [{"Endpoint": url, "Region": region} for region in ENDPOINT_REGIONS]
        return {"Cluster": {"ClusterArn": arn, "ClusterEndpoints": endpoints, "Name": name, "Status": "DEPLOYED"}}

    def _show_panel(self, arn: str) -> dict:
        panel = self._known(self._panels, arn, "control panel")
        count = len(self._controls_of(arn))
        return {"ControlPanel": {**panel, "RoutingControlCount": count, "Status": "DEPLOYED"}}

    def _show_control(self, arn: str) -> dict:
        control = self._known(self._controls, arn, "routing control")
        return {"RoutingControl": _configured(control)}

    def _show_rule(self, arn: str) -> dict:
        return _shown(self._known(self._rules, arn, "safety rule"))

    def _list_controls(self, panel: dict) -> dict:
        return {"RoutingControls": [_configured(control) for control in self._controls_of(panel["ControlPanelArn"])]}

    def _list_rules(self, panel: dict) -> dict:
        arn = panel["ControlPanelArn"]
        rules = [rule for rule in self._rules.values() if rule.control_panel_arn == arn]
        # In a list the two kinds are called ASSERTION and GATING.
        named = [{name.removesuffix("Rule").upper(): shown for name, shown in _shown(rule).items()} for rule in rules]
        return {"SafetyRules": named}

    # --- route53-recovery-cluster ---

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
            raise RefusedError("ValidationException", f"{action} is not an operation of {_CLUSTER}")
        with self._lock:
            return actions[action](request)

    def _list_states(self, request: dict) -> dict:
        panel = request.get("ControlPanelArn")
        if panel is not None:
            self._known_to_cluster(self._panels, panel, "control panel")
        found = [control for control in self._controls.values() if panel in (None, control.control_panel_arn)]
        begin, size = int(request.get("NextToken") or 0), min(request.get("MaxResults", _PAGE_MAX), _PAGE_MAX)
        page = {"RoutingControls": [self._with_state(control) for control in found[begin : begin + size]]}
        return page if begin + size >= len(found) else {**page, "NextToken": str(begin + size)}

    def _state(self, request: dict) -> dict:
        control = self._known_to_cluster(self._controls, request["RoutingControlArn"], "routing control")
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
            self._known_to_cluster(self._controls, arn, "routing control")
            if state not in ("On", "Off"):
                message = f"The state of a routing control is On or Off, not {state}"
                raise RefusedError("ValidationException", message, reason="fieldValidationFailed")
        for arn in overridden:
            self._known_to_cluster(self._rules, arn, "safety rule")
        rules = [rule for rule in self._rules.values() if rule.arn not in overridden]
        states = {arn: control.state for arn, control in self._controls.items()}
        now = time.monotonic()
        if (found := violated(rules, states, change, now)) is not None:
            rule, why = found
            message = f"The safety rule {rule.name} does not allow the change: {why}"
            raise RefusedError("ConflictException", message, resourceId=rule.arn, resourceType="SafetyRule")
        for arn, state in change.items():
            self._controls[arn].state = state
        for rule in self._rules.values():
            if any(states[arn] != change[arn] for arn in change.keys() & set(rule.targets)):
                rule.changed_at = now
        return {}

    def _with_state(self, control: RoutingControl) -> dict:
        return {
            "ControlPanelArn": control.control_panel_arn,
            "ControlPanelName": self._panels[control.control_panel_arn]["Name"],
            "RoutingControlArn": control.arn,
            "RoutingControlName": control.name,
            "RoutingControlState": control.state,
        }

    def _controls_of(self, panel: str) -> list[RoutingControl]:
        return [control for control in self._controls.values() if control.control_panel_arn == panel]

    def _known(self, records: dict, arn: str, what: str):
        if arn not in records:
            raise RefusedError("ResourceNotFoundException", f"No {what} {arn}", 404)
        return records[arn]

    def _known_to_cluster(self, records: dict, arn: str, what: str):
        if arn not in records:
            members = {"resourceId": arn, "resourceType": what.title().replace(" ", "")}
            raise RefusedError("ResourceNotFoundException", f"No {what} {arn}", **members)
        return records[arn]


def _configured(control: RoutingControl) -> dict:
    return {
        "ControlPanelArn": control.control_panel_arn,
        "Name": control.name,
        "RoutingControlArn": control.arn,
        "Status": "DEPLOYED",
    }


def _shown(rule: SafetyRule) -> dict:
    shown = {
        "ControlPanelArn": rule.control_panel_arn,
        "Name": rule.name,
        "RuleConfig": {"Type": rule.kind, "Threshold": rule.threshold, "Inverted": rule.inverted},
        "SafetyRuleArn": rule.arn,
        "Status": "DEPLOYED",
        "WaitPeriodMs": rule.wait_period_ms,
    }
    if rule.gating:
        return {"GatingRule": {**shown, "GatingControls": rule.gating, "TargetControls": rule.targets}}
    return {"AssertionRule": {**shown, "AssertedControls": rule.targets}}
