"""Traffic led by routing controls and by records of every policy: the sandbox's DNS decides where the client goes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sandbox_under_test import Run, SandboxUnderTest, Workload

_TTL_SECONDS = 5
#: More than Route 53 takes in one batch, where an UPSERT counts twice and 1,000 are taken.
_TENANTS = 600


@dataclass
class Zone:
    """A workload's hosted zone, as boto3 sees it."""

    workload: Workload

    @property
    def route53(self):
        return self.workload.sandbox.aws("route53", "us-east-1")

    @property
    def zone_id(self) -> str:
        found = self.route53.list_hosted_zones_by_name(DNSName=f"{self.workload.name}.test.")["HostedZones"][0]
        return found["Id"].rsplit("/", 1)[-1]

    @property
    def shop(self) -> str:
        """What the outside client asks for."""
        return f"shop.{self.workload.name}.test"

    def balancer(self, role: str) -> str:
        """Where a Region's load balancer is: `primary` or `recovery`."""
        return f"{role}-lb.{self.workload.name}.test"

    def record(self, name: str, role: str, **more: object) -> dict:
        """A CNAME of a Region's load balancer, as the API has it."""
        value = [{"Value": self.balancer(role)}]
        return {"Name": f"{name}.", "Type": "CNAME", "TTL": _TTL_SECONDS, "ResourceRecords": value, **more}

    def cnames(self) -> list[dict]:
        """All of them, in Route 53's order."""
        pages = self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone_id)
        return [each for page in pages for each in page["ResourceRecordSets"] if each["Type"] == "CNAME"]

    def of(self, name: str) -> list[dict]:
        """Those of one name."""
        return [each for each in self.cnames() if each["Name"] == f"{name}."]

    def change(self, *changes: tuple[str, dict]) -> None:
        """One batch."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
        self.route53.change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch=batch)

    def replace_shop(self, *records: dict) -> None:
        """Lead the client by these records from now on."""
        self.change(*(("DELETE", each) for each in self.of(self.shop)), *(("CREATE", each) for each in records))

    def pair(self, fields: dict[str, dict]) -> list[dict]:
        """The client's two records, one a Region: what each has beside its value."""
        return [self.record(self.shop, role, SetIdentifier=role, **more) for role, more in fields.items()]


@pytest.fixture
def zone(workload: Workload) -> Iterator[Zone]:
    """The workload's zone; health checks that no record refers to any more are removed with it."""
    found = Zone(workload)
    referred = {each["HealthCheckId"] for each in found.of(found.shop)}
    yield found
    now = {each.get("HealthCheckId") for each in found.cnames()}
    for check in referred - now:
        found.route53.delete_health_check(HealthCheckId=check)


def _lead_by(workload: Workload, away: dict, home: list[dict]) -> None:
    """Let one component lead the traffic, instead of the STOP object."""

    def change(plan: dict) -> None:
        plan["traffic"] = [away]
        plan["home"]["traffic"] = home

    workload.change_plan(change)


def _planned(record: dict) -> dict:
    """A record of the API as a plan has it."""
    fields = {"SetIdentifier": "setIdentifier", "Weight": "weight", "HealthCheckId": "healthCheckId"}
    planned = {"name": record["Name"].rstrip("."), "recordType": record["Type"], "ttlSeconds": record["TTL"]}
    planned["values"] = [each["Value"] for each in record["ResourceRecords"]]
    planned |= {ours: record[theirs] for theirs, ours in fields.items() if theirs in record}
    return planned | ({"failover": record["Failover"]} if "Failover" in record else {})


def _records(zone: Zone, records: list[dict]) -> dict:
    """A component that writes these."""
    planned = [_planned(each) for each in records]
    return {"kind": "route53Records", "name": "front", "hostedZoneId": zone.zone_id, "records": planned}


def _succeeded(run: Run) -> Run:
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    return run


