"""Resource names stay within what the services allow."""

from __future__ import annotations

import pytest
from pilot_sandbox.naming import Names


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
