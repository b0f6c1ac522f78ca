"""Whole runs that recover: by the alarm, by hand, by either traffic method."""

import time
from datetime import datetime

import yaml
from sandbox_under_test import Run, SandboxUnderTest, Workload

_ALARM_TIMEOUT_SECONDS = 120
# One order is posted every 0.2 s and the lag metric has a point every 2 s, later on a busy machine.
_RPO_SLACK_SECONDS = 5


def assert_recovered(workload: Workload, run: Run) -> None:
    """What an outside observer sees of a recovered workload, by boto3 and as a client."""
    sandbox = workload.sandbox
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    replica = workload.replica()
    assert "ReadReplicaSourceDBInstanceIdentifier" not in replica
    assert replica["DBInstanceStatus"] == "available"
    database = workload.document()["databases"][0]
    assert replica["BackupRetentionPeriod"] == database["backupRetentionDays"]
    workload.assert_set(database["promotedSettings"], replica)
    # A group of a running instance waits for a reboot, and nobody asked for one: the report says so.
    group = {"DBParameterGroupName": f"{workload.name}-parameters", "ParameterApplyStatus": "pending-reboot"}
    assert replica["DBParameterGroups"] == [group]
    for step in ("promote-data", "validate"):
        assert "`pending-reboot`" in str(next(s for s in run.report["steps"] if s["name"] == step)), step
    assert workload.sizes() == (2, 4, 2)
    in_service = [i for i in workload.group()["Instances"] if i["LifecycleState"] == "InService"]
    assert len(in_service) == 2
    assert workload.lease()["phase"] == "released"
    client = workload.client_until(sandbox.recovery_region)
    assert_report(workload, run, client)


def assert_report(workload: Workload, run: Run, client: dict) -> None:
    """The report has the documented fields, and its figures agree with what the outside client counted."""
    report = run.report
    assert report["runId"] == run.run_id
    assert report["plan"]["name"] == workload.name
    assert len(report["plan"]["sha256"]) == 64
    assert report["plan"]["version"]
    assert report["mode"] == "failover"
    assert report["outcome"] == "recovered"
    assert 0 < report["rtoFromDecisionSeconds"] <= report["rtoFromIncidentSeconds"]
    names = [step["name"] for step in report["steps"]]
    expected = ["open", "assess", "ready", "fence", "gate", "promote-data", "scale-compute", "validate"]
    expected += ["shift-traffic", "verify"]
    assert sorted(names) == sorted(expected)
    for step in report["steps"]:
        assert step["outcome"] == "done", step
        assert step["startedAt"] <= step["endedAt"], step
    for entry in report["journal"]:
        # A dead database cannot be modified: the fence records that and goes on.
        refused = entry["step"] == "fence" and entry["outcome"]["kind"] == "notDone"
        assert refused or entry["outcome"]["kind"] == "accepted", entry
    assert client["lost"] is not None
    # Every lost order is inside the loss that the report states, which exceeds it by how late the incident was seen.
    assert client["lossSeconds"] <= report["rpoSeconds"] + 0.5
    assert workload.killed_at is not None
    noticed_after = datetime.fromisoformat(report["incidentAt"]).timestamp() - workload.killed_at
    assert report["rpoSeconds"] <= client["lossSeconds"] + noticed_after + _RPO_SLACK_SECONDS


def test_alarm_starts_the_failover(sandbox: SandboxUnderTest) -> None:
    """Nobody starts anything: the probe sees the dead primary, the alarm rings, one run recovers the workload."""
    workload = sandbox.workload("pilot-light")
    sandbox.control("POST", "/replication/lag", {"seconds": 1.5}, workload="pilot-light")
    time.sleep(5)
    workload.kill()
    deadline = time.monotonic() + _ALARM_TIMEOUT_SECONDS
    while not (started := sandbox.executions_of("pilot-light")):
        assert time.monotonic() < deadline, "the alarm started no run"
        time.sleep(0.5)
    run = sandbox.wait(started[0]["executionArn"], "pilot-light")
    assert run.report["trigger"]["kind"] == "alarm"
    assert run.report["trigger"]["alarmName"] == sandbox.outputs["PrimaryDownAlarmName"]
    assert_recovered(workload, run)
    assert workload.client()["lost"] > 0, "a lag of 1.5 s must have lost something, or the count proves nothing"


def test_manual_failover(workload: Workload) -> None:
    """A person starts the run with plain boto3."""
    workload.kill()
    run = workload.run("the Region is gone")
    assert run.report["trigger"] == {"kind": "manual", "reason": "the Region is gone"}
    assert_recovered(workload, run)
    assert workload.stop_object_present()
    acts = [(entry["step"], entry["action"]) for entry in run.report["journal"] if entry["step"] != "fence"]
    assert sorted(acts) == [
        ("promote-data", "promote-read-replica"),
        ("promote-data", "set-promoted"),
        ("promote-data", "tag-promoted"),
        ("scale-compute", "resize-group"),
        ("shift-traffic", "put-stop-object"),
    ]
    before = next(entry["before"] for entry in run.report["journal"] if entry["action"] == "resize-group")
    assert (before["min"], before["max"], before["desired"]) == (0, 0, 0)


def test_records_method(workload: Workload) -> None:
    """The stated alternative: records are rewritten, and the change followed until it is everywhere. There and back."""
    plan = yaml.safe_load(workload.plan())
    route53 = workload.sandbox.aws("route53", "us-east-1")
    zone = route53.list_hosted_zones_by_name(DNSName=f"{workload.name}.test.")["HostedZones"][0]
    api, recovery = f"api.{workload.name}.test", f"recovery-lb.{workload.name}.test"
    record = {"name": api, "recordType": "CNAME", "ttlSeconds": 5, "values": [recovery]}
    primary = recovery.replace("recovery-", "primary-")
    component = {"kind": "route53Records", "name": "api", "hostedZoneId": zone["Id"].split("/")[-1]}
    plan["traffic"] = [component | {"records": [record]}]
    plan["validation"]["dns"][0] |= {"name": api, "expectAnyOf": [recovery]}
    plan["home"]["traffic"] = [component | {"records": [record | {"values": [primary]}]}]
    plan["home"]["validation"]["dns"][0] |= {"name": api, "expectAnyOf": [primary]}
    workload.put_plan(yaml.safe_dump(plan))
    workload.kill()
    run = workload.run()
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert _values(route53, zone["Id"], api) == [recovery]
    upsert = next(entry for entry in run.report["journal"] if entry["action"] == "upsert-records")
    assert "primary-lb" in str(upsert["before"])
    workload.mend()
    for mode in ("protect", "failback"):
        run = workload.run(mode=mode)
        assert run.status == "SUCCEEDED", (mode, run.error, run.cause)
    assert _values(route53, zone["Id"], api) == [primary]


def _values(route53, zone_id: str, name: str) -> list[str]:
    records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    found = next(record for record in records if record["Name"].rstrip(".") == name)
    return [value["Value"].rstrip(".") for value in found["ResourceRecords"]]


def test_an_isolated_region(workload: Workload) -> None:
    """The primary Region's network is gone, its API calls are reset: nothing on the path needs it."""
    workload.kill("network")
    assert_recovered(workload, workload.run())
