"""Systems Manager: documents of type Automation, and executions of them that really run.

ministack has neither. After the Systems Manager API reference: an execution is started once a ClientToken, which has
the form of a UUID; StopAutomationExecution cancels, and is refused once an execution has ended.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable

from ministack.core.concurrency import run_reentrant
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
)
from ministack.services import ssm

from . import automation_listing, automation_runbook
from .automation_run import AutomationRun
from .idempotency import IdempotencyTokens, TokenMismatchError
from .own_clients import OwnClients

_DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_TOKEN = re.compile(r"[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}")
_VERSIONS = ("1", "$LATEST", "$DEFAULT")

Answer = tuple[int, dict, bytes]


class RefusedError(Exception):
    """What the caller asked for cannot be done; carries AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AutomationShim:
    """What the emulator answers about runbooks and executions."""

    def __init__(self, endpoint_url: str) -> None:
        self._clients = OwnClients(endpoint_url)
        self._documents = AccountRegionScopedDict()
        self._runs = AccountRegionScopedDict()
        self._lock = threading.Lock()
        # "The token must be unique [...] and can't be reused": it is remembered for as long as the sandbox lives.
        self._tokens = IdempotencyTokens(float("inf"))

    def install(self) -> None:
        """Put the shim in place."""
        actions: dict[str, Callable[[dict], dict]] = {
            "CreateDocument": self.create_document,
            "DescribeDocument": self.describe_document,
            "GetDocument": self.get_document,
            "DeleteDocument": self.delete_document,
            "StartAutomationExecution": self.start,
            "GetAutomationExecution": self.describe,
            "DescribeAutomationExecutions": self.list,
            "StopAutomationExecution": self.stop,
        }
        handle = ssm.handle_request

        async def handle_request(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
            act = actions.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
            if act is None:
                return await handle(method, path, headers, body, query)
            return await run_reentrant(_answer, act, json.loads(body or b"{}"), thread_name="pilot-automation-api")

        ssm.handle_request = handle_request

    def create_document(self, request: dict) -> dict:
        """CreateDocument of type Automation: checked at once, and active."""
        name, document_format = request["Name"], request.get("DocumentFormat", "JSON")
        if not _DOCUMENT_NAME.fullmatch(name):
            raise RefusedError("ValidationException", f"{name!r} is no name of a document")
        if request.get("DocumentType") != "Automation" or document_format not in ("JSON", "YAML"):
            message = "The sandbox has documents of type Automation alone, in JSON or YAML."
            raise RefusedError("InvalidDocumentContent", message)
        try:
            runbook = automation_runbook.parse(request["Content"], document_format)
        except automation_runbook.SchemaVersionError as error:
            raise RefusedError("InvalidDocumentSchemaVersion", str(error)) from None
        except automation_runbook.RunbookError as error:
            raise RefusedError("InvalidDocumentContent", str(error)) from None
        with self._lock:
            if name in self._documents:
                raise RefusedError("DocumentAlreadyExists", f"The specified document {name} already exists.")
            self._documents[name] = {
                "runbook": runbook,
                "content": request["Content"],
                "format": document_format,
                "created": time.time(),
            }
        return {"DocumentDescription": {**self._described(name), "Status": "Creating"}}

    def describe_document(self, request: dict) -> dict:
        """DescribeDocument."""
        return {"Document": self._described(self._existing(request))}

    def get_document(self, request: dict) -> dict:
        """GetDocument, with the content as it was given."""
        name = self._existing(request)
        document, described = self._documents[name], self._described(name)
        shown = ("Name", "DocumentVersion", "Status", "DocumentType", "DocumentFormat", "CreatedDate")
        return {"Content": document["content"], **{member: described[member] for member in shown}}

    def delete_document(self, request: dict) -> dict:
        """DeleteDocument; executions that run go on."""
        name = self._existing(request)
        with self._lock:
            self._documents.pop(name, None)
        return {}

    def start(self, request: dict) -> dict:
        """StartAutomationExecution: a new execution, or the one that the token already led to."""
        token = request.get("ClientToken")
        if token is not None and not _TOKEN.fullmatch(token):
            message = f"1 validation error detected: Value '{token}' at 'clientToken' must have the form of a UUID."
            raise RefusedError("ValidationException", message)
        if request.get("Mode", "Auto") != "Auto" or request.get("Targets") or request.get("TargetLocations"):
            raise RefusedError("ValidationException", "The sandbox runs executions of mode Auto without targets.")
        if token is None:
            return {"AutomationExecutionId": self._begin(request)}
        scope = (get_account_id(), get_region())
        try:
            execution_id, _ = self._tokens.once(scope, token.lower(), request, lambda: self._begin(request))
        except TokenMismatchError:
            message = f"The client token {token} was used with other parameters."
            raise RefusedError("IdempotentParameterMismatch", message) from None
        return {"AutomationExecutionId": execution_id}

    def describe(self, request: dict) -> dict:
        """GetAutomationExecution."""
        record = self._run(request).record
        shown = {name: value for name, value in record.items() if not name.startswith("_")}
        return {"AutomationExecution": copy.deepcopy(shown)}

    def list(self, request: dict) -> dict:
        """DescribeAutomationExecutions."""
        try:
            return copy.deepcopy(automation_listing.page([run.record for run in self._runs.values()], request))
        except automation_listing.FilterError as error:
            raise RefusedError(error.code, str(error)) from None

    def stop(self, request: dict) -> dict:
        """StopAutomationExecution: the step that runs is given up, and no other begins."""
        run = self._run(request)
        if request.get("Type", "Cancel") != "Cancel":
            raise RefusedError("ValidationException", "The sandbox knows the stop type Cancel alone.")
        if not run.cancel():
            status = run.record["AutomationExecutionStatus"]
            message = f"The execution has ended with status {status} and cannot be stopped."
            raise RefusedError("InvalidAutomationStatusUpdateException", message)
        return {}

    def _begin(self, request: dict) -> str:
        name = request["DocumentName"].rsplit("/", 1)[-1]
        document = self._documents.get(name)
        if document is None:
            message = f"Automation document {name} is not found."
            raise RefusedError("AutomationDefinitionNotFoundException", message)
        if request.get("DocumentVersion", "$DEFAULT") not in _VERSIONS:
            message = f"Automation document {name} has no version {request['DocumentVersion']}."
            raise RefusedError("AutomationDefinitionVersionNotFoundException", message)
        given = request.get("Parameters", {})
        try:
            values = automation_runbook.parameter_values(document["runbook"], given)
        except automation_runbook.ParametersError as error:
            raise RefusedError("InvalidAutomationExecutionParametersException", str(error)) from None
        execution_id = new_uuid()
        record = {
            "_scope": (get_account_id(), get_region()),
            "AutomationExecutionId": execution_id,
            "DocumentName": name,
            "DocumentVersion": "1",
            # To the millisecond, so that a filter by what was shown finds it.
            "ExecutionStartTime": round(time.time(), 3),
            "AutomationExecutionStatus": "Pending",
            "StepExecutionsTruncated": False,
            "Parameters": given,
            "Outputs": {},
            "Mode": "Auto",
            "ExecutedBy": f"arn:aws:iam::{get_account_id()}:root",
        }
        run = AutomationRun(record, document["runbook"], values, self._clients)
        self._runs[execution_id] = run
        run.start()
        return execution_id

    def _run(self, request: dict) -> AutomationRun:
        run = self._runs.get(request["AutomationExecutionId"])
        if run is None:
            message = f"Automation execution {request['AutomationExecutionId']} is not found."
            raise RefusedError("AutomationExecutionNotFoundException", message)
        return run

    def _existing(self, request: dict) -> str:
        name = request["Name"].rsplit("/", 1)[-1]
        if name not in self._documents:
            raise RefusedError("InvalidDocument", f"Document with name {name} does not exist.")
        if request.get("DocumentVersion", "$DEFAULT") not in _VERSIONS:
            raise RefusedError("InvalidDocumentVersion", f"Document {name} has no such version.")
        return name

    def _described(self, name: str) -> dict:
        document = self._documents[name]
        runbook = document["runbook"]
        parameters = [
            {
                "Name": parameter,
                "Type": "StringList" if about["type"] in ("StringList", "MapList") else "String",
                "Description": about.get("description", ""),
                **({"DefaultValue": automation_runbook.as_text(about["default"])} if "default" in about else {}),
            }
            for parameter, about in runbook.parameters.items()
        ]
        return {
            "Name": name,
            "Owner": get_account_id(),
            "CreatedDate": document["created"],
            "Status": "Active",
            "DocumentVersion": "1",
            "LatestVersion": "1",
            "DefaultVersion": "1",
            "Description": runbook.description,
            "Parameters": parameters,
            "PlatformTypes": ["Windows", "Linux", "MacOS"],
            "DocumentType": "Automation",
            "SchemaVersion": "0.3",
            "DocumentFormat": document["format"],
            "Hash": hashlib.sha256(document["content"].encode()).hexdigest(),
            "HashType": "Sha256",
        }


def _answer(act: Callable[[dict], dict], request: dict) -> Answer:
    try:
        return json_response(act(request))
    except RefusedError as refused:
        return error_response_json(refused.code, str(refused), 400)
