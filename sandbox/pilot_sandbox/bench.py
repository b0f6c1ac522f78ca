"""Times failovers against the delays that the sandbox injects: what is left is ours."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass

from . import following
from .following import Stack
from .outside_proof import call, client_served_by, prove_served_by
from .paths import OUT
from .session import Options, sandbox, stopwatch
from .world import Delays

_SANDBOX = "bench"
_RUN_TIMEOUT_SECONDS = 600.0
_TRAFFIC_BEFORE_SECONDS = 5.0
#: What we promise from the decision to the traffic: the longest chain of injected delays, and this much more.
_SHARE_MORE, _SECONDS_MORE = 0.15, 5.0
_CASES = (Delays(0.0, 0.0), Delays(8.0, 6.0), Delays(20.0, 10.0), Delays(10.0, 30.0))


@dataclass(frozen=True)
class Timing:
    """One failover's figures, in seconds."""

    promotion_seconds: float
    launch_seconds: float
    check_interval_seconds: float
    longest_chain_seconds: float
    decision_to_traffic_seconds: float
    allowed_seconds: float
    incident_to_traffic_seconds: float
    kill_to_first_order_seconds: float


async def bench() -> int:
    """Run every case in a sandbox of its own, print a table, leave out/bench.json; 1 if one is over what we promise."""
    say = stopwatch()
    async with sandbox(Options(_SANDBOX, with_workload=False), say) as world:
        stack, control_url = Stack.of(world.clients, world.topology.regions.recovery, world.outputs), world.control.url
        timings = [
            await asyncio.to_thread(_failover, f"bench-{number}", delays, stack, control_url, say)
            for number, delays in enumerate(_CASES)
        ]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "bench.json").write_text(json.dumps([asdict(timing) for timing in timings], indent=2) + "\n")
    print(_table(timings), flush=True)
    return int(any(timing.decision_to_traffic_seconds > timing.allowed_seconds for timing in timings))


def _failover(name: str, delays: Delays, stack: Stack, control_url: str, say) -> Timing:
    workload = call(f"{control_url}/workloads", {"name": name}).body
    # Only now: seeding would wait for its own instances as long as the failover has to.
    call(f"{control_url}/delays", asdict(delays))
    time.sleep(_TRAFFIC_BEFORE_SECONDS)
    say(f"{name}: promotion takes {delays.promotionSeconds:.0f} s, launching {delays.launchSeconds:.0f} s")
    killed_at = time.time()
    call(f"{control_url}/primary/down?workload={name}", {})
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.machine_arn,
        input=json.dumps({"plan": name, "mode": "failover", "reason": "a bench"}),
    )
    run = following.wait_for_end(stack, started["executionArn"], _RUN_TIMEOUT_SECONDS)
    written = following.report(stack, name, run.run_id)
    if run.status != "SUCCEEDED" or written is None:
        raise following.NothingHappened(f"run {run.run_id} ended as {run.status}: {run.error}: {run.cause}")
    report = json.loads(written)
    prove_served_by(workload["clientUrl"], stack.region)
    first = client_served_by(control_url, stack.region, name)["firstAckedByRegion"][stack.region]
    call(f"{control_url}/delays", asdict(Delays(0.0, 0.0)))
    call(f"{control_url}/workloads/{name}", method="DELETE")
    chain = max(delays.promotionSeconds, delays.launchSeconds) + delays.healthCheckIntervalSeconds
    return Timing(
        delays.promotionSeconds,
        delays.launchSeconds,
        delays.healthCheckIntervalSeconds,
        chain,
        report["rtoFromDecisionSeconds"],
        chain * (1 + _SHARE_MORE) + _SECONDS_MORE,
        report["rtoFromIncidentSeconds"],
        first - killed_at,
    )


def _table(timings: list[Timing]) -> str:
    rows = [
        "",
        "  promotion  launch  checks  | chain  decision->traffic  allowed | incident->traffic  kill->first order",
    ]
    rows += [
        f"  {t.promotion_seconds:7.1f} s {t.launch_seconds:5.1f} s {t.check_interval_seconds:5.1f} s | "
        f"{t.longest_chain_seconds:4.1f} s {t.decision_to_traffic_seconds:14.1f} s {t.allowed_seconds:8.1f} s | "
        f"{t.incident_to_traffic_seconds:14.1f} s {t.kill_to_first_order_seconds:16.1f} s"
        for t in timings
    ]
    return "\n".join([*rows, ""])
