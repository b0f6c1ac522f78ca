"""How many execution environments a function gets, and in which zones."""

from __future__ import annotations

import pytest
from pilot_sandbox.naming import Names, Regions
from pilot_sandbox.seed.function import Configuration
from pilot_sandbox.workload.environments import Environments, environments_for, next_zone


@pytest.mark.parametrize(
    ("reserved", "cluster", "count"),
    [(None, "a-cluster", 2), (0, "a-cluster", 0), (1, "a-cluster", 1), (50, "a-cluster", 2), (50, "", 0)],
)
def test_as_many_as_are_reserved_but_no_more_than_this_machine_bears(
    reserved: int | None, cluster: str, count: int
) -> None:
    assert environments_for(Configuration(reserved, cluster, "a-table")) == count


def test_a_function_that_does_not_exist_has_none() -> None:
    assert environments_for(None) == 0


@pytest.mark.parametrize(
    ("taken", "dead", "chosen"),
    [
        ([], "", "xa"),
        (["xa"], "", "xb"),
        (["xa", "xb", "xc"], "", "xa"),
        ([], "xa", "xb"),
        (["xb", "xb"], "xa", "xc"),
        ([], "xa xb xc", None),
    ],
)
def test_the_living_zone_with_the_fewest(taken: list[str], dead: str, chosen: str | None) -> None:
    assert next_zone("x", taken, dead.split().__contains__) == chosen


class _Instances:
    """Notes what is launched and ended."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.broken: dict[str, int] = {}

    def ended(self) -> dict[str, int]:
        return self.broken

    async def launch(self, instance_id: str, database_port: int) -> None:
        self.running[instance_id] = database_port

    async def terminate(self, instance_id: str) -> None:
        self.running.pop(instance_id)
        self.broken.pop(instance_id, None)


class _Databases:
    """Every cluster has a port: the length of its name."""

    def __init__(self) -> None:
        self.dead_zones: set[str] = set()

    def endpoint_port(self, region: str, cluster: str) -> int:
        return len(cluster)


async def test_environments_follow_configuration_zones_and_deaths() -> None:
    instances, databases = _Instances(), _Databases()
    names = Names("pl-test", Regions("us-east-1", "us-east-1"))
    subject = Environments(names, instances, databases, clients=None)
    await subject.follow(Configuration(50, "db", "t"))
    assert instances.running == {"env-1-us-east-1a": 2, "env-2-us-east-1b": 2}
    await subject.follow(Configuration(50, "db", "t"))
    assert list(instances.running) == ["env-1-us-east-1a", "env-2-us-east-1b"], "nothing is made anew without a reason"
    databases.dead_zones.add("us-east-1a")
    await subject.follow(Configuration(50, "db", "t"))
    assert list(instances.running) == ["env-2-us-east-1b", "env-3-us-east-1c"]
    instances.broken["env-2-us-east-1b"] = 1
    await subject.follow(Configuration(50, "db", "t"))
    assert list(instances.running) == ["env-3-us-east-1c", "env-4-us-east-1b"]
    await subject.follow(Configuration(50, "restored", "t"))
    assert set(instances.running.values()) == {len("restored")}
    await subject.follow(Configuration(0, "restored", "t"))
    assert instances.running == {}
