"""Health checkers: failure threshold, quorum of more than 18 %, inversion, and what is probed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pilot_sandbox.free_ports import free_port
from pilot_sandbox.health_checkers import CHECKERS_PER_CHECK, Checker, HealthCheckers, quorum
from pilot_sandbox.health_probe import Verdict, probe

_BAD, _GOOD = Verdict(False, "Failure: test"), Verdict(True, "Success: test")


def _checkers(healthy: int) -> list[Checker]:
    return [Checker("us-east-1", "203.0.113.1", healthy=number < healthy) for number in range(CHECKERS_PER_CHECK)]


@pytest.mark.parametrize(("healthy", "expected"), [(0, False), (1, False), (2, False), (3, True), (16, True)])
def test_healthy_takes_more_than_18_percent(healthy: int, expected: bool) -> None:
    assert quorum(_checkers(healthy)) is expected


def test_a_checker_changes_its_mind_after_as_many_contradictions_in_a_row_as_the_threshold() -> None:
    checker = Checker("us-east-1", "203.0.113.1")
    for verdict in (_BAD, _BAD, _GOOD, _BAD, _BAD):
        checker.observe(verdict, 3)
    assert checker.healthy
    checker.observe(_BAD, 3)
    assert not checker.healthy
    for verdict in (_GOOD, _GOOD):
        checker.observe(verdict, 3)
    assert not checker.healthy
    checker.observe(_GOOD, 3)
    assert checker.healthy


def _config(**more: object) -> dict:
    return {
        "Type": "HTTP", "IPAddress": "127.0.0.1", "Port": 9, "RequestInterval": 10, "FailureThreshold": 1,
    } | more  # fmt: skip


@pytest.fixture
async def checkers() -> AsyncIterator[HealthCheckers]:
    async def never(_: dict) -> Verdict:
        await asyncio.sleep(3600)
        raise AssertionError("not reached")

    made = HealthCheckers(never)
    yield made
    await made.stop()


async def test_a_new_check_is_healthy_and_an_inverted_one_unhealthy(checkers: HealthCheckers) -> None:
    checkers.update({"plain": _config(), "inverted": _config(Inverted=True)})
    assert checkers.is_healthy("plain")
    assert not checkers.is_healthy("inverted")


async def test_a_disabled_check_is_healthy_whatever_it_saw(checkers: HealthCheckers) -> None:
    checkers.update({"off": _config(Disabled=True, Inverted=True)})
    assert checkers.is_healthy("off")


async def test_checks_of_other_kinds_say_that_they_are_not_evaluated(checkers: HealthCheckers) -> None:
    checkers.update({"metric": {"Type": "CLOUDWATCH_METRIC", "InsufficientDataHealthStatus": "Healthy"}})
    assert checkers.is_healthy("metric")
    seen = checkers.observations("metric")
    assert seen is not None
    assert "does not evaluate CLOUDWATCH_METRIC" in seen[0]["status"]


async def test_calculated_checks_count_their_children(checkers: HealthCheckers) -> None:
    children = {"good": _config(), "bad": _config(Inverted=True)}
    calculated = {"Type": "CALCULATED", "ChildHealthChecks": ["good", "bad"]}
    checkers.update(
        {**children, "one": {**calculated, "HealthThreshold": 1}, "two": {**calculated, "HealthThreshold": 2}}
    )
    assert (checkers.is_healthy("one"), checkers.is_healthy("two")) == (True, False)


async def test_removed_checks_are_forgotten(checkers: HealthCheckers) -> None:
    checkers.update({"gone": _config(Inverted=True)})
    checkers.update({})
    assert checkers.observations("gone") is None
    assert checkers.is_healthy("gone")


@pytest.fixture
async def target() -> AsyncIterator[int]:
    """An HTTP server with answers of many kinds."""

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response(text="late")

    def fixed(status: int, text: str):
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=text)

        return answer

    application = web.Application()
    application.add_routes(
        [
            web.get("/ok", fixed(200, "needle")),
            web.get("/moved", fixed(302, "")),
            web.get("/error", fixed(503, "needle")),
            web.get("/early", fixed(200, "x" * 5_000 + "needle")),
            web.get("/deep", fixed(200, "x" * 5_120 + "needle")),
            web.get("/slow", slow),
        ]
    )
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield port
    await runner.cleanup()


@pytest.mark.parametrize(
    ("config", "healthy", "status"),
    [
        ({"ResourcePath": "/ok"}, True, "Success: HTTP Status Code 200, OK"),
        ({"ResourcePath": "/moved"}, True, "Success: HTTP Status Code 302, Found"),
        ({"ResourcePath": "/error"}, False, "Failure: HTTP Status Code 503, Service Unavailable"),
        ({"ResourcePath": "/slow"}, False, "Failure: no answer in time"),
        ({"ResourcePath": "/early", "Type": "HTTP_STR_MATCH", "SearchString": "needle"}, True, "was found"),
        ({"ResourcePath": "/deep", "Type": "HTTP_STR_MATCH", "SearchString": "needle"}, False, "was not found"),
        ({"Type": "TCP"}, True, "Success: TCP connection established"),
    ],
)
async def test_probe(target: int, config: dict, healthy: bool, status: str) -> None:
    verdict = await probe(_config(Port=target) | config)
    assert verdict.healthy is healthy
    assert status in verdict.status


async def test_probe_of_a_closed_port_fails() -> None:
    verdict = await probe(_config(Port=free_port()))
    assert not verdict.healthy
    assert verdict.status.startswith("Failure: ")


async def test_a_check_of_a_routing_control_follows_its_state() -> None:
    checkers = HealthCheckers()
    followed, inverted = (
        {"Type": "RECOVERY_CONTROL", "RoutingControlArn": "arn", "Inverted": each} for each in (False, True)
    )
    configs = {"followed": followed, "inverted": inverted}
    for state, healthy in (("On", True), ("Off", False), ("On", True)):
        checkers.update(configs, {"arn": state})
        assert (checkers.is_healthy("followed"), checkers.is_healthy("inverted")) == (healthy, not healthy)
        assert f"is {state}" in checkers.observations("followed")[0]["status"]
    checkers.update(configs, {})
    assert not checkers.is_healthy("followed")
