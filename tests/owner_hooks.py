"""What the owner of a workload has in the recovery Region for a run to call: a Lambda function and an SSM document."""

import io
import json
import time
import zipfile
from dataclasses import dataclass

from botocore.exceptions import ClientError
from sandbox_under_test import REPOSITORY, Workload

_CODE = REPOSITORY / "sandbox" / "pilot_sandbox" / "infrastructure" / "publish" / "publish.py"
#: Stands in the payload, and nowhere that a run writes to.
SECRET = "hunter2-of-the-payload"


@dataclass
class OwnerHooks:
    """The hooks of one workload, and what they made."""

    workload: Workload

    @property
    def function(self) -> str:
        return f"{self.workload.name}-publish"

    @property
    def document(self) -> str:
        return f"{self.workload.name}-record"

    @property
    def _prefix(self) -> str:
        return f"/{self.workload.name}"

    def create(self) -> "OwnerHooks":
        """The function, what it needs, and the document."""
        functions = self.workload.sandbox.aws("lambda")
        functions.create_function(
            FunctionName=self.function,
            Runtime="python3.12",
            Handler="publish.handler",
            Role="arn:aws:iam::000000000000:role/publish",
            Code={"ZipFile": _archive()},
            Timeout=30,
        )
        deadline = time.monotonic() + 60
        while functions.get_function_configuration(FunctionName=self.function)["State"] != "Active":
            assert time.monotonic() < deadline, f"{self.function} never became active"
            time.sleep(0.2)
        self._ssm.create_document(
            Name=self.document, Content=json.dumps(self._runbook()), DocumentType="Automation", DocumentFormat="JSON"
        )
        self.set_up()
        return self

    def set_up(self) -> None:
        """What the function cannot do without."""
        self._ssm.put_parameter(Name=f"{self._prefix}/settings", Value="blue", Type="String", Overwrite=True)

    def break_it(self) -> None:
        """The function ends in an error from now on, once it gets that far."""
        self._ssm.delete_parameter(Name=f"{self._prefix}/settings")

    def remove(self) -> None:
        """All of it."""
        self.workload.sandbox.aws("lambda").delete_function(FunctionName=self.function)
        self._ssm.delete_document(Name=self.document)
        for name in ("settings", "announced", "published", "record"):
            try:
                self._ssm.delete_parameter(Name=f"{self._prefix}/{name}")
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ParameterNotFound", error

    def made(self, name: str) -> dict | None:
        """What stands in one of the parameters that the hooks make, by boto3."""
        try:
            found = self._ssm.get_parameter(Name=f"{self._prefix}/{name}")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ParameterNotFound", error
            return None
        return json.loads(found["Parameter"]["Value"])

    def executions(self) -> list[dict]:
        """What was started of the document."""
        filters = [{"Key": "DocumentNamePrefix", "Values": [self.document]}]
        return self._ssm.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]

    def called(self, **more: object) -> dict:
        """The Lambda hook in a plan."""
        payload = {"prefix": self._prefix, "secret": SECRET, "ratio": 0.5}
        hook = {"kind": "lambdaHook", "name": "publish", "functionName": self.function, "undoCall": True}
        return hook | {"payload": payload, "timeoutSeconds": 120} | more

    def recorded(self) -> dict:
        """The automation hook in a plan."""
        hook = {"kind": "automationHook", "name": "record", "documentName": self.document}
        return hook | {"parameters": {"Prefix": [self._prefix]}, "timeoutSeconds": 120}

    @property
    def _ssm(self):
        return self.workload.sandbox.aws("ssm")

    def _runbook(self) -> dict:
        value = '{"runId": "{{ PilotRunId }}", "mode": "{{ PilotMode }}", "region": "{{ PilotRecoveryRegion }}"}'
        inputs = {"Service": "ssm", "Api": "PutParameter", "Name": "{{ Prefix }}/record", "Value": value}
        inputs |= {"Type": "String", "Overwrite": True}
        texts = ("Prefix", "PilotRunId", "PilotMode", "PilotRecoveryRegion")
        return {
            "schemaVersion": "0.3",
            "parameters": {name: {"type": "String"} for name in texts},
            "mainSteps": [{"name": "record", "action": "aws:executeAwsApi", "inputs": inputs}],
        }


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.write(_CODE, _CODE.name)
    return made.getvalue()
