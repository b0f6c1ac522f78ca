"""Wrong plans of the pilot light's kinds: refused by what is wrong, before anything is touched.

The right one then recovers. The other topologies' kinds have theirs beside their own whole runs.
"""

from collections.abc import Callable

from sandbox_under_test import Workload, with_database
from test_recovery import assert_recovered

_Change = Callable[[dict], None]


def _group(name: str) -> _Change:
    return lambda plan: plan["compute"][0].update(groupName=name)


def _bucket(name: str) -> _Change:
    return lambda plan: plan["traffic"][0].update(bucket=name)


def _record(zone_id: str, name: str, value: str) -> _Change:
    record = {"name": name, "recordType": "CNAME", "ttlSeconds": 5, "values": [value]}

    def change(plan: dict) -> None:
        plan["traffic"] = [{"kind": "route53Records", "name": "api", "hostedZoneId": zone_id, "records": [record]}]
        plan["validation"]["dns"][0].update(name=name, expectAnyOf=[value])
        del plan["home"]

    return change


def test_wrong_plans_are_refused(workload: Workload) -> None:
    """Identifiers that are nowhere, or something else's."""
    domain = f"{workload.name}.test"
    zones = workload.sandbox.aws("route53", "us-east-1").list_hosted_zones_by_name(DNSName=f"{domain}.")["HostedZones"]
    zone, serving = zones[0]["Id"].split("/")[-1], f"recovery-lb.{domain}"
    wrong = {
        "no-such-replica: the recovery Region has no such DB instance": with_database(
            "replicaIdentifier", "no-such-replica"
        ),
        "not another-database; correct the plan": with_database("primaryIdentifier", "another-database"),
        "no-such-group": _group("no-such-group"),
        "no-such-bucket": _bucket("no-such-bucket"),
        f"no-such-name.{domain}": _record(zone, f"no-such-name.{domain}", serving),
        "ZNOSUCHZONE": _record("ZNOSUCHZONE", f"api.{domain}", serving),
    }

    def unchanged() -> None:
        assert "ReadReplicaSourceDBInstanceIdentifier" in workload.replica()
        assert workload.sizes() == (0, 0, 0)
        assert not workload.stop_object_present()

    workload.kill()
    workload.verdict_until("down")
    workload.refuses(wrong, unchanged)
    assert_recovered(workload, workload.run("with the right plan"))