def _away(workload: Workload) -> Run:
    """The primary dies; the outside client reads and writes in the recovery Region, within the reported loss."""
    sandbox = workload.sandbox
    earlier = len(workload.client_until(sandbox.primary_region)["losses"])
    workload.kill()
    run = _succeeded(workload.run("the Region is gone"))
    seen = workload.client_until(sandbox.recovery_region)
    assert seen["readRegion"] == sandbox.recovery_region
    assert all(loss["seconds"] <= run.report["rpoSeconds"] + 0.5 for loss in seen["losses"][earlier:])
    assert "ReadReplicaSourceDBInstanceIdentifier" not in workload.replica()
    assert workload.sizes() == (2, 4, 2)
    assert not workload.stop_object_present(), "nothing but the plan's own component leads the traffic"
    return run


def _home(workload: Workload) -> None:
    """Mended, protected and brought home with nothing lost."""
    lost = workload.client()["lost"]
    workload.mend()
    for mode in ("protect", "failback"):
        _succeeded(workload.run(f"on the way home: {mode}", mode=mode))
    assert workload.client_until(workload.sandbox.primary_region)["lost"] == lost
    assert workload.sizes() == (0, 0, 0)


def _values_before(run: Run, action: str) -> str:
    [entry] = [entry for entry in run.report["journal"] if entry["action"] == action]
    return str(entry["before"])


@dataclass
class Switches:
    """A routing control cluster with a control a Region, of which a safety rule wants one to be on."""

    sandbox: SandboxUnderTest
    endpoints: list[dict]
    controls: dict[str, str]

    @classmethod
    def made(cls, workload: Workload) -> "Switches":
        """Made as its owner would, and turned so that the primary serves."""
        sandbox = workload.sandbox
        config = sandbox.aws("route53-recovery-control-config", "us-west-2")
        cluster = config.create_cluster(ClusterName=workload.name)["Cluster"]
        found = config.create_control_panel(ClusterArn=cluster["ClusterArn"], ControlPanelName="regions")
        panel = found["ControlPanel"]["ControlPanelArn"]
        where = {"ClusterArn": cluster["ClusterArn"], "ControlPanelArn": panel}
        controls = {
            role: config.create_routing_control(RoutingControlName=role, **where)["RoutingControl"]["RoutingControlArn"]
            for role in ("primary", "recovery")
        }
        made = cls(sandbox, cluster["ClusterEndpoints"], controls)
        made.turn(primary="On", recovery="Off")
        config.create_safety_rule(
            AssertionRule={
                "Name": "one-serves",
                "ControlPanelArn": panel,
                "AssertedControls": list(controls.values()),
                "RuleConfig": {"Type": "ATLEAST", "Threshold": 1, "Inverted": False},
                "WaitPeriodMs": 0,
            }
        )
        return made

    def turn(self, **states: str) -> None:
        """All in one call, at an endpoint far from both Regions."""
        entries = [
            {"RoutingControlArn": self.controls[role], "RoutingControlState": state} for role, state in states.items()
        ]
        self._endpoint().update_routing_control_states(UpdateRoutingControlStateEntries=entries)

    def states(self) -> dict[str, str]:
        """By role."""
        client = self._endpoint()
        return {
            role: client.get_routing_control_state(RoutingControlArn=arn)["RoutingControlState"]
            for role, arn in self.controls.items()
        }

    def component(self, **more: object) -> dict:
        """The plan's component that turns them."""
        return {
            "kind": "routingControl",
            "name": "front",
            "clusterEndpoints": [{"region": each["Region"], "url": each["Endpoint"]} for each in self.endpoints],
            "controlsOn": [self.controls["recovery"]],
            "controlsOff": [self.controls["primary"]],
            **more,
        }

    def _endpoint(self):
        return self.sandbox.aws("route53-recovery-cluster", "eu-west-1")


def _follow(zone: Zone, switches: Switches) -> None:
    """Let the client's failover pair follow the switches, and nothing else."""
    checks = {}
    for role, control in switches.controls.items():
        config = {"Type": "RECOVERY_CONTROL", "RoutingControlArn": control}
        reference = f"{zone.workload.name}-control-{role}"
        made = zone.route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)
        checks[role] = made["HealthCheck"]["Id"]
    roles = {"primary": "PRIMARY", "recovery": "SECONDARY"}
    zone.replace_shop(*zone.pair({r: {"Failover": f, "HealthCheckId": checks[r]} for r, f in roles.items()}))


