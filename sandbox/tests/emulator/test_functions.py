"""Lambda: environment, concurrency, a killed process, a time-out, and metrics printed as log lines."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulator_process import PRIMARY, RECOVERY, Emulator, eventually
from function_zip import create_function

ENVIRONMENT = """
def handle(event):
    return {name: value for name, value in os.environ.items()}
"""

SLEEP = """
def handle(event):
    if "begun" in event:
        open(event["begun"], "x").close()
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.05)
    time.sleep(event.get("seconds", 0))
    return {"pid": os.getpid()}
"""

METRICS = """
def handle(event):
    print(json.dumps({
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{
            "Namespace": "PilotLight/Test", "Dimensions": [["Workload"], []],
            "Metrics": [{"Name": "Failures", "Unit": "Count", "StorageResolution": 1}]}]},
        "Workload": event["workload"], "Failures": [1, 2]}))
    print("{ not json at all")
"""


def invoke(emulator: Emulator, name: str, payload: dict, region: str = RECOVERY) -> tuple[dict, str | None]:
    """The function's answer, and whether it is an error."""
    answer = emulator.client("lambda", region).invoke(FunctionName=name, Payload=json.dumps(payload))
    return json.load(answer["Payload"]), answer.get("FunctionError")


def test_environment_is_the_sandbox_s_alone(emulator: Emulator, name: str) -> None:
    for region in (PRIMARY, RECOVERY):
        create_function(emulator.client("lambda", region), name, ENVIRONMENT)
        seen, error = invoke(emulator, name, {}, region)
        assert error is None
        expected = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": emulator.url}
        assert seen == seen | expected | {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_LAMBDA_FUNCTION_NAME": name}
        assert not [key for key in seen if key.startswith(("PILOT_", "GATEWAY_", "PYTHONPATH"))]


def test_concurrent_invokes_run_at_once_and_processes_are_used_again(
    emulator: Emulator, name: str, tmp_path: Path
) -> None:
    create_function(emulator.client("lambda"), name, SLEEP, timeout_seconds=300)
    begun = [tmp_path / str(number) for number in range(4)]
    events = [{"begun": str(path), "until": str(tmp_path / "go")} for path in begun]
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(invoke, emulator, name, event) for event in events]
        eventually(lambda: all(path.exists() for path in begun))
        (tmp_path / "go").touch()
        answers = [each.result(timeout=60)[0]["pid"] for each in running]
    assert len(set(answers)) == 4, "one process serves one invocation at a time"
    assert invoke(emulator, name, {})[0]["pid"] in answers


def test_a_killed_process_is_an_exit_error_and_the_next_invoke_starts_anew(
    emulator: Emulator, name: str, tmp_path: Path
) -> None:
    create_function(emulator.client("lambda"), name, SLEEP, timeout_seconds=300)
    pid = invoke(emulator, name, {})[0]["pid"]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(invoke, emulator, name, {"seconds": 300, "begun": str(tmp_path / "begun")})
        eventually((tmp_path / "begun").exists)
        os.kill(pid, signal.SIGKILL)
        body, error = running.result(timeout=60)
    assert error == "Unhandled" and body["errorType"] == "Runtime.ExitError"
    assert invoke(emulator, name, {})[0]["pid"] != pid


def test_a_time_out_and_a_death_at_start_have_their_own_names(emulator: Emulator, name: str) -> None:
    client = emulator.client("lambda")
    create_function(client, name, SLEEP, timeout_seconds=1)
    assert invoke(emulator, name, {"seconds": 5})[0]["errorType"] == "Sandbox.Timedout"
    create_function(client, f"{name}-dead", "sys.exit(3)\ndef handle(event): pass")
    assert invoke(emulator, f"{name}-dead", {})[0]["errorType"] == "Runtime.ExitError"


def test_metrics_printed_by_a_function_arrive_in_its_region(emulator: Emulator, name: str) -> None:
    create_function(emulator.client("lambda"), name, METRICS)
    assert invoke(emulator, name, {"workload": name})[1] is None

    def statistics(region: str) -> list[dict]:
        return emulator.client("cloudwatch", region).get_metric_statistics(
            Namespace="PilotLight/Test",
            MetricName="Failures",
            Dimensions=[{"Name": "Workload", "Value": name}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]

    found = eventually(lambda: statistics(RECOVERY))
    assert (found[0]["Sum"], found[0]["SampleCount"]) == (3, 2)
    assert statistics(PRIMARY) == []
