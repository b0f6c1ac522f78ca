"""ElastiCache: replication groups and global datastores take time, and refuse what AWS refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from emulator_process import PRIMARY, RECOVERY, Emulator, eventually


@pytest.fixture(autouse=True)
def _ordinary_delays(emulator: Emulator) -> Iterator[None]:
    before = emulator.world.delays["cacheSeconds"]
    yield
    emulator.world.delays["cacheSeconds"] = before


def hold_changes(emulator: Emulator) -> None:
    """No change of a cache comes to its end until `let_changes_end`."""
    emulator.world.delays["cacheSeconds"] = 3600.0


def let_changes_end(emulator: Emulator) -> None:
    """Every change of a cache comes to its end now."""
    emulator.world.delays["cacheSeconds"] = 0.0


def refusal(call: object, **arguments: object) -> tuple[str, int]:
    """The error code and HTTP status that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def group_of(client: object, name: str) -> dict:
    return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def available(client: object, name: str) -> dict:
    """The replication group once it is available."""
    return eventually(lambda: group if (group := group_of(client, name))["Status"] == "available" else None, 60)


def create(client: object, name: str, **more: object) -> dict:
    """A replication group of two nodes, not yet available."""
    arguments = {
        "ReplicationGroupId": name,
        "ReplicationGroupDescription": "sessions & more",
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
    }
    return client.create_replication_group(**arguments | more)["ReplicationGroup"]


def datastore_of(client: object, name: str) -> dict:
    answer = client.describe_global_replication_groups(GlobalReplicationGroupId=name, ShowMemberInfo=True)
    return answer["GlobalReplicationGroups"][0]


def datastore_with(client: object, name: str, status: str) -> dict:
    """The global datastore once it has a status."""
    return eventually(lambda: found if (found := datastore_of(client, name))["Status"] == status else None, 60)


def roles(datastore: dict) -> dict[str, str]:
    return {member["ReplicationGroupRegion"]: member["Role"] for member in datastore["Members"]}


def test_a_replication_group_is_made_changed_and_deleted(emulator: Emulator, name: str) -> None:
    client = emulator.client("elasticache")
    hold_changes(emulator)
    made = create(client, name, CacheNodeType="cache.r7g.large", Engine="redis", Port=6380, MultiAZEnabled=True)
    assert (made["Status"], made["NodeGroups"], made["Description"]) == ("creating", [], "sessions & more")
    assert refusal(client.delete_replication_group, ReplicationGroupId=name) == ("InvalidReplicationGroupState", 400)
    assert refusal(create, client=client, name=name) == ("ReplicationGroupAlreadyExists", 400)
    let_changes_end(emulator)
    group = available(client, name)
    endpoint = group["NodeGroups"][0]["PrimaryEndpoint"]
    assert endpoint["Port"] == 6380
    assert endpoint["Address"].startswith(f"{name}.") and endpoint["Address"].endswith(".cache.amazonaws.com")
    assert (group["AutomaticFailover"], group["MultiAZ"], len(group["MemberClusters"])) == ("enabled", "enabled", 2)
    assert "GlobalReplicationGroupInfo" not in group

    bigger = {"ReplicationGroupId": name, "CacheNodeType": "cache.r7g.xlarge"}
    client.modify_replication_group(**bigger)
    assert group_of(client, name)["CacheNodeType"] == "cache.r7g.large"
    hold_changes(emulator)
    changing = client.modify_replication_group(**bigger, ApplyImmediately=True)["ReplicationGroup"]
    assert changing["Status"] == "modifying"
    assert refusal(client.modify_replication_group, **bigger) == ("InvalidReplicationGroupState", 400)
    let_changes_end(emulator)
    assert available(client, name)["CacheNodeType"] == "cache.r7g.xlarge"

    assert client.delete_replication_group(ReplicationGroupId=name)["ReplicationGroup"]["Status"] == "deleting"
    eventually(lambda: not _exists(client, name), 60)
    missing = ("ReplicationGroupNotFoundFault", 404)
    assert refusal(client.delete_replication_group, ReplicationGroupId=name) == missing
    assert refusal(client.modify_replication_group, ReplicationGroupId=name) == missing


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ReplicationGroupId": "1-begins-with-a-digit"}, ("InvalidParameterValue", 400)),
        ({"ReplicationGroupId": "two--hyphens"}, ("InvalidParameterValue", 400)),
        ({"ReplicationGroupId": "x" * 41}, ("InvalidParameterValue", 400)),
        ({"NumCacheClusters": 1}, ("InvalidParameterCombination", 400)),
        ({"AutomaticFailoverEnabled": False, "MultiAZEnabled": True}, ("InvalidParameterCombination", 400)),
        ({"CacheSubnetGroupName": "nowhere"}, ("CacheSubnetGroupNotFoundFault", 400)),
        ({"CacheParameterGroupName": "nothing"}, ("CacheParameterGroupNotFound", 404)),
        ({"GlobalReplicationGroupId": "none-such"}, ("GlobalReplicationGroupNotFoundFault", 404)),
    ],
)
def test_a_wrong_replication_group_is_refused(
    emulator: Emulator, name: str, wrong: dict, code: tuple[str, int]
) -> None:
    client = emulator.client("elasticache")
    assert refusal(create, client=client, name=name, **wrong) == code
    assert not _exists(client, name)


