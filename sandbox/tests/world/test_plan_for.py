"""The sandbox's plan is the published example, with only the sandbox's resources in place of real ones."""

from __future__ import annotations

import pytest
import yaml
from pilot_sandbox import plan_for as subject
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION, Names
from pilot_sandbox.seed import SeedContext

_CONTEXT = SeedContext(
    names=Names("pl-plan"),
    outputs={"StopBucketName": "the-stop-bucket"},
    emulator_port=1,
    load_balancer_ports={PRIMARY_REGION: 2, RECOVERY_REGION: 3},
    database_ports={PRIMARY_REGION: 4, RECOVERY_REGION: 5},
    probe_urls={PRIMARY_REGION: "http://127.0.0.1:6", RECOVERY_REGION: "http://127.0.0.1:7"},
    dns_address="127.0.0.1:8",
)


def _shape(node: object) -> object:
    """The document with every text blanked out."""
    if isinstance(node, dict):
        return {key: _shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_shape(value) for value in node]
    return "" if isinstance(node, str) else node


def test_only_texts_and_the_hold_time_differ_from_the_example() -> None:
    example = yaml.safe_load(subject.TEMPLATE.read_text())
    plan = yaml.safe_load(subject.plan_for(_CONTEXT))
    assert plan["policy"]["holdSeconds"] == subject.SANDBOX_HOLD_SECONDS
    plan["policy"]["holdSeconds"] = example["policy"]["holdSeconds"]
    assert _shape(plan) == _shape(example)


def test_the_plan_names_the_sandbox_s_resources() -> None:
    plan = yaml.safe_load(subject.plan_for(_CONTEXT))
    assert plan["metadata"]["name"] == "pl-plan"
    assert plan["databases"][0]["replicaIdentifier"] == "pl-plan-db-replica"
    assert plan["compute"][0]["groupName"] == "pl-plan-app"
    assert plan["observer"]["controlUrls"] == ["http://127.0.0.1:7/lb-live"]
    assert plan["validation"]["dns"][0]["nameServers"] == ["127.0.0.1:8"]
    stop = next(entry for entry in plan["traffic"] if entry["kind"] == "stopObject")
    assert (stop["bucket"], stop["key"]) == ("the-stop-bucket", "stop/pl-plan")


def test_a_real_world_value_without_a_counterpart_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = subject.TEMPLATE.read_text().replace("primary-lb.shop.example.com", "elsewhere.example.com")
    template = tmp_path / "plan.yaml"
    template.write_text(changed)
    monkeypatch.setattr(subject, "TEMPLATE", template)
    with pytest.raises(subject.PlanUnusable, match=r"signals\[0\]\.url = 'https://elsewhere\.example\.com"):
        subject.plan_for(_CONTEXT)
