"""The demo: the primary Region dies, the alarm starts the recovery, and an outside client sees it happen.

Of a topology whose demo goes there and back, `demo_home.py` then brings the workload home.
"""

import asyncio
import time
from datetime import datetime

from . import following
from .demo_home import bring_home
from .demo_runs import Phases, Say, View, fetch_reports, follow, remove_reports
from .following import Execution, Stack
from .outside_proof import NotRecovered, call, client_served_by, prove_served_by
from .session import Options, sandbox, stopwatch
from .topologies import Topology
from .world import Delays

_TRAFFIC_BEFORE_SECONDS = 8.0
_ALARM_TIMEOUT_SECONDS = 180.0
# The lag metric has a point every 2 s and the client an order every 0.2 s; what is in flight takes its time too.
_RPO_TOLERANCE_SECONDS = 3.0


async def demo(topology: Topology, delays: Delays, replication_lag_seconds: float) -> int:
    """Run the demo in a sandbox of its own; 0 only if the recovery was observed from outside."""
    say = stopwatch()
    try:
        async with sandbox(Options(f"demo-{topology.name}", topology, delays), say) as world:
            view = View(topology, world.workloads[topology.name].gateway.url, world.control.url)
            stack = Stack.of(world.clients, topology.regions.recovery, world.outputs)
            # Everything below asks from outside, over HTTP and the AWS API; the sandbox goes on beside it.
            return await asyncio.to_thread(_tell, view, stack, replication_lag_seconds, say)
    except (following.NothingHappened, NotRecovered) as error:
        say(f"NOT RECOVERED: {error}")
        return 1
    finally:
        say("the sandbox has ended, with everything it started")


def _tell(view: View, stack: Stack, replication_lag_seconds: float, say: Say) -> int:
    phases = Phases(say)
    remove_reports(view.topology.name)
    code = _fail_over(view, stack, replication_lag_seconds, phases)
    if code == 0 and view.topology.demo_goes_home:
        code = bring_home(view, stack, phases)
    if view.topology.demo_goes_home:
        phases.print()
    return code


def _fail_over(view: View, stack: Stack, replication_lag_seconds: float, phases: Phases) -> int:
    say = phases.say
    if view.topology.databases.standby:
        call(f"{view.control_url}/replication/lag", {"seconds": replication_lag_seconds})
    _show_traffic(view, say)
    if view.topology.restored_from_backup:
        call(f"{view.control_url}/backup/take", {})
        say(f"AWS Backup has taken its hourly backup, and {view.recovery} holds a copy; what comes now is in none")
        _show_traffic(view, say)
    phases.begin("fail over")
    killed_at = _kill(view, say)
    say("waiting for the alarm to start the recovery; nothing here starts it")
    following.wait_for_execution(stack, killed_at, _ALARM_TIMEOUT_SECONDS)
    run = follow(stack, killed_at, say)
    called = "report-failover" if view.topology.demo_goes_home else "report"
    report = fetch_reports(view.topology.name, stack, run, say, called)
    phases.begin(f"verify in {view.recovery}")
    if run.status == "SUCCEEDED":
        proof = prove_served_by(view.client_url, view.recovery)
        number, stored = proof.body["number"], proof.body["id"]
        say(f"seen from outside: {proof.region} answers, and stored order {number} as id {stored}")
    return _conclude(view, run, report, killed_at, say)


def _kill(view: View, say: Say) -> float:
    """Do the worst that this system is made to survive; returns when."""
    killed_at = time.time()
    if view.topology.doomed_zone is not None:
        say(f"killing Availability Zone {view.topology.doomed_zone}: the database's writer, and Lambda's environments")
        call(f"{view.control_url}{view.topology.disaster}", {})
        return killed_at
    say(f"killing the primary Region {view.primary}: network, AWS API, database, application")
    call(f"{view.control_url}{view.topology.disaster}", {})
    # The Region's AWS API too: whatever asks it gets no answer.
    call(f"{view.control_url}/primary/network/down", {})
    return killed_at


def _show_traffic(view: View, say: Say) -> None:
    time.sleep(_TRAFFIC_BEFORE_SECONDS)
    health = call(f"{view.client_url}/health")
    client = call(f"{view.control_url}/client").body
    say(
        f"traffic: {client['acked']} orders confirmed, all by {' and '.join(client['ackedByRegion'])}; "
        f"health says {health.body['status']}, {health.body['role']}, from {health.region}"
    )


def _conclude(view: View, run: Execution, report: dict, killed_at: float, say: Say) -> int:
    client = call(f"{view.control_url}/client").body
    if run.status == "SUCCEEDED":
        client = client_served_by(view.control_url, view.recovery)
    first = client["firstAckedByRegion"].get(view.recovery)
    lines = [
        f"outcome                     {report.get('outcome')}   (execution {run.status})",
        f"RTO from the incident       {_seconds(report.get('rtoFromIncidentSeconds'))}",
        f"RTO from the decision       {_seconds(report.get('rtoFromDecisionSeconds'))}",
        f"outage that users had       {_outage(view, client, killed_at)}",
        f"RPO reported                {_seconds(report.get('rpoSeconds'))} at most",
        f"data lost, counted outside  {client['lost']} of {client['acked']} confirmed orders, "
        f"the last {_seconds(client.get('lossSeconds'))} before the kill",
        f"agreement on the loss       {_agreement(report, client.get('lossSeconds'))}",
    ]
    print("\n  " + "\n  ".join(lines) + "\n", flush=True)
    recovered = run.status == "SUCCEEDED" and report.get("outcome") == "recovered" and first is not None
    say("RECOVERED, as seen from outside" if recovered else "NOT RECOVERED: see the lines above")
    return 0 if recovered else 1


def _outage(view: View, client: dict, killed_at: float) -> str:
    if view.primary == view.recovery:
        return f"{_seconds(client['longestGapSeconds'])}, the longest time without a confirmed order"
    first = client["firstAckedByRegion"].get(view.recovery)
    if first is None:
        return "no order confirmed yet"
    return f"{first - killed_at:.1f} s, from the kill to the first order confirmed by {view.recovery}"


def _agreement(report: dict, counted_seconds: float | None) -> str:
    """The report states an upper bound, up to the first failing look; the primary died after the last good one."""
    reported_seconds = report.get("rpoSeconds")
    if reported_seconds is None or counted_seconds is None:
        return "cannot be judged: one of the two is unknown"
    doubt_seconds = _RPO_TOLERANCE_SECONDS
    if report.get("lastHealthyAt"):
        seen = [datetime.fromisoformat(report[key]) for key in ("lastHealthyAt", "incidentAt")]
        doubt_seconds += (seen[1] - seen[0]).total_seconds()
    over_seconds = reported_seconds - counted_seconds
    within = f"the count is {over_seconds:.1f} s below the bound, {doubt_seconds:.1f} s are in doubt"
    return f"{'yes' if -0.5 <= over_seconds <= doubt_seconds else 'NO'}: {within}"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"