@pytest.fixture
def switches(workload: Workload, zone: Zone) -> Switches:
    """Routing controls that the client's records follow, in the workload's plan."""
    made = Switches.made(workload)
    _follow(zone, made)
    _lead_by(workload, made.component(), [])
    return made


def test_routing_controls(workload: Workload, zone: Zone, switches: Switches) -> None:
    """Two endpoints are out of order and a safety rule watches: the controls are turned, there and back."""
    records = zone.cnames()
    for region in ("us-east-1", "ap-southeast-2"):
        workload.sandbox.control("POST", f"/recovery-endpoints/{region}/down")
    try:
        run = _away(workload)
        assert switches.states() == {"primary": "Off", "recovery": "On"}
        before = _values_before(run, "set-routing-controls")
        assert f"'{switches.controls['primary']}': 'On'" in before
        assert f"'{switches.controls['recovery']}': 'Off'" in before
        _home(workload)
        assert switches.states() == {"primary": "On", "recovery": "Off"}
        _away(workload)
    finally:
        for region in ("us-east-1", "ap-southeast-2"):
            workload.sandbox.control("POST", f"/recovery-endpoints/{region}/up")
    assert zone.cnames() == records, "the records are as they were: it is their health checks that follow the controls"


def test_weighted_records(workload: Workload, zone: Zone) -> None:
    """All the weight moves from one Region's record to the other's, and back."""
    here, there = ({"primary": {"Weight": a}, "recovery": {"Weight": b}} for a, b in ((100, 0), (0, 100)))
    zone.replace_shop(*zone.pair(here))
    _lead_by(workload, _records(zone, zone.pair(there)), [_records(zone, zone.pair(here))])
    untouched = [each for each in zone.cnames() if each["Name"] != f"{zone.shop}."]
    run = _away(workload)
    assert zone.of(zone.shop) == zone.pair(there)
    assert "'weight': 100" in _values_before(run, "upsert-records")
    _home(workload)
    assert zone.of(zone.shop) == zone.pair(here)
    assert [each for each in zone.cnames() if each["Name"] != f"{zone.shop}."] == untouched


def test_failover_records(workload: Workload, zone: Zone) -> None:
    """The records of a failover pair exchange their roles, and exchange them back; their health checks stay."""
    checks = {each["SetIdentifier"]: each["HealthCheckId"] for each in zone.of(zone.shop)}

    def pair(primary: str, secondary: str) -> list[dict]:
        roles = {primary: "PRIMARY", secondary: "SECONDARY"}
        return zone.pair({r: {"Failover": roles[r], "HealthCheckId": checks[r]} for r in ("primary", "recovery")})

    here, there = pair("primary", "recovery"), pair("recovery", "primary")
    zone.replace_shop(*here)
    _lead_by(workload, _records(zone, there), [_records(zone, here)])
    run = _away(workload)
    assert zone.of(zone.shop) == there
    assert "'failover': 'PRIMARY'" in _values_before(run, "upsert-records")
    _home(workload)
    assert zone.of(zone.shop) == here


def test_hundreds_of_records(workload: Workload, zone: Zone) -> None:
    """More than one batch holds: every tenant's record is written and followed, and the client's own among them."""

    def every(role: str) -> list[dict]:
        names = [f"t{number:03}.{workload.name}.test" for number in range(_TENANTS)]
        return [zone.record(name, role) for name in (zone.shop, *names)]

    zone.replace_shop(every("primary")[0])
    tenants = every("primary")[1:]
    for begin in range(0, _TENANTS, 300):
        zone.change(*(("CREATE", each) for each in tenants[begin : begin + 300]))
    _lead_by(workload, _records(zone, every("recovery")), [_records(zone, every("primary"))])
    run = _away(workload)
    api = [each for each in zone.cnames() if each["Name"].startswith("api.")]
    assert zone.cnames() == sorted([*every("recovery"), *api], key=lambda each: each["Name"])
    before = _values_before(run, "upsert-records")
    assert before.count(zone.balancer("primary")) == _TENANTS + 1
    _home(workload)
    assert zone.cnames() == sorted([*every("primary"), *api], key=lambda each: each["Name"])


