"""FailoverDBCluster: the writer moves to another instance of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aurora_database import AuroraDatabase, refused
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually

_CLUSTER, _INSTANCE = "InvalidDBClusterStateFault", "InvalidDBInstanceState"


@pytest.fixture
def aurora(emulator: Emulator, name: str) -> AuroraDatabase:
    """A global database whose primary has a reader too."""
    made = AuroraDatabase(emulator, name)
    made.seed()
    made.add_instance(PRIMARY, f"{name}-reader")
    return made


@pytest.fixture(autouse=True)
def _quick(emulator: Emulator) -> Iterator[None]:
    before = dict(emulator.world.delays)
    emulator.world.delays["promotionSeconds"] = 0.5
    yield
    emulator.world.delays = before


def test_the_writer_moves_after_a_restart_of_the_server(aurora: AuroraDatabase) -> None:
    # A dead writer is the reason for it: the reader lives in another Availability Zone.
    aurora.server(PRIMARY)["running"] = False
    answer = _fail_over(aurora)
    assert answer["Status"] == "failing-over"
    assert _writer(aurora) == aurora.instance(PRIMARY)
    refused(lambda: _fail_over(aurora), _CLUSTER, "failing-over")
    eventually(lambda: aurora.describe(PRIMARY)["Status"] == "available")
    assert _writer(aurora) == f"{aurora.name}-reader"
    assert aurora.server(PRIMARY)["running"]
    assert aurora.instance_status(PRIMARY, f"{aurora.name}-reader") == "available"
    _fail_over(aurora, TargetDBInstanceIdentifier=aurora.instance(PRIMARY))
    eventually(lambda: _writer(aurora) == aurora.instance(PRIMARY))


def test_the_writer_moves_by_itself_where_that_is_asked_for(aurora: AuroraDatabase) -> None:
    aurora.server(PRIMARY)["running"] = False
    assert aurora.instance_status(PRIMARY) == "failed"
    aurora.emulator.world.delays["automaticFailoverSeconds"] = 0.2
    eventually(lambda: _writer(aurora) == f"{aurora.name}-reader")
    eventually(lambda: aurora.describe(PRIMARY)["Status"] == "available" and aurora.server(PRIMARY)["running"])
    assert "Completed failover to DB instance" in aurora.events(PRIMARY)


def test_only_an_available_reader_of_the_cluster_can_become_the_writer(aurora: AuroraDatabase) -> None:
    for target, code in (
        (aurora.instance(PRIMARY), _INSTANCE),
        ("none-such", "DBInstanceNotFound"),
        (aurora.instance(RECOVERY), "DBInstanceNotFound"),  # of another Region
    ):
        refused(lambda target=target: _fail_over(aurora, TargetDBInstanceIdentifier=target), code)
    aurora.rds(PRIMARY).delete_db_instance(DBInstanceIdentifier=f"{aurora.name}-reader")
    refused(lambda: _fail_over(aurora), _CLUSTER, "no available reader")
    refused(lambda: aurora.rds(PRIMARY).failover_db_cluster(DBClusterIdentifier="none-such"), "DBClusterNotFoundFault")


def test_the_server_moves_to_the_zone_of_the_new_writer_and_none_moves_into_a_dead_zone(aurora: AuroraDatabase) -> None:
    zones = [f"{PRIMARY}{letter}" for letter in "ab"]
    aurora.add_instance(PRIMARY, f"{aurora.name}-b", AvailabilityZone=zones[1])
    assert aurora.server(PRIMARY)["zone"] == zones[0]
    aurora.server(PRIMARY).update(running=False, deadZones=[zones[0]])
    # The first reader died with the writer.
    assert aurora.instance_status(PRIMARY, f"{aurora.name}-reader") == "failed"
    refused(
        lambda: _fail_over(aurora, TargetDBInstanceIdentifier=f"{aurora.name}-reader"), _INSTANCE, "not in available"
    )
    _fail_over(aurora)
    eventually(lambda: aurora.describe(PRIMARY)["Status"] == "available")
    assert _writer(aurora) == f"{aurora.name}-b"
    assert (aurora.server(PRIMARY)["zone"], aurora.server(PRIMARY)["running"]) == (zones[1], True)
    assert aurora.instance_status(PRIMARY) == "failed"
    refused(lambda: _fail_over(aurora), _CLUSTER, "no available reader")
    aurora.server(PRIMARY)["deadZones"] = []
    _fail_over(aurora, TargetDBInstanceIdentifier=aurora.instance(PRIMARY))
    eventually(lambda: _writer(aurora) == aurora.instance(PRIMARY))
    assert aurora.server(PRIMARY)["zone"] == zones[0]


def test_a_secondary_has_no_writer_to_move(aurora: AuroraDatabase) -> None:
    aurora.add_instance(RECOVERY, f"{aurora.name}-reader-2")
    refused(lambda: aurora.rds(RECOVERY).failover_db_cluster(DBClusterIdentifier=aurora.cluster(RECOVERY)), _CLUSTER)


def _fail_over(aurora: AuroraDatabase, **more: str) -> dict:
    rds = aurora.rds(PRIMARY)
    return rds.failover_db_cluster(DBClusterIdentifier=aurora.cluster(PRIMARY), **more)["DBCluster"]


def _writer(aurora: AuroraDatabase) -> str:
    members = aurora.describe(PRIMARY)["DBClusterMembers"]
    [writer] = [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]
    return writer
