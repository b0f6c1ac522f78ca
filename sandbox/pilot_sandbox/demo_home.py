"""The second half of the demo: the dead Region comes back, is made to follow, and the workload goes home."""

import time

from .demo_runs import Phases, View, fetch_reports, start_and_follow
from .following import Execution, Stack
from .outside_proof import NotRecovered, call, prove_served_by

_SERVED_MEANWHILE_ORDERS = 25
_SERVED_TIMEOUT_SECONDS = 60.0
# The client's answer from DNS has to age; so many orders in a row from one Region and it has moved over.
_IN_A_ROW = 5
_POLL_SECONDS = 0.5


def bring_home(view: View, stack: Stack, phases: Phases) -> int:
    """Mend the Region, protect, fail back, look from outside; 0 only if home serves and the way there lost nothing."""
    phases.begin("wait")
    lost_before = _wait_for_the_region(view, phases)
    phases.begin("protect")
    if _run(view, stack, phases, "protect", "report-protect")[0].status != "SUCCEEDED":
        return _not_home(phases, "the old primary does not follow")
    phases.begin("fail back")
    run, report = _run(view, stack, phases, "failback", "report")
    if run.status != "SUCCEEDED":
        return _not_home(phases, "the failback did not end well")
    phases.begin("verify")
    return _conclude(view, report, lost_before, phases)


def _wait_for_the_region(view: View, phases: Phases) -> int:
    """The recovery Region serves on while the Region comes back; returns how many orders were lost so far."""
    before = _client_served_by(view, view.recovery)
    phases.say(f"{view.recovery} serves; the Region {view.primary} comes back: network, AWS API, database, application")
    call(f"{view.control_url}/primary/up", {})
    deadline = time.monotonic() + _SERVED_TIMEOUT_SECONDS
    while (client := _client_served_by(view, view.recovery))["acked"] < before["acked"] + _SERVED_MEANWHILE_ORDERS:
        if time.monotonic() > deadline:
            raise NotRecovered(f"{view.recovery} stopped confirming orders: {client['lastError']}")
        time.sleep(_POLL_SECONDS)
    phases.say(f"{client['acked']} orders confirmed, {client['lost']} of them lost; traffic stays in {view.recovery}")
    return client["lost"]


def _run(view: View, stack: Stack, phases: Phases, mode: str, called: str) -> tuple[Execution, dict]:
    run = start_and_follow(stack, view.topology.name, mode, f"the demo: {mode}", phases.say)
    return run, fetch_reports(view.topology.name, stack, run, phases.say, called)


def _conclude(view: View, report: dict, lost_before: int, phases: Phases) -> int:
    proof = prove_served_by(view.client_url, view.primary)
    client = _client_served_by(view, view.primary)
    phases.say(f"seen from outside: {proof.region} answers, and stored order {proof.body['number']}")
    lines = [
        f"outcome of the failback     {report.get('outcome')}",
        f"RPO reported                {report.get('rpoSeconds')} s",
        f"lost on the way home        {client['lost'] - lost_before} of {client['acked']} confirmed orders, "
        f"counted outside; {lost_before} were lost in the failover",
    ]
    print("\n  " + "\n  ".join(lines) + "\n", flush=True)
    if client["lost"] != lost_before:
        return _not_home(phases, "the way home has lost orders")
    phases.say("HOME AGAIN, as seen from outside")
    return 0


def _client_served_by(view: View, region: str) -> dict:
    """The outside client's report once its last orders were all confirmed by `region`; raises NotRecovered."""
    deadline = time.monotonic() + _SERVED_TIMEOUT_SECONDS
    while True:
        client = call(f"{view.control_url}/client").body
        last = client["lastRegions"][-_IN_A_ROW:]
        if last == [region] * _IN_A_ROW and client["lost"] is not None:
            return client
        if time.monotonic() > deadline:
            raise NotRecovered(f"the outside client is not served by {region}: {last}, {client['lastError']}")
        time.sleep(_POLL_SECONDS)


def _not_home(phases: Phases, why: str) -> int:
    phases.say(f"NOT HOME: {why}; see the lines above")
    return 1
