"""Whole runs with a share of what the primary had: written down while it is well, read when it is gone."""

import time
from collections.abc import Iterator

import pytest
from sandbox_under_test import SandboxUnderTest, Workload


def _written_down_until(workload: Workload, component: str, wanted: dict) -> None:
    """Probe as the schedule does until the healthy primary's capacity stands in the state table."""
    deadline = time.monotonic() + 60
    while True:
        workload.sandbox.invoke("CheckHealthFunctionName", {"probe": {"plan": workload.name}})
        record = workload.sandbox.item(f"workload#{workload.name}", "capacity")
        known = record.get("document", record).get("components", {}).get(component, {})
        if {figure: known.get(figure) for figure in wanted} == wanted:
            return
        assert time.monotonic() < deadline, f"of {component} is known {record}, and not {wanted}"
        time.sleep(0.3)


def test_a_share_of_the_primarys_group(workload: Workload) -> None:
    """The primary grew to 3 instances; 150 % of that is brought up, although the plan states 2."""
    sandbox = workload.sandbox
    workload.change_plan(
        lambda plan: plan["compute"][0].update(capacity={"min": 2, "max": 5, "desired": 2, "percentOfPrimary": 150})
    )
    at_home = sandbox.aws("autoscaling", sandbox.primary_region)
    at_home.update_auto_scaling_group(AutoScalingGroupName=workload.group_name, DesiredCapacity=3)
    _written_down_until(workload, "web", {"desired": 3})
    workload.kill()
    run = workload.run("the primary had 3")
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert workload.sizes() == (2, 5, 5)
    assert [each["LifecycleState"] for each in workload.group()["Instances"]] == ["InService"] * 5
    assert sandbox.evidence(run.run_id, "capacity")["components"]["web"]["desired"] == 3
    workload.client_until(sandbox.recovery_region)


@pytest.fixture
def orders() -> Iterator[Workload]:
    """The first workload of a sandbox whose application is a Lambda function."""
    with SandboxUnderTest.started("whole-share", "single-region") as sandbox:
        yield sandbox.workload("single-region")


def test_a_share_of_a_functions_concurrency(orders: Workload) -> None:
    """The function had 80 reserved; 150 % of that is reserved for it, although the plan states 100."""
    functions, name = orders.sandbox.aws("lambda"), f"{orders.name}-api"
    share = {"reservedConcurrency": 100, "percentOfPrimary": 150, "max": 400}
    orders.change_plan(lambda plan: plan["compute"][0].update(capacity=share))
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=80)
    _written_down_until(orders, orders.document()["compute"][0]["name"], {"desired": 80})
    orders.sandbox.control("POST", "/zone/us-east-1a/database/down", workload=orders.name)
    run = orders.run("us-east-1a is gone")
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 120
