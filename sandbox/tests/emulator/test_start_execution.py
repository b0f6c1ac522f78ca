"""Step Functions: a start that is repeated."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator, eventually

WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}


def test_the_same_start_is_one_execution_while_it_runs(emulator: Emulator, name: str) -> None:
    states = emulator.client("stepfunctions")
    role = "arn:aws:iam::000000000000:role/test"
    machine = states.create_state_machine(name=name, definition=json.dumps(WAITS), roleArn=role)["stateMachineArn"]

    def start(document: str) -> dict:
        return states.start_execution(stateMachineArn=machine, name="one", input=document)

    first = start('{"plan": "shop"}')
    again = start('{"plan": "shop"}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 1
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start('{"plan": "another"}')

    states.stop_execution(executionArn=first["executionArn"])
    eventually(lambda: states.describe_execution(executionArn=first["executionArn"])["status"] == "ABORTED")
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start('{"plan": "shop"}')
