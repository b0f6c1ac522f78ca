"""Route 53: a change that propagates, batches that fail whole, and health checks kept to the letter."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator


def zone(emulator: Emulator, name: str) -> str:
    """A hosted zone."""
    made = emulator.client("route53").create_hosted_zone(Name=f"{name}.test.", CallerReference=name)
    return made["HostedZone"]["Id"]


def change(emulator: Emulator, zone_id: str, *changes: tuple[str, dict]) -> dict:
    """One batch of record changes."""
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    client = emulator.client("route53")
    return client.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)["ChangeInfo"]


def record(name: str, value: str, **more: object) -> dict:
    """A CNAME."""
    return {"Name": name, "Type": "CNAME", "TTL": 5, "ResourceRecords": [{"Value": value}], **more}


def values(emulator: Emulator, zone_id: str) -> dict[str, str]:
    """The zone's CNAMEs."""
    listed = emulator.client("route53").list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {
        each["Name"] + each.get("SetIdentifier", ""): each["ResourceRecords"][0]["Value"]
        for each in listed
        if each["Type"] == "CNAME"
    }


def test_a_change_is_pending_for_its_time(emulator: Emulator, name: str) -> None:
    client, zone_id = emulator.client("route53"), zone(emulator, name)
    api = f"api.{name}.test."
    for target in ("primary-lb.test", "recovery-lb.test"):
        info = change(emulator, zone_id, ("UPSERT", record(api, target)))
        submitted = time.monotonic()
        assert info["Status"] == "PENDING"
        assert client.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING"
        assert client.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING"
        while client.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING":
            time.sleep(0.1)
        assert time.monotonic() - submitted >= emulator.world.delays["recordsInsyncSeconds"] - 0.2
        assert values(emulator, zone_id) == {api: target}
    with pytest.raises(ClientError, match="NoSuchChange"):
        client.get_change(Id="CNOTHERE")


def test_a_batch_fails_whole(emulator: Emulator, name: str) -> None:
    zone_id = zone(emulator, name)
    good, bad = record(f"a.{name}.test.", "x.test"), record(f"b.{name}.test.", "x.test")
    with pytest.raises(ClientError, match="InvalidChangeBatch"):
        change(emulator, zone_id, ("UPSERT", good), ("DELETE", bad))
    assert values(emulator, zone_id) == {}
    many = [("UPSERT", record(f"n{i}.{name}.test.", "x.test")) for i in range(501)]
    with pytest.raises(ClientError, match="InvalidChangeBatch"):
        change(emulator, zone_id, *many)


def test_weights_are_kept_and_changed_together(emulator: Emulator, name: str) -> None:
    client, zone_id = emulator.client("route53"), zone(emulator, name)
    for weights in ((255, 0), (0, 255)):
        pair = [
            record(f"shop.{name}.test.", f"{side}.{name}.test.", SetIdentifier=side, Weight=weight)
            for side, weight in zip(("primary", "recovery"), weights, strict=True)
        ]
        change(emulator, zone_id, *(("UPSERT", each) for each in pair))
        listed = client.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        assert [each for each in listed if each["Type"] == "CNAME"] == pair


def test_policies_that_do_not_go_together_are_refused(emulator: Emulator, name: str) -> None:
    zone_id = zone(emulator, name)

    def shop(value: str, **more: object) -> dict:
        return record(f"shop.{name}.test.", f"{value}.{name}.test.", **more)

    first = shop("a", SetIdentifier="a", Failover="PRIMARY")
    second = shop("b", SetIdentifier="b", Failover="SECONDARY")
    simple = record(f"api.{name}.test.", "a.test.")
    change(emulator, zone_id, *(("CREATE", each) for each in (first, second, simple)))
    before = values(emulator, zone_id)
    mixed = {"SetIdentifier": "c", "Weight": 1, "Failover": "PRIMARY"}
    refused = [
        ("InvalidInput", shop("c", Weight=1)),
        ("InvalidInput", shop("c", SetIdentifier="c")),
        ("InvalidInput", shop("c", **mixed)),
        ("InvalidChangeBatch", shop("c", SetIdentifier="c", Weight=1)),
        ("InvalidChangeBatch", shop("c")),
        ("InvalidChangeBatch", {**simple, "SetIdentifier": "a", "Weight": 1}),
        # A second primary, by a new record and by the old secondary.
        ("InvalidChangeBatch", shop("c", SetIdentifier="c", Failover="PRIMARY")),
        ("InvalidChangeBatch", {**second, "Failover": "PRIMARY"}),
        ("NoSuchHealthCheck", {**second, "HealthCheckId": "00000000-0000-0000-0000-000000000000"}),
    ]
    for code, wrong in refused:
        with pytest.raises(ClientError) as error:
            change(emulator, zone_id, ("UPSERT", wrong))
        assert error.value.response["Error"]["Code"] == code, (wrong, error.value.response["Error"])
        assert values(emulator, zone_id) == before
    # Both at once, the roles are exchanged; and a whole pair may become weighted in one batch.
    swapped = [{**first, "Failover": "SECONDARY"}, {**second, "Failover": "PRIMARY"}]
    change(emulator, zone_id, *(("UPSERT", each) for each in swapped))
    weighted = [shop(side, SetIdentifier=side, Weight=1) for side in ("c", "d")]
    batch = [("DELETE", each) for each in swapped] + [("CREATE", each) for each in weighted]
    change(emulator, zone_id, *batch)


