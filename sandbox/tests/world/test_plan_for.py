"""The sandbox's plan is the published example, with only the sandbox's resources in place of real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pilot_sandbox import plan_for as subject
from pilot_sandbox.seed.context import SeedContext
from pilot_sandbox.seed.doors import PrimaryDoors
from pilot_sandbox.seed.groups import Groups
from pilot_sandbox.seed.services import Services
from pilot_sandbox.topologies import BACKUP_RESTORE, PILOT_LIGHT, SINGLE_REGION, TOPOLOGIES, Topology


def _context(topology: Topology) -> SeedContext:
    primary, recovery = topology.regions
    return SeedContext(
        names=topology.names("pl-plan"),
        outputs={"StopBucketName": "the-stop-bucket"},
        emulator_port=1,
        load_balancer_ports={primary: 2, recovery: 3},
        database_ports={primary: 4, recovery: 5},
        probe_urls={primary: "http://127.0.0.1:6", recovery: "http://127.0.0.1:7"},
        dns_address="127.0.0.1:8",
    )


_DOORS = PrimaryDoors(
    load_balancer_arn="arn:aws:elasticloadbalancing:ap-southeast-2:000000000000:loadbalancer/app/pl-plan-lb/1a2b",
    open_load_balancer_group="sg-1",
    closed_load_balancer_group="sg-2",
    open_database_group="sg-3",
    closed_database_group="sg-4",
)

_FENCE = """
fence:
  policy: bestEffort
  timeoutSeconds: 30
  items:
    - kind: autoScalingGroup
      name: primary-web
      groupName: shop-app
    - kind: loadBalancer
      name: primary-door
      loadBalancerArn: arn:aws:elasticloadbalancing:ap-southeast-2:111122223333:loadbalancer/app/shop/50dc6c495c0c9188
      closedSecurityGroupId: sg-0a1b2c3d4e5f60001
    - kind: rdsInstance
      name: primary-db
      identifier: shop-db
      closedSecurityGroupId: sg-0a1b2c3d4e5f60002
