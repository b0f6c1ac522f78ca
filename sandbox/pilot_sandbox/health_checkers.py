"""Virtual Route 53 health checkers: sixteen a check, each with its own phase and its own failure count."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .health_probe import Verdict, probe

CHECKERS_PER_CHECK = 16
#: Healthy when more than this share of the checkers says so.
HEALTHY_SHARE = 0.18
# Two checkers in each of the eight Regions that Route 53 checks from by default.
_CHECKER_REGIONS = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
)
# A new check's first observations come at once rather than over a whole interval: a sandbox starts often.
_FIRST_ROUND_SPACING_SECONDS = 0.1

Probe = Callable[[dict], Awaitable[Verdict]]


@dataclass
class Checker:
    """One checker's opinion: changes only after FailureThreshold observations in a row that contradict it."""

    region: str
    address: str
    healthy: bool = True
    status: str = "Success: not checked yet"
    contradictions: int = 0

    def observe(self, verdict: Verdict, failure_threshold: int) -> None:
        """Take one observation into account."""
        self.status = verdict.status
        if verdict.healthy == self.healthy:
            self.contradictions = 0
            return
        self.contradictions += 1
        if self.contradictions >= failure_threshold:
            self.healthy = verdict.healthy
            self.contradictions = 0


def quorum(checkers: list[Checker]) -> bool:
    """Whether enough checkers call the endpoint healthy (before inversion)."""
    return sum(checker.healthy for checker in checkers) > HEALTHY_SHARE * len(checkers)


@dataclass
class HealthCheck:
    """One health check with its checkers."""

    config: dict
    #: Set by whoever created the check; a change of configuration keeps it.
    checkers: list[Checker] = field(
        default_factory=lambda: [
            # Documentation addresses (RFC 5737): the checkers are virtual, what they see is not.
            Checker(_CHECKER_REGIONS[number % len(_CHECKER_REGIONS)], f"203.0.113.{number + 1}")
            for number in range(CHECKERS_PER_CHECK)
        ]
    )
    tasks: list[asyncio.Task] = field(default_factory=list)


class HealthCheckers:
    """Runs the checkers of every health check that exists in the emulated Route 53."""

    def __init__(self, probe_once: Probe = probe, ten_seconds_last: Callable[[], float] = lambda: 10.0) -> None:
        self._probe = probe_once
        #: How long 10 s of a RequestInterval (10 or 30 on AWS) last here, asked at each round.
        self._ten_seconds_last = ten_seconds_last
        self._checks: dict[str, HealthCheck] = {}
        self._control_states: dict[str, str] = {}

    def update(self, configs: dict[str, dict], control_states: Mapping[str, str] = MappingProxyType({})) -> None:
        """Follow the health checks that exist now: id to HealthCheckConfig; and routing controls' states by ARN."""
        self._control_states = dict(control_states)
        for check_id in self._checks.keys() - configs.keys():
            for task in self._checks.pop(check_id).tasks:
                task.cancel()
        for check_id, config in configs.items():
            known = self._checks.get(check_id)
            if known is not None:
                known.config = config
                continue
            check = self._checks[check_id] = HealthCheck(config)
            if config["Type"] not in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
                check.tasks = [asyncio.create_task(self._run(check, number)) for number in range(len(check.checkers))]

    async def _run(self, check: HealthCheck, number: int) -> None:
        checker = check.checkers[number]
        await asyncio.sleep(number * _FIRST_ROUND_SPACING_SECONDS)
        checker.observe(await self._probe(check.config), check.config.get("FailureThreshold", 3))
        # From then on the checkers are spread over the interval, as they are in reality.
        await asyncio.sleep(self._interval_seconds(check) * number / len(check.checkers) + random.uniform(0, 0.1))
        while True:
            checker.observe(await self._probe(check.config), check.config.get("FailureThreshold", 3))
            await asyncio.sleep(self._interval_seconds(check))

    def _interval_seconds(self, check: HealthCheck) -> float:
        return check.config.get("RequestInterval", 30) / 10 * self._ten_seconds_last()

    def is_healthy(self, check_id: str) -> bool:
        """The check's status, as DNS uses it; a check that does not exist counts as healthy."""
        check = self._checks.get(check_id)
        if check is None or check.config.get("Disabled"):
            return True
        kind = check.config["Type"]
        if kind == "CALCULATED":
            children = check.config.get("ChildHealthChecks", [])
            healthy = sum(map(self.is_healthy, children)) >= check.config.get("HealthThreshold", len(children))
        elif kind == "RECOVERY_CONTROL":
            # On is healthy; a control that does not exist (any more) is nobody's to switch on.
            healthy = self._control_states.get(check.config.get("RoutingControlArn", "")) == "On"
        elif kind == "CLOUDWATCH_METRIC":
            # Not evaluated here (see observations): what Route 53 does without data, as configured.
            return check.config.get("InsufficientDataHealthStatus", "Unhealthy") != "Unhealthy"
        else:
            healthy = quorum(check.checkers)
        return healthy != bool(check.config.get("Inverted"))

    def observations(self, check_id: str) -> list[dict] | None:
        """What GetHealthCheckStatus shows for the check; None when there is no such check."""
        check = self._checks.get(check_id)
        if check is None:
            return None
        kind = check.config["Type"]
        if kind == "RECOVERY_CONTROL":
            state = self._control_states.get(check.config.get("RoutingControlArn", ""), "unknown")
            seen = f"{'Success' if state == 'On' else 'Failure'}: the routing control is {state}"
        else:
            seen = f"Failure: the sandbox does not evaluate {kind} health checks; use an HTTP check on an endpoint"
        return [
            {
                "region": checker.region,
                "ipAddress": checker.address,
                "status": checker.status if check.tasks else seen,
            }
            for checker in check.checkers
        ]

    async def stop(self) -> None:
        """End all checkers."""
        tasks = [task for check in self._checks.values() for task in check.tasks]
        self._checks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
