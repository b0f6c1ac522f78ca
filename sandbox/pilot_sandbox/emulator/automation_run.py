"""One execution of an Automation runbook, on a thread of its own, written into its record as it goes."""

from __future__ import annotations

import contextlib
import json
import threading
import time

from botocore import xform_name
from ministack.core.responses import new_uuid

from .automation_runbook import Runbook, Step, as_text, fill, select
from .own_clients import OwnClients

_HINT = "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."


class StepFailedError(RuntimeError):
    """What a step called was refused, or answered with an error."""


class AutomationRun:
    """The execution's thread, and how to end it early."""

    def __init__(self, record: dict, runbook: Runbook, values: dict[str, object], clients: OwnClients) -> None:
        account_id, region = record["_scope"]
        self.record = record
        self._runbook = runbook
        self._words: dict[str, object] = {
            **values,
            "global:REGION": region,
            "global:ACCOUNT_ID": account_id,
            "automation:EXECUTION_ID": record["AutomationExecutionId"],
        }
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._clients = clients
        record["StepExecutions"] = [self._shown(step) for step in runbook.steps.values()]

    def start(self) -> None:
        """Begin; the record tells the rest."""
        threading.Thread(target=self._run, name="pilot-automation", daemon=True).start()

    def cancel(self) -> bool:
        """Ask it to end; False if it has ended already."""
        with self._lock:
            if "ExecutionEndTime" in self.record:
                return False
            self.record["AutomationExecutionStatus"] = "Cancelling"
            self._cancelled.set()
            return True

    def _run(self) -> None:
        with self._lock:
            if not self._cancelled.is_set():
                self.record["AutomationExecutionStatus"] = "InProgress"
        step, status, failure = next(iter(self._runbook.steps.values())), "Success", ""
        while step is not None and not self._cancelled.is_set():
            outcome, message = self._run_step(step)
            failed = outcome != "Success"
            if failed and step.is_critical:
                status, failure = outcome if step.on_failure == "Abort" else "Failed", message
            step = self._runbook.after(step, failed=failed)
        with self._lock:
            if self._cancelled.is_set():
                status, failure = "Cancelled", ""
            self.record.update(AutomationExecutionStatus=status, ExecutionEndTime=time.time())
            self.record["Outputs"] = self._outputs()
            if failure:
                self.record["FailureMessage"] = failure

    def _run_step(self, step: Step) -> tuple[str, str]:
        """Run a step, as often as it may be tried: its status, and why it failed."""
        shown = next(each for each in self.record["StepExecutions"] if each["StepName"] == step.name)
        shown.update(StepStatus="InProgress", ExecutionStartTime=time.time())
        self.record.update(CurrentStepName=step.name, CurrentAction=step.action)
        status, message = "Failed", ""
        for _ in range(step.max_attempts):
            status, message = self._attempt(step, shown)
            if status != "Failed":
                break
        shown.update(StepStatus=status, ExecutionEndTime=time.time())
        if message:
            kind = "Cancel" if status == "Cancelled" else "Action"
            shown.update(FailureMessage=message, FailureDetails={"FailureStage": "InProgress", "FailureType": kind})
        return status, message

    def _attempt(self, step: Step, shown: dict) -> tuple[str, str]:
        try:
            inputs = fill(step.inputs, self._words)
        except KeyError as error:
            return "Failed", f"Step {step.name} refers to {error}, which is not known. {_HINT}"
        shown["Inputs"] = {name: as_text(value) for name, value in inputs.items()}
        act = self._call_aws if step.action == "aws:executeAwsApi" else self._invoke
        result: list[dict | Exception] = []
        over = _Either(self._cancelled)

        def run() -> None:
            try:
                result.append(act(step, inputs))
            except Exception as error:
                # Whatever it is, it is the step's failure.
                result.append(error)
            over.set()

        threading.Thread(target=run, name="pilot-automation-step", daemon=True).start()
        if not over.wait(step.timeout_seconds):
            return "TimedOut", f"Step timed out after {step.timeout_seconds:g} seconds. {_HINT}"
        if self._cancelled.is_set():
            return "Cancelled", "The execution was cancelled."
        outcome = result[0]
        if isinstance(outcome, Exception):
            return "Failed", f"Step fails when it is Execute/Cancelling action. {outcome}. {_HINT}"
        shown["Outputs"] = {name: _as_list(value) for name, value in outcome.items()}
        self._words |= {f"{step.name}.{name}": value for name, value in outcome.items()}
        return "Success", ""

    def _call_aws(self, step: Step, inputs: dict) -> dict:
        arguments = {name: value for name, value in inputs.items() if name not in ("Service", "Api")}
        with self._client(inputs["Service"]) as client:
            answer = getattr(client, xform_name(inputs["Api"]))(**arguments)
        selected = {output["Name"]: select(answer, output["Selector"]) for output in step.outputs}
        return {"OutputPayload": answer, **selected}

    def _invoke(self, _step: Step, inputs: dict) -> dict:
        arguments = {name: inputs[name] for name in ("FunctionName", "Qualifier", "InvocationType") if name in inputs}
        payload = inputs.get("Payload", json.dumps(inputs.get("InputPayload", {})))
        with self._client("lambda") as client:
            answer = client.invoke(**arguments, Payload=payload)
            text = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise StepFailedError(f"The function answered with an error ({answer['FunctionError']}): {text}")
        return {"StatusCode": answer["StatusCode"], "Payload": text}

    def _client(self, service: str) -> contextlib.closing:
        return self._clients.for_one_call(service, *self.record["_scope"])

    def _outputs(self) -> dict[str, list[str]]:
        return {name: _as_list(self._words[name]) for name in self._runbook.outputs if name in self._words}

    def _shown(self, step: Step) -> dict:
        return {
            "StepName": step.name,
            "Action": step.action,
            "StepStatus": "Pending",
            "StepExecutionId": new_uuid(),
            "OnFailure": step.on_failure,
            "MaxAttempts": step.max_attempts,
            "TimeoutSeconds": int(step.timeout_seconds),
            "IsCritical": step.is_critical,
            "IsEnd": step.is_end,
        }


class _Either:
    """Waits for an event of its own or for another one."""

    def __init__(self, other: threading.Event) -> None:
        self._own, self._other = threading.Event(), other

    def set(self) -> None:
        self._own.set()

    def wait(self, timeout_seconds: float) -> bool:
        until = time.monotonic() + timeout_seconds
        while (left := until - time.monotonic()) > 0:
            if self._other.is_set() or self._own.wait(min(left, 0.1)):
                return True
        return self._own.is_set() or self._other.is_set()


def _as_list(value: object) -> list[str]:
    return [as_text(each) for each in value] if isinstance(value, list) else [as_text(value)]