"""
_REST = "metadata: {name: pilot-light}\npolicy: {holdSeconds: 30}\n"


_LOOKED_UP = {
    "Z0123456789EXAMPLE": "Z0987",
    "sg-0a1b2c3d4e5f60005": "sg-5",
    "ldgnf-shopsmart-sessions": "sbox-pl-plan-sessions",
}
# Every published plan, by its topology and by how its name ends after the topology's.
_PLANS = [(name, ending) for name in sorted(TOPOLOGIES) for ending in ("", *TOPOLOGIES[name].more_plans)]


def _plan(topology: Topology = PILOT_LIGHT, ending: str = "") -> dict:
    return yaml.safe_load(subject.plan_for(topology, _context(topology), _DOORS, _LOOKED_UP, ending))


def _use_template(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "plan.yaml"
    template.write_text(text)
    monkeypatch.setattr(Topology, "plan", template)


def _shape(node: object) -> object:
    """The document with every text blanked out."""
    if isinstance(node, dict):
        return {key: _shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_shape(value) for value in node]
    return "" if isinstance(node, str) else node


@pytest.mark.parametrize(("name", "ending"), _PLANS)
def test_only_texts_the_hold_time_and_capacities_differ_from_the_example(name: str, ending: str) -> None:
    topology = TOPOLOGIES[name]
    file = topology.other_plan(ending) if ending else topology.plan
    example, plan = yaml.safe_load(file.read_text()), _plan(topology, ending)
    assert plan["metadata"]["name"] == (f"pl-plan-{ending}" if ending else "pl-plan")
    assert plan["policy"]["holdSeconds"] == subject.SANDBOX_HOLD_SECONDS
    plan["policy"]["holdSeconds"] = example["policy"]["holdSeconds"]
    for real, here in zip(example["compute"], plan["compute"], strict=True):
        if (scaled := topology.capacities.get(real["name"])) is not None:
            assert (here["capacity"], here["restingCapacity"]) == (scaled.serving, scaled.resting)
            assert real["capacity"].keys() == here["capacity"].keys() == here["restingCapacity"].keys()
            here |= {"capacity": real["capacity"], "restingCapacity": real["restingCapacity"]}
    at_home = (document.get("home", {}).get("compute", []) for document in (example, plan))
    for real, here in zip(*at_home, strict=True):
        if (scaled := topology.capacities.get(real["name"])) is not None:
            assert here["capacity"] == scaled.home
            assert real["capacity"].keys() == here["capacity"].keys()
            here["capacity"] = real["capacity"]
    assert _shape(plan) == _shape(example)


def test_the_plan_names_the_sandbox_s_resources() -> None:
    plan = _plan()
    assert plan["metadata"]["name"] == "pl-plan"
    assert plan["databases"][0]["replicaIdentifier"] == "pl-plan-db-replica"
    assert plan["compute"][0]["groupName"] == "pl-plan-app"
    assert plan["observer"]["controlUrls"] == ["http://127.0.0.1:7/lb-live"]
    assert plan["validation"]["dns"][0]["nameServers"] == ["127.0.0.1:8"]
    stop = next(entry for entry in plan["traffic"] if entry["kind"] == "stopObject")
    assert (stop["bucket"], stop["key"]) == ("the-stop-bucket", "stop/pl-plan")


def test_the_fence_names_what_stands_at_the_primary_s_doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_template(_REST + _FENCE, tmp_path, monkeypatch)
    group, balancer, database = _plan()["fence"]["items"]
    assert group == {"kind": "autoScalingGroup", "name": "primary-web", "groupName": "pl-plan-app"}
    assert balancer["loadBalancerArn"] == _DOORS.load_balancer_arn
    assert balancer["closedSecurityGroupId"] == _DOORS.closed_load_balancer_group
    assert (database["identifier"], database["closedSecurityGroupId"]) == ("pl-plan-db", _DOORS.closed_database_group)


def test_what_aws_has_named_itself_is_looked_up() -> None:
    plan = _plan(BACKUP_RESTORE)
    [traffic] = plan["traffic"]
    assert traffic["hostedZoneId"] == "Z0987"
    assert traffic["records"] == [
        {
            "name": "shop.pl-plan.test",
            "recordType": "CNAME",
            "ttlSeconds": 60,
            "values": ["recovery-lb.pl-plan.test"],
        }
    ]
    assert plan["databases"][0]["settings"]["securityGroupIds"] == ["sg-5"]


@pytest.mark.parametrize("ending", ["", "restore"])
def test_a_single_region_names_its_cluster_and_what_is_restored_beside_it(ending: str) -> None:
    plan = _plan(SINGLE_REGION, ending)
    named = yaml.safe_dump(plan["databases"])
    assert "pl-plan-aurora-primary" in named
    assert ("pl-plan-aurora-restored-2" in named) == ("pl-plan-carts-restored" in named) == (ending == "restore")


def test_a_plan_without_a_fence_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_template(_REST, tmp_path, monkeypatch)
    assert "fence" not in _plan()


@pytest.mark.parametrize(
    ("real", "other", "left"),
    [
        (
            "primary-lb.shop.example.com",
            "elsewhere.example.com",
            r"signals\[0\]\.url = 'https://elsewhere\.example\.com",
        ),
        ("sg-0a1b2c3d4e5f60002", "sg-0a1b2c3d4e5f60009", r"closedSecurityGroupId = 'sg-0a1b2c3d4e5f60009'"),
    ],
)
def test_a_real_world_value_without_a_counterpart_is_refused(
    real: str, other: str, left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = PILOT_LIGHT.plan.read_text()
    example = example if "\nfence:" in example else example + _FENCE
    _use_template(example.replace(real, other), tmp_path, monkeypatch)
    with pytest.raises(subject.PlanUnusable, match=left):
        _plan()


@pytest.mark.parametrize("name", ["payments", "pilot-light", "warm-standby"])
def test_both_regions_get_and_rest_at_what_is_seeded(name: str) -> None:
    topology = TOPOLOGIES[name]
    seeded = next(part for part in topology.others if isinstance(part, Groups | Services))
    (away,), (home,) = _plan(topology)["compute"], _plan(topology)["home"]["compute"]
    assert tuple(away["restingCapacity"][bound] for bound in ("min", "max", "desired")) == seeded.recovery
    assert tuple(home["capacity"][bound] for bound in ("min", "max", "desired")) == seeded.primary
