"""Systems Manager Automation: runbooks that really call AWS and Lambda, once a token, and end as their steps do."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator, eventually
from function_zip import create_function

HELD = """
import pathlib
def handle(event):
    pathlib.Path(event["begun"]).touch()
    until = time.monotonic() + 60
    while not pathlib.Path(event["go"]).exists() and time.monotonic() < until:
        time.sleep(0.05)
    return {"greeting": "hello " + event["who"]}
"""
REFUSES = """
def handle(event):
    raise HandlerError("NotToday", "come back tomorrow")
"""


def api_step(name: str, api: str, *, outputs: list | None = None, service: str = "ssm", **more: object) -> dict:
    """A step that calls an operation; `inputs` are its arguments."""
    inputs = {"Service": service, "Api": api, **more.pop("inputs", {})}
    return {"name": name, "action": "aws:executeAwsApi", "inputs": inputs, "outputs": outputs or [], **more}


def runbook(*steps: dict, **more: object) -> str:
    return json.dumps({"schemaVersion": "0.3", "description": "of a test", "mainSteps": list(steps), **more})


def create(emulator: Emulator, name: str, content: str, **more: object) -> object:
    """A document; the client that made it."""
    client = emulator.client("ssm")
    client.create_document(Name=name, Content=content, **{"DocumentType": "Automation"} | more)
    return client


def execution(client: object, execution_id: str) -> dict:
    return client.get_automation_execution(AutomationExecutionId=execution_id)["AutomationExecution"]


def ended(client: object, execution_id: str) -> dict:
    """The execution once it is over."""

    def over() -> dict | None:
        found = execution(client, execution_id)
        return found if "ExecutionEndTime" in found else None

    return eventually(over, within_seconds=60)


def steps_of(found: dict) -> dict[str, str]:
    return {step["StepName"]: step["StepStatus"] for step in found["StepExecutions"]}


def refusal(call: object, **arguments: object) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return refused.value.response["Error"]["Code"]


def test_a_runbook_calls_aws_and_hands_values_on(emulator: Emulator, name: str) -> None:
    content = runbook(
        api_step(
            "writeIt",
            "PutParameter",
            inputs={"Name": "/{{ Who }}/made", "Value": "by {{ automation:EXECUTION_ID }}", "Type": "String"},
            outputs=[{"Name": "Version", "Selector": "$.Version", "Type": "Integer"}],
        ),
        api_step(
            "readIt",
            "GetParameters",
            inputs={"Names": "{{ Names }}"},
            outputs=[{"Name": "Value", "Selector": "$.Parameters[0].Value", "Type": "String"}],
        ),
        parameters={
            "Who": {"type": "String"},
            "Names": {"type": "StringList"},
            "Extra": {"type": "Integer", "default": 1},
        },
        outputs=["writeIt.Version", "readIt.Value"],
    )
    client = create(emulator, name, content)
    described = client.describe_document(Name=name)["Document"]
    assert (described["Status"], described["DocumentType"]) == ("Active", "Automation")
    assert [parameter["Name"] for parameter in described["Parameters"]] == ["Who", "Names", "Extra"]
    assert client.get_document(Name=name)["Content"] == content
    parameters = {"Who": [name], "Names": [f"/{name}/made"]}
    begun = client.start_automation_execution(DocumentName=name, Parameters=parameters)["AutomationExecutionId"]
    found = ended(client, begun)
    assert found["AutomationExecutionStatus"] == "Success", found
    assert found["Outputs"] == {"writeIt.Version": ["1"], "readIt.Value": [f"by {begun}"]}
    assert steps_of(found) == {"writeIt": "Success", "readIt": "Success"}
    assert client.get_parameter(Name=f"/{name}/made")["Parameter"]["Value"] == f"by {begun}"


def test_the_same_token_is_the_same_execution(emulator: Emulator, name: str) -> None:
    content = runbook(api_step("look", "DescribeParameters"), parameters={"A": {"type": "String", "default": "a"}})
    client = create(emulator, name, content)
    token = str(uuid.uuid4())
    request = {"DocumentName": name, "ClientToken": token}
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(client.start_automation_execution, **request) for _ in range(4)]
        executions = {answer.result()["AutomationExecutionId"] for answer in asked}
    assert len(executions) == 1
    ended(client, *executions)
    again = client.start_automation_execution(**request)["AutomationExecutionId"]
    other_token = client.start_automation_execution(**request | {"ClientToken": str(uuid.uuid4())})
    assert again in executions and other_token["AutomationExecutionId"] not in executions
    other = {**request, "Parameters": {"A": ["b"]}}
    assert refusal(client.start_automation_execution, **other) == "IdempotentParameterMismatch"
    wrong = {**request, "ClientToken": "run-1-deploy-the-application-hook-01"}
    assert len(wrong["ClientToken"]) == 36
    assert refusal(client.start_automation_execution, **wrong) == "ValidationException"


@pytest.fixture
def held(emulator: Emulator, name: str, tmp_path):
    """A client, and a runbook whose first step is a function that ends when the file `go` is there."""
    create_function(emulator.client("lambda"), name, HELD, timeout_seconds=90)
    payload = {"begun": str(tmp_path / "begun"), "go": str(tmp_path / "go"), "who": "{{ Who }}"}
    first = {
        "name": "holdOn",
        "action": "aws:invokeLambdaFunction",
        "inputs": {"FunctionName": name, "InputPayload": payload},
    }
    yield first, tmp_path
    (tmp_path / "go").touch()


PARAMETERS = {"parameters": {"Who": {"type": "String", "default": "world"}}, "outputs": ["holdOn.Payload"]}


def test_a_function_is_invoked_and_followed(emulator: Emulator, name: str, held: tuple) -> None:
    first, files = held
    client = create(emulator, name, runbook(first, api_step("after", "DescribeParameters"), **PARAMETERS))
    begun = client.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    eventually((files / "begun").exists, within_seconds=60)
    found = execution(client, begun)
    assert (found["AutomationExecutionStatus"], found["CurrentStepName"]) == ("InProgress", "holdOn")
    assert steps_of(found) == {"holdOn": "InProgress", "after": "Pending"}
    (files / "go").touch()
    found = ended(client, begun)
    assert found["AutomationExecutionStatus"] == "Success"
    assert json.loads(found["Outputs"]["holdOn.Payload"][0]) == {"greeting": "hello world"}


def test_an_execution_is_cancelled(emulator: Emulator, name: str, held: tuple) -> None:
    first, files = held
    client = create(emulator, name, runbook(first, api_step("after", "DescribeParameters"), **PARAMETERS))
    begun = client.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    eventually((files / "begun").exists, within_seconds=60)
    client.stop_automation_execution(AutomationExecutionId=begun)
    found = ended(client, begun)
    assert found["AutomationExecutionStatus"] == "Cancelled"
    assert steps_of(found) == {"holdOn": "Cancelled", "after": "Pending"}
    stop = {"AutomationExecutionId": begun}
    assert refusal(client.stop_automation_execution, **stop) == "InvalidAutomationStatusUpdateException"


def test_a_step_that_takes_too_long_times_out(emulator: Emulator, name: str, held: tuple) -> None:
    first, _ = held
    content = runbook({**first, "timeoutSeconds": 1}, api_step("after", "DescribeParameters"), **PARAMETERS)
    client = create(emulator, name, content)
    found = ended(client, client.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    assert found["AutomationExecutionStatus"] == "TimedOut"
    assert steps_of(found) == {"holdOn": "TimedOut", "after": "Pending"}
    assert "timed out" in found["FailureMessage"]


@pytest.mark.parametrize(
    ("more", "status", "after"),
    [
        ({}, "Failed", "Pending"),
        ({"onFailure": "Continue"}, "Failed", "Success"),
        ({"onFailure": "Continue", "isCritical": False}, "Success", "Success"),
        ({"onFailure": "step:after"}, "Failed", "Success"),
    ],
)
def test_a_call_that_is_refused_fails_its_step(
    emulator: Emulator, name: str, more: dict, status: str, after: str
) -> None:
    wrong = api_step("readIt", "GetParameter", inputs={"Name": f"/{name}/nothing"}, **more)
    client = create(emulator, name, runbook(wrong, api_step("after", "DescribeParameters")))
    found = ended(client, client.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    assert found["AutomationExecutionStatus"] == status
    assert steps_of(found) == {"readIt": "Failed", "after": after}
    assert "ParameterNotFound" in found["StepExecutions"][0]["FailureMessage"]
    assert ("FailureMessage" in found) == (status == "Failed")


def test_a_function_that_fails_fails_its_step(emulator: Emulator, name: str) -> None:
    create_function(emulator.client("lambda"), name, REFUSES)
    step = {"name": "tryIt", "action": "aws:invokeLambdaFunction", "inputs": {"FunctionName": name}}
    client = create(emulator, name, runbook(step))
    found = ended(client, client.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    assert (found["AutomationExecutionStatus"], steps_of(found)) == ("Failed", {"tryIt": "Failed"})
    assert "come back tomorrow" in found["FailureMessage"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "InvalidDocumentContent"),
        (json.dumps({"schemaVersion": "2.2", "mainSteps": []}), "InvalidDocumentSchemaVersion"),
        (runbook(), "InvalidDocumentContent"),
        (runbook({"name": "runIt", "action": "aws:executeScript"}), "InvalidDocumentContent"),
        (
            runbook({"name": "runIt", "action": "aws:executeAwsApi", "inputs": {"Service": "ssm"}}),
            "InvalidDocumentContent",
        ),
        (runbook(api_step("a step", "GetParameter")), "InvalidDocumentContent"),
        (runbook(api_step("look", "GetParameter"), api_step("look", "GetParameter")), "InvalidDocumentContent"),
        (runbook(api_step("look", "GetParameter", nextStep="nowhere")), "InvalidDocumentContent"),
    ],
)
def test_what_is_no_runbook_is_refused(emulator: Emulator, name: str, content: str, code: str) -> None:
    assert refusal(create, emulator=emulator, name=name, content=content) == code
    assert refusal(emulator.client("ssm").describe_document, Name=name) == "InvalidDocument"


def test_what_aws_refuses_is_refused(emulator: Emulator, name: str) -> None:
    content = runbook(
        api_step("look", "DescribeParameters"),
        parameters={
            "Mode": {"type": "String", "allowedValues": ["a", "b"]},
            "Count": {"type": "Integer", "default": 1},
        },
    )
    client = create(emulator, name, content)
    assert refusal(create, emulator=emulator, name=name, content=content) == "DocumentAlreadyExists"
    assert refusal(client.describe_document, Name=name, DocumentVersion="7") == "InvalidDocumentVersion"
    start, right = client.start_automation_execution, {"Mode": ["a"]}
    assert refusal(start, DocumentName=f"{name}-x", Parameters=right) == "AutomationDefinitionNotFoundException"
    version = {"DocumentName": name, "DocumentVersion": "7", "Parameters": right}
    assert refusal(start, **version) == "AutomationDefinitionVersionNotFoundException"
    for wrong in ({}, {"Mode": ["c"]}, {"Mode": ["a", "b"]}, right | {"Count": ["1.5"]}, right | {"Other": ["a"]}):
        code = "InvalidAutomationExecutionParametersException"
        assert refusal(start, DocumentName=name, Parameters=wrong) == code
    nobody = {"AutomationExecutionId": str(uuid.uuid4())}
    assert refusal(client.get_automation_execution, **nobody) == "AutomationExecutionNotFoundException"
    assert refusal(client.stop_automation_execution, **nobody) == "AutomationExecutionNotFoundException"
    client.delete_document(Name=name)
    assert refusal(start, DocumentName=name, Parameters=right) == "AutomationDefinitionNotFoundException"


def test_yaml_is_a_format_too(emulator: Emulator, name: str) -> None:
    content = (
        "schemaVersion: '0.3'\nmainSteps:\n  - name: look\n    action: aws:executeAwsApi\n"
        "    inputs: {Service: ssm, Api: DescribeParameters}\n"
    )
    client = create(emulator, name, content, DocumentFormat="YAML")
    found = ended(client, client.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    assert found["AutomationExecutionStatus"] == "Success"


def test_executions_are_listed_newest_first(emulator: Emulator, name: str) -> None:
    content = runbook(api_step("look", "DescribeParameters"))
    client, other = create(emulator, name, content), f"{name}-other"
    create(emulator, other, content)
    begun = [client.start_automation_execution(DocumentName=of)["AutomationExecutionId"] for of in (name, other, name)]
    first = [ended(client, execution_id) for execution_id in begun][0]

    def listed(*filters: tuple[str, str], **more: object) -> list[str]:
        wanted = [{"Key": key, "Values": [value]} for key, value in filters]
        pages = client.get_paginator("describe_automation_executions").paginate(Filters=wanted, **more)
        found = [one for page in pages for one in page["AutomationExecutionMetadataList"]]
        return [one["AutomationExecutionId"] for one in found]

    of_both = ("DocumentNamePrefix", name)
    assert listed(of_both) == begun[::-1], "a prefix takes the other document too"
    assert listed(of_both, PaginationConfig={"PageSize": 1}) == begun[::-1]
    assert listed(("DocumentNamePrefix", other), ("ExecutionStatus", "Success")) == [begun[1]]
    assert listed(of_both, ("ExecutionStatus", "Failed")) == []
    assert listed(("ExecutionId", begun[0])) == [begun[0]]
    after = first["ExecutionStartTime"].isoformat()
    assert listed(of_both, ("StartTimeAfter", after))[-1] == begun[0]
    assert listed(of_both, ("StartTimeAfter", "2999-01-01T00:00:00Z")) == []
    assert listed(of_both, ("StartTimeBefore", "2999-01-01T00:00:00Z")) == begun[::-1]
    call = client.describe_automation_executions
    assert refusal(call, Filters=[{"Key": "OpsItemId", "Values": ["oi-1"]}]) == "InvalidFilterKey"
    assert refusal(call, Filters=[{"Key": "StartTimeAfter", "Values": ["today"]}]) == "InvalidFilterValue"