def test_a_failover_pair_keeps_its_health_check(emulator: Emulator, name: str) -> None:
    client, zone_id = emulator.client("route53"), zone(emulator, name)
    check = client.create_health_check(CallerReference=name, HealthCheckConfig=STOP_CHECK)["HealthCheck"]
    pair = [
        record(f"shop.{name}.test.", f"{side}-lb.{name}.test.", SetIdentifier=side, Failover=role, **more)
        for side, role, more in (
            ("primary", "PRIMARY", {"HealthCheckId": check["Id"]}),
            ("recovery", "SECONDARY", {}),
        )
    ]
    change(emulator, zone_id, *(("CREATE", each) for each in pair))
    listed = client.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    assert [each for each in listed if each["Type"] == "CNAME"] == pair


STOP_CHECK = {
    "IPAddress": "127.0.0.1",
    "Port": 8080,
    "Type": "HTTP",
    "ResourcePath": "/bucket/stop/pilot-light",
    "RequestInterval": 10,
    "FailureThreshold": 1,
    "Inverted": True,
    "MeasureLatency": False,
    "Disabled": False,
}


def test_a_health_check_keeps_everything_and_is_changed_by_compare_and_set(emulator: Emulator, name: str) -> None:
    client = emulator.client("route53")
    check = client.create_health_check(CallerReference=name, HealthCheckConfig=STOP_CHECK)["HealthCheck"]
    assert check["HealthCheckConfig"] == STOP_CHECK and check["HealthCheckVersion"] == 1
    changed = client.update_health_check(
        HealthCheckId=check["Id"], HealthCheckVersion=1, Disabled=True, FailureThreshold=2
    )["HealthCheck"]
    assert changed["HealthCheckConfig"] == {**STOP_CHECK, "Disabled": True, "FailureThreshold": 2}
    assert changed["HealthCheckVersion"] == 2
    with pytest.raises(ClientError, match="HealthCheckVersionMismatch"):
        client.update_health_check(HealthCheckId=check["Id"], HealthCheckVersion=1, Disabled=False)
    assert client.get_health_check(HealthCheckId=check["Id"])["HealthCheck"] == changed


def test_a_metric_check_keeps_what_missing_data_means(emulator: Emulator, name: str) -> None:
    config = {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Name": name, "Region": "ap-southeast-1"},
        "InsufficientDataHealthStatus": "LastKnownStatus",
        "Inverted": True,
        "Disabled": False,
    }
    made = emulator.client("route53").create_health_check(CallerReference=name, HealthCheckConfig=config)
    assert made["HealthCheck"]["HealthCheckConfig"] == config


def test_the_checkers_observations_are_told(emulator: Emulator, name: str) -> None:
    client = emulator.client("route53")
    check = client.create_health_check(CallerReference=name, HealthCheckConfig=STOP_CHECK)["HealthCheck"]
    status = "Success: HTTP Status Code 200, OK"
    emulator.world.observations = [{"region": "ap-southeast-1", "ipAddress": "127.0.0.1", "status": status}]
    seen = client.get_health_check_status(HealthCheckId=check["Id"])["HealthCheckObservations"]
    assert [(each["Region"], each["StatusReport"]["Status"]) for each in seen] == [("ap-southeast-1", status)]
