"""FailoverGlobalCluster and SwitchoverGlobalCluster: what is refused, what is seen meanwhile, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from aurora_database import AuroraDatabase, refused
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually

_GLOBAL, _CLUSTER = "InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault"


@pytest.fixture
def aurora(emulator: Emulator, name: str) -> AuroraDatabase:
    """A healthy global database with an instance in each of two Regions."""
    made = AuroraDatabase(emulator, name)
    made.seed()
    return made


@pytest.fixture
def quick(emulator: Emulator) -> Iterator[None]:
    """What takes time, takes little."""
    before = dict(emulator.world.delays)
    emulator.world.delays.update(promotionSeconds=0.2, rejoinSeconds=0.2)
    yield
    emulator.world.delays = before


def test_failover_is_told_by_its_state_and_not_by_the_clusters_status(aurora: AuroraDatabase) -> None:
    _kill_primary(aurora)
    answer = aurora.fail_over()
    assert answer["FailoverState"] == {
        "Status": "pending",
        "FromDbClusterArn": aurora.arn(PRIMARY),
        "ToDbClusterArn": aurora.arn(RECOVERY),
        "IsDataLossAllowed": True,
    }
    refused(aurora.fail_over, _GLOBAL, "already")
    states, statuses, roles = [], set(), []

    def ended() -> bool:
        seen = aurora.record()
        states.append(seen.get("FailoverState", {}).get("Status"))
        statuses.add(aurora.describe(RECOVERY)["Status"])
        roles.append(next(m["IsWriter"] for m in seen["GlobalClusterMembers"] if m["DBClusterArn"].endswith("-new")))
        return "FailoverState" not in seen

    eventually(ended)
    # At rest means done: no state in between in which the one is true and the other not yet.
    assert list(dict.fromkeys(states)) == ["pending", "failing-over", None]
    assert roles == [False] * (len(roles) - 1) + [True]
    assert statuses == {"available"}
    assert aurora.server(RECOVERY)["role"] == "primary"
    assert aurora.describe(RECOVERY)["DBClusterMembers"][0]["IsClusterWriter"]
    assert aurora.record(PRIMARY) == aurora.record(RECOVERY)
    assert aurora.record()["Status"] == "available"


def test_the_old_primary_waits_for_its_region_then_rejoins_and_leaves_a_snapshot(
    aurora: AuroraDatabase, quick: None
) -> None:
    _kill_primary(aurora)
    aurora.fail_over()
    eventually(lambda: aurora.moved_to(RECOVERY))
    assert aurora.member(PRIMARY) | {"SynchronizationStatus": "pending-resync", "IsWriter": False} == aurora.member(
        PRIMARY
    )
    assert not aurora.describe(PRIMARY)["DBClusterMembers"][0]["IsClusterWriter"]
    # Nothing else than its Region brings it back, and it cannot take over meanwhile.
    refused(lambda: aurora.fail_over(PRIMARY, aurora.arn(PRIMARY)), _CLUSTER, "no available DB instance|pending-resync")
    refused(lambda: aurora.switch_over(RECOVERY, aurora.arn(PRIMARY)), _CLUSTER)
    assert aurora.snapshots(PRIMARY) == []
    assert f"/hooks/rds/{PRIMARY}/{aurora.cluster(PRIMARY)}/follow" not in _paths(aurora)

    aurora.server(PRIMARY)["running"] = True
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected")
    assert aurora.server(PRIMARY)["role"] == "standby"
    [snapshot] = aurora.snapshots(PRIMARY, SnapshotType="automated")
    wanted = rf"rds:unplanned-global-failover-{aurora.cluster(PRIMARY)}-\d{{4}}(-\d\d){{5}}"
    assert re.fullmatch(wanted, snapshot["DBClusterSnapshotIdentifier"])
    assert (snapshot["Status"], snapshot["SnapshotType"]) == ("available", "automated")
    assert aurora.snapshots(RECOVERY) == []
    # And the next move is possible at once.
    aurora.switch_over(RECOVERY, aurora.arn(PRIMARY))
    eventually(lambda: aurora.moved_to(PRIMARY))


def test_a_primary_that_is_well_is_fenced_before_the_target_is_promoted(aurora: AuroraDatabase, quick: None) -> None:
    aurora.fail_over()
    eventually(lambda: aurora.moved_to(RECOVERY))
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected")
    verbs = [path.rsplit("/", 1)[1] for path in _paths(aurora) if not path.endswith(aurora.name)]
    assert [verb for verb in verbs if "-" not in verb] == ["place", "place", "stop", "promote", "snapshot", "follow"]
    assert "writes to the old primary are stopped" in aurora.events(PRIMARY)


def test_an_old_primary_that_cannot_follow_yet_tries_again_and_is_snapshotted_once(
    aurora: AuroraDatabase, quick: None
) -> None:
    aurora.emulator.world.refuse_follow = "nothing passes between the Regions"
    aurora.fail_over()
    follow = f"/hooks/rds/{PRIMARY}/{aurora.cluster(PRIMARY)}/follow"
    eventually(lambda: _paths(aurora).count(follow) >= 2)
    assert aurora.member(PRIMARY)["SynchronizationStatus"] == "pending-resync"
    aurora.emulator.world.refuse_follow = None
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected")
    assert len(aurora.snapshots(PRIMARY)) == 1


def test_a_primary_out_of_reach_is_not_fenced_and_an_event_says_so(aurora: AuroraDatabase, quick: None) -> None:
    """Its server runs on behind a dark network: a split brain, as on AWS."""
    aurora.server(PRIMARY)["inReach"] = False
    aurora.fail_over()
    eventually(lambda: aurora.moved_to(RECOVERY))
    assert "timed out" in aurora.events(RECOVERY)
    assert aurora.server(PRIMARY) | {"running": True, "role": "primary"} == aurora.server(PRIMARY)
    aurora.server(PRIMARY)["inReach"] = True
    eventually(lambda: aurora.member(PRIMARY)["SynchronizationStatus"] == "connected")
    assert aurora.server(PRIMARY)["role"] == "standby"


def test_a_failover_that_cannot_promote_is_cancelled(aurora: AuroraDatabase, quick: None) -> None:
    aurora.emulator.world.refuse_promotion = "no space left on the standby"
    aurora.fail_over()
    eventually(lambda: "FailoverState" not in aurora.record())
    assert aurora.member(PRIMARY)["IsWriter"] and aurora.member(PRIMARY)["SynchronizationStatus"] == "connected"
    assert "no space left on the standby" in aurora.events(RECOVERY)
    # The fence is taken away again.
    assert aurora.server(PRIMARY)["running"]


def test_switchover_swaps_the_roles_and_needs_nothing_mended(aurora: AuroraDatabase, quick: None) -> None:
    assert aurora.switch_over()["FailoverState"]["IsDataLossAllowed"] is False
    eventually(lambda: aurora.moved_to(RECOVERY))
    assert aurora.server(RECOVERY)["role"] == "primary" and aurora.server(PRIMARY)["role"] == "standby"
    assert {m["SynchronizationStatus"] for m in aurora.record()["GlobalClusterMembers"]} == {"connected"}
    assert aurora.snapshots(PRIMARY) == []
    # Home again, by the operation that is a switchover when it is told neither.
    aurora.rds(RECOVERY).failover_global_cluster(
        GlobalClusterIdentifier=aurora.identifier, TargetDbClusterIdentifier=aurora.arn(PRIMARY)
    )
    eventually(lambda: aurora.moved_to(PRIMARY))


def test_neither_flag_is_a_switchover_and_fails_in_a_disaster(aurora: AuroraDatabase) -> None:
    _kill_primary(aurora)
    both = {"GlobalClusterIdentifier": aurora.identifier, "TargetDbClusterIdentifier": aurora.arn(RECOVERY)}
    for region in (PRIMARY, RECOVERY):
        refused(lambda region=region: aurora.rds(region).failover_global_cluster(**both), _GLOBAL, "AllowDataLoss")
        refused(lambda region=region: aurora.fail_over(region, Switchover=True), _GLOBAL)
        refused(lambda region=region: aurora.switch_over(region), _GLOBAL)
    assert "FailoverState" not in aurora.record()


def test_switchover_needs_a_secondary_that_replicates(aurora: AuroraDatabase) -> None:
    aurora.server(RECOVERY)["replication"] = "error"
    refused(aurora.switch_over, _GLOBAL)


def test_data_loss_and_switchover_exclude_each_other(aurora: AuroraDatabase) -> None:
    for allow in (True, False):
        refused(
            lambda allow=allow: aurora.fail_over(AllowDataLoss=allow, Switchover=True), "InvalidParameterCombination"
        )


def test_each_operation_is_called_in_its_own_region(aurora: AuroraDatabase) -> None:
    for region in (PRIMARY, "eu-west-1"):
        refused(lambda region=region: aurora.fail_over(region), "InvalidParameterValue", RECOVERY)
    for region in (RECOVERY, "eu-west-1"):
        refused(lambda region=region: aurora.switch_over(region), "InvalidParameterValue", PRIMARY)


def test_the_target_is_the_arn_of_a_secondary(aurora: AuroraDatabase, name: str) -> None:
    refused(lambda: aurora.fail_over(target=aurora.cluster(RECOVERY)), "InvalidParameterValue", "ARN")
    unknown = f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:cluster:none-such"
    refused(lambda: aurora.fail_over(target=unknown), "DBClusterNotFoundFault")
    refused(lambda: aurora.fail_over(PRIMARY, aurora.arn(PRIMARY)), _CLUSTER, "primary")
    alone = aurora.rds(RECOVERY).create_db_cluster(
        DBClusterIdentifier=f"{name}-alone",
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="not-a-real-one",
    )["DBCluster"]
    refused(lambda: aurora.fail_over(target=alone["DBClusterArn"]), _GLOBAL, "not a member")
    refused(
        lambda: aurora.rds(RECOVERY).failover_global_cluster(
            GlobalClusterIdentifier="none-such", TargetDbClusterIdentifier=aurora.arn(RECOVERY), AllowDataLoss=True
        ),
        "GlobalClusterNotFoundFault",
    )


def test_a_secondary_without_an_available_instance_is_no_target(aurora: AuroraDatabase) -> None:
    aurora.server(RECOVERY)["running"] = False
    refused(aurora.fail_over, _CLUSTER, "no available DB instance")
    aurora.rds(RECOVERY).delete_db_instance(DBInstanceIdentifier=aurora.instance(RECOVERY))
    refused(aurora.fail_over, _CLUSTER, "has no DB instance")
    refused(aurora.switch_over, _CLUSTER, "has no DB instance")


def test_engine_versions_must_match_but_for_the_patch(aurora: AuroraDatabase) -> None:
    aurora.rds(RECOVERY).modify_db_cluster(
        DBClusterIdentifier=aurora.cluster(RECOVERY), EngineVersion="17.6", ApplyImmediately=True
    )
    refused(aurora.fail_over, _CLUSTER, r"17\.5.*17\.6")
    refused(aurora.switch_over, _CLUSTER, "Engine versions differ")


def test_nothing_joins_or_leaves_while_the_writer_moves(aurora: AuroraDatabase) -> None:
    aurora.fail_over()
    refused(
        lambda: aurora.rds(RECOVERY).remove_from_global_cluster(
            GlobalClusterIdentifier=aurora.identifier, DbClusterIdentifier=aurora.arn(RECOVERY)
        ),
        _GLOBAL,
    )
    refused(
        lambda: aurora.rds("eu-west-1").create_db_cluster(
            DBClusterIdentifier=f"{aurora.name}-third",
            GlobalClusterIdentifier=aurora.identifier,
            Engine="aurora-postgresql",
        ),
        _GLOBAL,
    )
    eventually(lambda: aurora.moved_to(RECOVERY))


def _kill_primary(aurora: AuroraDatabase) -> None:
    aurora.server(PRIMARY)["running"] = False
    aurora.server(RECOVERY)["replication"] = "error"


def _paths(aurora: AuroraDatabase) -> list[str]:
    return [path for path, _ in aurora.emulator.world.calls if f"/{aurora.name}-" in path]