def test_a_global_datastore_fails_over_and_comes_apart(emulator: Emulator, name: str) -> None:
    hold_changes(emulator)
    home, away = emulator.client("elasticache", PRIMARY), emulator.client("elasticache", RECOVERY)
    create(home, name, CacheNodeType="cache.r7g.large")
    suffix = {"GlobalReplicationGroupIdSuffix": name, "PrimaryReplicationGroupId": name}
    invalid_group = ("InvalidReplicationGroupState", 400)
    assert refusal(home.create_global_replication_group, **suffix) == invalid_group
    let_changes_end(emulator)
    available(home, name)
    made = home.create_global_replication_group(**suffix)["GlobalReplicationGroup"]
    datastore = made["GlobalReplicationGroupId"]
    assert datastore.endswith(f"-{name}") and made["Status"] == "creating"
    assert refusal(home.create_global_replication_group, **suffix) == ("GlobalReplicationGroupAlreadyExistsFault", 400)
    datastore_with(home, datastore, "primary-only")

    # Nobody else is there to take over, and the other Region does not see the datastore yet.
    which = {"GlobalReplicationGroupId": datastore}
    to_recovery = {**which, "PrimaryRegion": RECOVERY, "PrimaryReplicationGroupId": f"{name}-b"}
    invalid = ("InvalidGlobalReplicationGroupState", 400)
    assert refusal(home.failover_global_replication_group, **to_recovery) == invalid
    assert refusal(away.failover_global_replication_group, **to_recovery) == (
        "GlobalReplicationGroupNotFoundFault",
        404,
    )

    second = {"client": away, "name": f"{name}-b", "GlobalReplicationGroupId": datastore}
    assert refusal(create, **second, CacheNodeType="cache.r7g.large") == ("InvalidParameterCombination", 400)
    hold_changes(emulator)
    joined = create(**second)
    assert joined["GlobalReplicationGroupInfo"] == {
        "GlobalReplicationGroupId": datastore,
        "GlobalReplicationGroupMemberRole": "SECONDARY",
    }
    assert refusal(home.failover_global_replication_group, **to_recovery) == invalid
    let_changes_end(emulator)
    assert roles(datastore_with(away, datastore, "available")) == {PRIMARY: "PRIMARY", RECOVERY: "SECONDARY"}
    assert available(away, f"{name}-b")["CacheNodeType"] == "cache.r7g.large"
    member = ("InvalidParameterValue", 400)
    assert refusal(away.delete_replication_group, ReplicationGroupId=f"{name}-b") == member
    bigger = {"ReplicationGroupId": f"{name}-b", "CacheNodeType": "cache.r7g.xlarge", "ApplyImmediately": True}
    assert refusal(away.modify_replication_group, **bigger) == member

    for wrong in ({"PrimaryRegion": PRIMARY}, {"PrimaryReplicationGroupId": name}):
        assert refusal(away.failover_global_replication_group, **to_recovery | wrong) == member
    assert refusal(
        away.failover_global_replication_group, **which, PrimaryRegion=PRIMARY, PrimaryReplicationGroupId=name
    ) == ("InvalidParameterValue", 400)
    hold_changes(emulator)
    moving = away.failover_global_replication_group(**to_recovery)["GlobalReplicationGroup"]
    assert (moving["Status"], roles(moving)[PRIMARY]) == ("modifying", "PRIMARY")
    assert refusal(away.failover_global_replication_group, **to_recovery) == invalid
    let_changes_end(emulator)
    for client in (home, away):
        assert roles(datastore_with(client, datastore, "available")) == {PRIMARY: "SECONDARY", RECOVERY: "PRIMARY"}
    role = available(home, name)["GlobalReplicationGroupInfo"]["GlobalReplicationGroupMemberRole"]
    assert role == "SECONDARY"

    # The old primary is a secondary now, and may leave; the new one may not.
    leave = {**which, "ReplicationGroupId": f"{name}-b", "ReplicationGroupRegion": RECOVERY}
    assert refusal(away.disassociate_global_replication_group, **leave) == member
    away.disassociate_global_replication_group(**which, ReplicationGroupId=name, ReplicationGroupRegion=PRIMARY)
    assert roles(datastore_with(away, datastore, "primary-only")) == {RECOVERY: "PRIMARY"}
    assert "GlobalReplicationGroupInfo" not in available(home, name)
    assert home.describe_global_replication_groups()["GlobalReplicationGroups"] == []
    away.delete_global_replication_group(**which, RetainPrimaryReplicationGroup=True)
    eventually(lambda: not away.describe_global_replication_groups()["GlobalReplicationGroups"], 60)
    assert "GlobalReplicationGroupInfo" not in available(away, f"{name}-b")


def _exists(client: object, name: str) -> bool:
    groups = client.describe_replication_groups()["ReplicationGroups"]
    return name in [group["ReplicationGroupId"] for group in groups]
