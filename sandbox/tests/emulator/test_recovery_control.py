"""Application Recovery Controller: routing controls that are switched, safety rules that hold, endpoints that fail."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from dnslib import DNSRecord
from emulator_process import Emulator
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.dns_answers import answer
from pilot_sandbox.emulator.recovery_rules import SafetyRule, violated
from pilot_sandbox.health_checkers import HealthCheckers
from pilot_sandbox.route53_watch import read_route53

CONFIG_REGION = "us-west-2"


@dataclass
class Cluster:
    """A cluster with two routing controls, and clients of its endpoints."""

    emulator: Emulator
    config: object
    arn: str
    panel: str
    controls: list[str]

    def at(self, region: str) -> object:
        return self.emulator.client("route53-recovery-cluster", region)

    def states(self) -> list[str]:
        client = self.at("eu-west-1")
        return [client.get_routing_control_state(RoutingControlArn=arn)["RoutingControlState"] for arn in self.controls]

    def switch(self, *states: str, region: str = "us-east-1", override: tuple[str, ...] = ()) -> None:
        """Give the controls these states, the first control the first one."""
        entries = [
            {"RoutingControlArn": arn, "RoutingControlState": state}
            for arn, state in zip(self.controls, states, strict=False)
        ]
        self.at(region).update_routing_control_states(
            UpdateRoutingControlStateEntries=entries, SafetyRulesToOverride=list(override)
        )

    def rule(self, threshold: int = 1, wait_period_ms: int = 0) -> str:
        """An assertion rule over the controls; its ARN."""
        made = self.config.create_safety_rule(
            AssertionRule={
                "Name": f"at-least-{threshold}",
                "ControlPanelArn": self.panel,
                "AssertedControls": self.controls,
                "RuleConfig": {"Type": "ATLEAST", "Threshold": threshold, "Inverted": False},
                "WaitPeriodMs": wait_period_ms,
            }
        )
        return made["AssertionRule"]["SafetyRuleArn"]


@pytest.fixture
def cluster(emulator: Emulator, name: str) -> Iterator[Cluster]:
    """A cluster of its own for every test."""
    config = emulator.client("route53-recovery-control-config", CONFIG_REGION)
    arn = config.create_cluster(ClusterName=name)["Cluster"]["ClusterArn"]
    panel = config.create_control_panel(ClusterArn=arn, ControlPanelName="cells")["ControlPanel"]["ControlPanelArn"]
    controls = [
        config.create_routing_control(ClusterArn=arn, ControlPanelArn=panel, RoutingControlName=each)["RoutingControl"][
            "RoutingControlArn"
        ]
        for each in ("primary", "recovery")
    ]
    yield Cluster(emulator, config, arn, panel, controls)
    emulator.world.endpoints_down = []


def refusal(call: object, *positional: object, **arguments: object) -> dict:
    """The error that a call is refused with, together with its HTTP status."""
    with pytest.raises(ClientError) as refused:
        call(*positional, **arguments)
    response = refused.value.response
    return {**response, **response["Error"], "Status": response["ResponseMetadata"]["HTTPStatusCode"]}


def test_controls_are_off_when_made_and_switched_at_any_endpoint(cluster: Cluster) -> None:
    described = cluster.config.describe_cluster(ClusterArn=cluster.arn)["Cluster"]
    assert described["Status"] == "DEPLOYED" and len(described["ClusterEndpoints"]) == 5
    assert cluster.states() == ["Off", "Off"]
    for region, states in zip(
        [endpoint["Region"] for endpoint in described["ClusterEndpoints"]],
        (["On", "Off"], ["Off", "On"], ["On", "On"], ["Off", "Off"], ["On", "Off"]),
        strict=True,
    ):
        cluster.switch(*states, region=region)
        assert cluster.states() == states
    cluster.at("us-west-2").update_routing_control_state(
        RoutingControlArn=cluster.controls[1], RoutingControlState="On"
    )
    assert cluster.states() == ["On", "On"]
    pages = (
        cluster.at("us-west-2")
        .get_paginator("list_routing_controls")
        .paginate(ControlPanelArn=cluster.panel, PaginationConfig={"PageSize": 1})
    )
    listed = [control for page in pages for control in page["RoutingControls"]]
    assert [(each["RoutingControlName"], each["RoutingControlState"]) for each in listed] == [
        ("primary", "On"),
        ("recovery", "On"),
    ]
    assert listed[0]["ControlPanelName"] == "cells"
    # Without a panel, the cluster's default one takes the control.
    made = cluster.config.create_routing_control(ClusterArn=cluster.arn, RoutingControlName="other")["RoutingControl"]
    panel = cluster.config.describe_control_panel(ControlPanelArn=made["ControlPanelArn"])["ControlPanel"]
    assert (panel["Name"], panel["DefaultControlPanel"], panel["RoutingControlCount"]) == (
        "DefaultControlPanel",
        True,
        1,
    )


def test_an_endpoint_that_is_out_of_order_leaves_four(cluster: Cluster) -> None:
    cluster.emulator.world.endpoints_down = ["us-east-1"]
    assert refusal(cluster.switch, "On", "Off")["Code"] == "EndpointTemporarilyUnavailableException"
    assert cluster.states() == ["Off", "Off"]
    cluster.switch("On", "Off", region="ap-southeast-2")
    assert cluster.states() == ["On", "Off"]


def test_a_safety_rule_refuses_the_whole_change(cluster: Cluster) -> None:
    cluster.switch("On", "Off")
    rule = cluster.rule()
    shown = cluster.config.describe_safety_rule(SafetyRuleArn=rule)["AssertionRule"]
    assert (shown["Status"], shown["AssertedControls"]) == ("DEPLOYED", cluster.controls)
    listed = cluster.config.list_safety_rules(ControlPanelArn=cluster.panel)["SafetyRules"]
    assert [each["ASSERTION"]["SafetyRuleArn"] for each in listed] == [rule]
    refused = refusal(cluster.switch, "Off", "Off")
    assert (refused["Code"], refused["resourceId"], refused["Status"]) == ("ConflictException", rule, 400)
    assert cluster.states() == ["On", "Off"]
    # One control at a time it does not go, both at once it does.
    one = {"RoutingControlArn": cluster.controls[0], "RoutingControlState": "Off"}
    assert refusal(cluster.at("us-east-1").update_routing_control_state, **one)["Code"] == "ConflictException"
    cluster.switch("Off", "On")
    assert cluster.states() == ["Off", "On"]
    cluster.switch("Off", "Off", override=(rule,))
    assert cluster.states() == ["Off", "Off"]


def test_a_gating_rule_holds_its_targets(cluster: Cluster) -> None:
    gate = cluster.config.create_routing_control(
        ClusterArn=cluster.arn, ControlPanelArn=cluster.panel, RoutingControlName="gate"
    )["RoutingControl"]["RoutingControlArn"]
    cluster.config.create_safety_rule(
        GatingRule={
            "Name": "ask first",
            "ControlPanelArn": cluster.panel,
            "GatingControls": [gate],
            "TargetControls": cluster.controls,
            "RuleConfig": {"Type": "OR", "Threshold": 0, "Inverted": False},
            "WaitPeriodMs": 0,
        }
    )
    assert refusal(cluster.switch, "On", "Off")["Code"] == "ConflictException"
    cluster.at("us-east-1").update_routing_control_state(RoutingControlArn=gate, RoutingControlState="On")
    cluster.switch("On", "Off")
    assert cluster.states() == ["On", "Off"]


def test_what_aws_refuses_is_refused(cluster: Cluster) -> None:
    entry = {"RoutingControlArn": cluster.controls[0], "RoutingControlState": "On"}
    many = [{**entry, "RoutingControlArn": f"{cluster.panel}/routingcontrol/{number}"} for number in range(11)]
    update = cluster.at("us-east-1").update_routing_control_states
    for entries, code in (
        (many, "ServiceLimitExceededException"),
        (many[:10], "ResourceNotFoundException"),
        ([entry, many[0]], "ResourceNotFoundException"),
        ([entry, {**entry, "RoutingControlState": "Off"}], "ValidationException"),
        ([{**entry, "RoutingControlState": "on"}], "ValidationException"),
    ):
        assert refusal(update, UpdateRoutingControlStateEntries=entries)["Code"] == code
    assert cluster.states() == ["Off", "Off"]
    unknown_rule = f"{cluster.panel}/safetyrule/{uuid.uuid4().hex[:16]}"
    assert refusal(cluster.switch, "On", override=(unknown_rule,))["Code"] == "ResourceNotFoundException"
    # No cluster has an endpoint there.
    assert refusal(cluster.switch, "On", region="eu-central-1")["Code"] == "InvalidSignatureException"
    again = {"ClusterArn": cluster.arn, "ControlPanelName": "cells"}
    assert refusal(cluster.config.create_control_panel, **again)["Status"] == 409
    assert refusal(cluster.config.describe_cluster, ClusterArn=f"{cluster.arn}0")["Status"] == 404
    elsewhere = cluster.emulator.client("route53-recovery-control-config", "us-east-1")
    assert refusal(elsewhere.create_cluster, ClusterName="x")["Code"] == "InvalidSignatureException"
    stranger = {"ControlPanelArn": cluster.panel, "AssertedControls": [many[0]["RoutingControlArn"]], "Name": "x"}
    config = {"Type": "ATLEAST", "Threshold": 1, "Inverted": False}
    rule = {"AssertionRule": {**stranger, "RuleConfig": config, "WaitPeriodMs": 0}}
    assert refusal(cluster.config.create_safety_rule, **rule)["Code"] == "ValidationException"


def test_a_health_check_of_a_routing_control_keeps_its_arn(cluster: Cluster) -> None:
    client = cluster.emulator.client("route53", "us-east-1")
    config = {"Type": "RECOVERY_CONTROL", "RoutingControlArn": cluster.controls[0]}
    made = client.create_health_check(CallerReference=uuid.uuid4().hex, HealthCheckConfig=config)["HealthCheck"]
    kept = client.get_health_check(HealthCheckId=made["Id"])["HealthCheck"]["HealthCheckConfig"]
    assert kept == kept | config
    without = {"CallerReference": uuid.uuid4().hex, "HealthCheckConfig": {"Type": "RECOVERY_CONTROL"}}
    assert refusal(client.create_health_check, **without)["Code"] == "InvalidInput"


def test_the_sandbox_s_dns_follows_the_switch(cluster: Cluster, name: str) -> None:
    client = cluster.emulator.client("route53", "us-east-1")
    zone = client.create_hosted_zone(Name=f"{name}.test", CallerReference=uuid.uuid4().hex)["HostedZone"]["Id"]
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"www.{name}.test",
                "Type": "A",
                "TTL": 5,
                "SetIdentifier": failover,
                "Failover": failover,
                "HealthCheckId": client.create_health_check(
                    CallerReference=uuid.uuid4().hex,
                    HealthCheckConfig={"Type": "RECOVERY_CONTROL", "RoutingControlArn": control},
                )["HealthCheck"]["Id"],
                "ResourceRecords": [{"Value": address}],
            },
        }
        for failover, control, address in zip(
            ("PRIMARY", "SECONDARY"), cluster.controls, ("192.0.2.1", "192.0.2.2"), strict=True
        )
    ]
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    clients = AwsClients(cluster.emulator.url)

    def resolved() -> str:
        zones, checks, states = read_route53(clients)
        # Only the checks that nobody has to probe: this is no event loop.
        checkers = HealthCheckers()
        checkers.update({id_: check for id_, check in checks.items() if check["Type"] == "RECOVERY_CONTROL"}, states)
        query = DNSRecord.question(f"www.{name}.test", "A")
        return str(answer(query, zones, checkers.is_healthy).rr[0].rdata)

    for states, address in ((("On", "Off"), "192.0.2.1"), (("Off", "On"), "192.0.2.2"), (("On", "On"), "192.0.2.1")):
        cluster.switch(*states)
        assert resolved() == address
    # The name servers know the states whichever endpoint does not answer callers.
    cluster.emulator.world.endpoints_down = ["us-east-1", "us-west-2"]
    cluster.switch("Off", "On", region="eu-west-1")
    assert resolved() == "192.0.2.2"


@pytest.mark.parametrize(
    ("kind", "threshold", "inverted", "states", "met"),
    [
        ("ATLEAST", 1, False, "10", True),
        ("ATLEAST", 2, False, "10", False),
        ("ATLEAST", 1, False, "00", False),
        ("ATLEAST", 2, True, "11", False),
        ("ATLEAST", 2, True, "10", True),
        ("AND", 0, False, "11", True),
        ("AND", 0, False, "10", False),
        ("OR", 0, False, "01", True),
        ("OR", 0, False, "00", False),
        ("OR", 0, True, "00", True),
    ],
)
def test_what_a_rule_asks(kind: str, threshold: int, inverted: bool, states: str, met: bool) -> None:
    rule = SafetyRule("rule", "rule", "panel", kind, threshold, inverted, 0, ["a", "b"])
    change = {name: "On" if state == "1" else "Off" for name, state in zip("ab", states, strict=True)}
    assert (violated([rule], {"a": "Off", "b": "Off"}, change, now=0.0) is None) == met


def test_a_rule_s_controls_rest_for_its_wait_period() -> None:
    rule = SafetyRule("rule", "rule", "panel", "ATLEAST", 1, False, 5000, ["a", "b"], changed_at=10.0)
    states = {"a": "On", "b": "Off", "c": "Off"}
    assert violated([rule], states, {"a": "Off", "b": "On"}, now=14.9) is not None
    assert violated([rule], states, {"a": "Off", "b": "On"}, now=15.0) is None
    assert violated([rule], states, {"c": "On"}, now=10.1) is None
