"""A storm of starts: one run acts, every other one is refused and says who holds the lease."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from pilot_sandbox.faults.stack import Stack
from sandbox_under_test import SandboxUnderTest, Workload

_BY_ALARM, _BY_HAND = 10, 40
_POLL_SECONDS = 0.5
_END_SECONDS_MAX = 180


def _fresh(sandbox: SandboxUnderTest, name: str) -> Workload:
    """The workload that the stack's alarm belongs to, as new: another test has failed it over."""
    sandbox.remove_workload(name)
    for item in ("lease", "memory"):
        sandbox.forget(f"workload#{name}", item)
    return sandbox.create_workload(name)


def _alarm_rings(sandbox: SandboxUnderTest) -> None:
    detail = {
        "alarmName": sandbox.outputs["PrimaryDownAlarmName"],
        "state": {"value": "ALARM", "reason": "a storm", "timestamp": "2026-11-21T03:04:10.000+0000"},
        "previousState": {"value": "OK"},
    }
    entry = {"Source": "aws.cloudwatch", "DetailType": "CloudWatch Alarm State Change", "Detail": json.dumps(detail)}
    answer = sandbox.aws("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer


def _ended(sandbox: SandboxUnderTest, plan: str, since: float) -> list[dict]:
    """Every execution of the storm, once all of them have ended."""
    deadline = time.monotonic() + _END_SECONDS_MAX
    while True:
        found = [e for e in sandbox.executions_of(plan) if e["startDate"].timestamp() >= since - 1]
        if len(found) >= _BY_ALARM + _BY_HAND and all(e["status"] != "RUNNING" for e in found):
            return found
        assert time.monotonic() < deadline, [(e["name"], e["status"]) for e in found]
        time.sleep(_POLL_SECONDS)


def test_fifty_starts_at_once(sandbox: SandboxUnderTest) -> None:
    """Ten alarms and forty people within a second: one run acts, the others are refused and name it."""
    workload = _fresh(sandbox, "pilot-light")
    workload.kill()
    began_at = time.time()
    with ThreadPoolExecutor(_BY_ALARM + _BY_HAND) as pool:
        alarms = [pool.submit(_alarm_rings, sandbox) for _ in range(_BY_ALARM)]
        people = [pool.submit(workload.start, f"person {number}") for number in range(_BY_HAND)]
        for start in alarms + people:
            start.result()
    print(f"{_BY_ALARM + _BY_HAND} starts within {time.time() - began_at:.1f} s")
    executions = _ended(sandbox, workload.name, began_at)
    won = [e for e in executions if e["status"] == "SUCCEEDED"]
    assert len(won) == 1, [(e["name"], e["status"], e.get("cause")) for e in executions]
    winner = won[0]["name"]
    refused = [e for e in executions if e["status"] != "SUCCEEDED"]
    for execution in refused:
        assert (execution["status"], execution["error"]) == ("FAILED", "Refused"), execution
        assert winner in json.loads(execution["cause"])["reason"], "it says who holds the lease"
    calls = [call for call in Stack(sandbox.description).calls(workload.name) if call["at"] >= began_at]
    assert sum("Promote" in call["operation"] for call in calls) == 1
    acted = {e["name"] for e in executions if sandbox.items(f"run#{e['name']}", "act#")}
    assert acted == {winner}, "one journal has acts"
    slowest = max((e["stopDate"] - e["startDate"]).total_seconds() for e in refused)
    print(f"{len(refused)} refused, the slowest after {slowest:.1f} s")
    workload.client_until(sandbox.recovery_region)