def _refused_unchanged(
    workload: Workload, zone: Zone, wrong: dict[str, tuple[Callable, str]], states: Callable
) -> None:
    """Each wrong plan is refused by what is wrong with it, and nothing was changed; the right one then recovers."""
    right = workload.plan()
    workload.kill()
    workload.verdict_until("down")
    before = (zone.cnames(), states(), workload.sizes(), workload.primary_doors())
    for name, (change, said) in wrong.items():
        workload.put_plan(right)
        workload.change_plan(change)
        run = workload.run(f"with {name}")
        assert (run.status, run.error) == ("FAILED", "Refused"), (name, run.cause)
        assert said in run.report["reason"], (name, run.report["reason"])
        assert run.report["journal"] == []
        assert (zone.cnames(), states(), workload.sizes(), workload.primary_doors()) == before, name
        assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica()
    workload.put_plan(right)
    _succeeded(workload.run("with the right plan"))
    workload.client_until(workload.sandbox.recovery_region)


def _component(**fields: object) -> Callable[[dict], None]:
    return lambda plan: plan["traffic"][0].update(fields)


def _record(index: int, **fields: object) -> Callable[[dict], None]:
    """Change fields of one record of the plan; `None` takes one out."""

    def change(plan: dict) -> None:
        record = plan["traffic"][0]["records"][index]
        record.update(fields)
        for field in [field for field, value in record.items() if value is None]:
            del record[field]

    return change


def test_wrong_routing_controls_are_refused(workload: Workload, zone: Zone, switches: Switches) -> None:
    """A control that is not there, one turned both ways, none at all, endpoints that die with the Region."""
    recovery, primary = switches.controls["recovery"], switches.controls["primary"]
    stranger = f"{recovery.rsplit('/', 1)[0]}/00000000000000ff"
    dying = [each for each in switches.component()["clusterEndpoints"] if each["region"] == "ap-southeast-2"]
    wrong = {
        "a control that is not there": (_component(controlsOn=[stranger]), f"no routing control {stranger}; make it"),
        "a control turned both ways": (_component(controlsOff=[recovery, primary]), "/traffic/0/controlsOff/0"),
        "no control": (_component(controlsOn=[], controlsOff=[]), "there is nothing to turn"),
        "the primary Region's endpoint": (_component(clusterEndpoints=dying), "name all five"),
    }
    _refused_unchanged(workload, zone, wrong, switches.states)


def test_wrong_records_are_refused(workload: Workload, zone: Zone) -> None:
    """Of weighted records: no such zone, none of the name, of another policy, without what tells them apart."""
    here, there = ({"primary": {"Weight": a}, "recovery": {"Weight": b}} for a, b in ((1, 0), (0, 1)))
    zone.replace_shop(*zone.pair(here))
    _lead_by(workload, _records(zone, zone.pair(there)), [_records(zone, zone.pair(here))])
    api = f"api.{workload.name}.test"
    wrong = {
        "no such zone": (_component(hostedZoneId="Z00000000000000000000"), "Z00000000000000000000"),
        "no such name": (_record(1, name=f"www.{workload.name}.test"), f"no record www.{workload.name}.test CNAME"),
        "no such identifier": (_record(1, setIdentifier="third"), "(third); make it, or correct the plan"),
        "no such health check": (
            _record(1, healthCheckId="no-such-check"),
            "names health check no-such-check, which does not exist",
        ),
        "no identifier": (_record(1, setIdentifier=None), "/traffic/0/records/1/setIdentifier: is missing"),
        "weight on a simple record": (_record(1, name=api), f"{api}. CNAME is an alias or has a routing policy"),
        "a simple record for weighted ones": (
            _component(records=[_planned(zone.record(zone.shop, "recovery"))]),
            f"{zone.shop}. CNAME is an alias or has a routing policy",
        ),
        "failover for weights": (_policies("PRIMARY", "SECONDARY"), "is weighted, the plan's is failover"),
        "two policies in one name": (_record(1, weight=None, failover="PRIMARY"), "they share one policy"),
    }
    _refused_unchanged(workload, zone, wrong, list)


def _policies(*roles: str) -> Callable[[dict], None]:
    def change(plan: dict) -> None:
        for index, role in enumerate(roles):
            _record(index, weight=None, failover=role)(plan)

    return change
