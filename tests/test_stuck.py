"""A run that fails after its pivot: nothing is undone, a person is paged, the page's next command ends recovered."""

import json
import re
import time

from sandbox_under_test import Workload


def test_stuck_after_the_promotion(workload: Workload) -> None:
    """The database is promoted, the capacity does not come: stuck, with a page that says so."""
    sandbox = workload.sandbox
    workload.put_plan(re.sub(r"(desired: 2\n(?:.*\n)*?  timeoutSeconds:) 600", r"\1 10", workload.plan()))
    sandbox.control("POST", "/delays", {"launchSeconds": 25})
    sqs, sns = sandbox.aws("sqs"), sandbox.aws("sns")
    queue = sqs.create_queue(QueueName=f"{workload.name}-pages")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=sandbox.outputs["NotificationsTopicArn"], Protocol="sqs", Endpoint=attributes["QueueArn"])
    workload.kill()
    run = workload.run()
    sandbox.control("POST", "/delays", {"launchSeconds": 3})
    assert (run.status, run.error) == ("FAILED", "Stuck"), (run.error, run.cause)
    assert run.report["outcome"] == "stuck"
    assert "StepDeadlineExceeded" in run.report["reason"]
    # Nothing is undone: the promoted database keeps the capacity that was asked for.
    assert "ReadReplicaSourceDBInstanceIdentifier" not in workload.replica()
    assert workload.sizes() == (2, 4, 2)
    assert not workload.stop_object_present(), "traffic must not move to what was not proven"
    page = _page_about(sqs, queue, run.run_id)
    assert "start-execution" in page
    assert "start-execution" in run.report["next"]
    # What the page says, as boto3 does it: the same plan again, once the cause is mended.
    _wait_in_service(workload)
    assert_recovered_after_stuck(workload)


def assert_recovered_after_stuck(workload: Workload) -> None:
    """A fresh run observes what is done and only does the rest."""
    run = workload.run("the next command of the page")
    assert run.status == "SUCCEEDED", (run.error, run.cause)
    actions = {entry["action"] for entry in run.report["journal"]}
    assert "promote-read-replica" not in actions, "never two promotions"
    workload.client_until(workload.sandbox.recovery_region)


def _page_about(sqs, queue: str, run_id: str) -> str:
    deadline = time.monotonic() + 30
    seen: list[str] = []
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            text = json.loads(message["Body"])["Message"]
            if run_id in text:
                return text
            seen.append(text)
        time.sleep(0.3)
    raise AssertionError(f"no page about run {run_id}; pages seen: {seen}")


def _wait_in_service(workload: Workload) -> None:
    deadline = time.monotonic() + 60
    while sum(i["LifecycleState"] == "InService" for i in workload.group()["Instances"]) < 2:
        assert time.monotonic() < deadline, workload.group()["Instances"]
        time.sleep(0.5)
