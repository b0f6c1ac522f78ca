"""Step Functions: the same start twice is one execution while it runs.

ministack refuses every name that was used. AWS answers a start with the name and the input of an execution that runs
as it answered the first one ("StartExecution", idempotency of standard workflows), so that a client may repeat a call
whose answer got lost.
"""

from __future__ import annotations

import json

from ministack.core.responses import json_response
from ministack.services import stepfunctions as sfn


def install() -> None:
    """Put the shim in place."""
    start = sfn._start_execution

    def start_once(data: dict) -> tuple:
        answer = start(data)
        if answer[0] >= 400 and json.loads(answer[2]).get("__type", "").endswith("ExecutionAlreadyExists"):
            running = _running(data)
            if running is not None and running["input"] == data.get("input", "{}"):
                return json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return answer

    sfn._start_execution = start_once


def _running(data: dict) -> dict | None:
    machine_arn = sfn._resolve_state_machine_arn(data["stateMachineArn"].split("#", 1)[0])
    for execution in sfn._executions.values():
        if execution["stateMachineArn"] == machine_arn and execution["name"] == data.get("name"):
            return execution if execution["status"] == "RUNNING" else None
    return None
