"""Resource names stay within what the services allow."""

from __future__ import annotations

import re

import pytest
from pilot_sandbox.naming import InvalidName, Names
from pilot_sandbox.paths import PACKAGE_FOLDER


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        ("pilot-light", "pilot-light-lb"),
        ("a" * 29, "a" * 29 + "-lb"),
        ("a" * 30, "aaaaaaaaaaaaaaaaaaaa-3a54fc0c-lb"),
    ],
)
def test_a_load_balancer_s_name_is_short_enough(workload: str, name: str) -> None:
    assert Names(workload).load_balancer_name == name
    assert len(name) <= 32


def test_long_names_that_begin_alike_stay_apart() -> None:
    one, two = Names("a" * 39 + "b"), Names("a" * 39 + "c")
    assert one.load_balancer_name != two.load_balancer_name


def test_nothing_but_its_topology_takes_the_regions_of_pilot_light_for_granted() -> None:
    package = PACKAGE_FOLDER / "pilot_sandbox"
    named = [
        str(path.relative_to(package))
        for path in sorted(package.rglob("*.py"))
        if re.search(r"\b(PRIMARY_REGION|RECOVERY_REGION|PILOT_LIGHT_REGIONS)\b", path.read_text())
    ]
    # The pair of servers can be tried without a topology.
    assert named == ["naming.py", "postgres_pair.py", "topologies/pilot_light.py"]


def test_a_region_that_is_not_the_workload_s_has_no_role() -> None:
    with pytest.raises(InvalidName, match="not in eu-west-1"):
        Names("pilot-light").role("eu-west-1")
