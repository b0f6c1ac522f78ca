"""Application Recovery Controller's `route53-recovery-control-config`, which lives in us-west-2 alone.

ministack does not have it. Clusters, control panels, routing controls and safety rules are made and described; each is
deployed at once. Nothing is updated or deleted: a sandbox is made anew. A cluster's five Regional endpoints are all the
emulator's own address: the Region that a request is signed for tells which of them is meant.
"""

from __future__ import annotations

import functools
import json
import os
from urllib.parse import unquote

from ministack import app
from ministack.core import router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_account_id, get_region, new_uuid

from .recovery_records import Answer, RecoveryRecords, RefusedError, answer
from .recovery_rules import RoutingControl, SafetyRule
from .settings import LOOPBACK

_NAME = "route53-recovery-control-config"
_REGION = "us-west-2"
ENDPOINT_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")


class RecoveryConfig:
    """Makes and describes what the cluster's endpoints switch."""

    def __init__(self, records: RecoveryRecords) -> None:
        self._records = records

    def install(self) -> None:
        """Make the emulator answer for this service."""
        router.SERVICE_PATTERNS[_NAME] = {"credential_scope": _NAME}
        app.SERVICE_HANDLERS[_NAME] = self._handle

    async def _handle(self, method: str, path: str, _headers: dict, body: bytes, _query: dict) -> Answer:
        parts = [unquote(part) for part in path.strip("/").split("/", 1)]
        arguments = (method, parts[0], parts[1] if len(parts) > 1 else "", json.loads(body or b"{}"))
        act = functools.partial(self._configure, *arguments)
        return await run_reentrant(answer, act, "Message", thread_name="pilot-recovery-config")

    def _configure(self, method: str, kind: str, rest: str, request: dict) -> dict:
        if get_region() != _REGION:
            message = f"Credential should be scoped to a valid region: {_REGION}."
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
        with self._records.lock:
            if method == "POST" and kind in create and not rest:
                return create[kind](request)
            if method == "GET" and kind in describe and rest:
                for listed, show in (("/routingcontrols", self._list_controls), ("/safetyrules", self._list_rules)):
                    if kind == "controlpanel" and rest.endswith(listed):
                        return show(self._known(self._records.panels, rest.removesuffix(listed), "control panel"))
                return describe[kind](rest)
        raise RefusedError("ValidationException", f"{method} /{kind} is not emulated")

    def _create_cluster(self, request: dict) -> dict:
        name = request["ClusterName"]
        if name in self._records.clusters.values():
            raise RefusedError("ConflictException", f"A cluster named {name} exists already", 409)
        arn = f"arn:aws:route53-recovery-control::{get_account_id()}:cluster/{new_uuid()}"
        self._records.clusters[arn] = name
        self._new_panel(arn, "DefaultControlPanel", default=True)
        return self._show_cluster(arn)

    def _create_panel(self, request: dict) -> dict:
        cluster = request["ClusterArn"]
        self._known(self._records.clusters, cluster, "cluster")
        name = request["ControlPanelName"]
        if (cluster, name) in [(panel["ClusterArn"], panel["Name"]) for panel in self._records.panels.values()]:
            raise RefusedError("ConflictException", f"A control panel named {name} exists", 409)
        return self._show_panel(self._new_panel(cluster, name, default=False))

    def _new_panel(self, cluster: str, name: str, *, default: bool) -> str:
        arn = f"arn:aws:route53-recovery-control::{get_account_id()}:controlpanel/{new_uuid().replace('-', '')}"
        panel = {"ClusterArn": cluster, "ControlPanelArn": arn, "Name": name, "DefaultControlPanel": default}
        self._records.panels[arn] = panel
        return arn

    def _create_control(self, request: dict) -> dict:
        cluster = request["ClusterArn"]
        self._known(self._records.clusters, cluster, "cluster")
        default = next(arn for arn, panel in self._records.panels.items() if panel["ClusterArn"] == cluster)
        panel = request.get("ControlPanelArn", default)
        self._known(self._records.panels, panel, "control panel")
        name = request["RoutingControlName"]
        if any(control.name == name for control in self._records.controls_of(panel)):
            raise RefusedError("ConflictException", f"A routing control named {name} exists", 409)
        arn = f"{panel}/routingcontrol/{new_uuid().replace('-', '')[:16]}"
        self._records.controls[arn] = RoutingControl(arn, name, panel)
        return self._show_control(arn)

    def _create_rule(self, request: dict) -> dict:
        given = [name for name in ("AssertionRule", "GatingRule") if request.get(name)]
        if len(given) != 1:
            raise RefusedError("ValidationException", "Give either an AssertionRule or a GatingRule")
        asked = request[given[0]]
        panel = asked["ControlPanelArn"]
        self._known(self._records.panels, panel, "control panel")
        targets = asked["AssertedControls"] if given == ["AssertionRule"] else asked["TargetControls"]
        gating = asked.get("GatingControls", [])
        strangers = [
            arn for arn in (*targets, *gating) if arn not in self._records.controls or not arn.startswith(f"{panel}/")
        ]
        config = asked["RuleConfig"]
        if strangers or not targets or config["Threshold"] > len(gating or targets):
            raise RefusedError("ValidationException", f"The rule's controls are not all of {panel}, or are too few")
        arn = f"{panel}/safetyrule/{new_uuid().replace('-', '')[:16]}"
        shape = (config["Type"], config["Threshold"], config["Inverted"], asked["WaitPeriodMs"])
        self._records.rules[arn] = SafetyRule(arn, asked["Name"], panel, *shape, targets, gating)
        return self._show_rule(arn)

    def _show_cluster(self, arn: str) -> dict:
        name = self._known(self._records.clusters, arn, "cluster")
        url = f"http://{LOOPBACK}:{os.environ['GATEWAY_PORT']}"
        endpoints = [{"Endpoint": url, "Region": region} for region in ENDPOINT_REGIONS]
        return {"Cluster": {"ClusterArn": arn, "ClusterEndpoints": endpoints, "Name": name, "Status": "DEPLOYED"}}

    def _show_panel(self, arn: str) -> dict:
        panel = self._known(self._records.panels, arn, "control panel")
        count = len(self._records.controls_of(arn))
        return {"ControlPanel": {**panel, "RoutingControlCount": count, "Status": "DEPLOYED"}}

    def _show_control(self, arn: str) -> dict:
        control = self._known(self._records.controls, arn, "routing control")
        return {"RoutingControl": _configured(control)}

    def _show_rule(self, arn: str) -> dict:
        return _shown(self._known(self._records.rules, arn, "safety rule"))

    def _list_controls(self, panel: dict) -> dict:
        return {
            "RoutingControls": [_configured(control) for control in self._records.controls_of(panel["ControlPanelArn"])]
        }

    def _list_rules(self, panel: dict) -> dict:
        arn = panel["ControlPanelArn"]
        rules = [rule for rule in self._records.rules.values() if rule.control_panel_arn == arn]
        # In a list the two kinds are called ASSERTION and GATING.
        named = [{name.removesuffix("Rule").upper(): shown for name, shown in _shown(rule).items()} for rule in rules]
        return {"SafetyRules": named}

    def _known(self, records: dict, arn: str, what: str):
        if arn not in records:
            raise RefusedError("ResourceNotFoundException", f"No {what} {arn}", 404)
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
