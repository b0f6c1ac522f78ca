"""A running sandbox as this harness sees it: from outside, by boto3, the control server, and the wire's record."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache

import boto3
from botocore.config import Config


class ControlFailed(RuntimeError):
    """The sandbox refused what the harness asked of it."""


class Stack:
    """The sandbox of one `sandbox.json`."""

    def __init__(self, description: dict) -> None:
        self.description = description
        self.outputs: dict[str, str] = description["outputs"]
        self.recovery: str = description["recoveryRegion"]
        self.primary: str = description["primaryRegion"]
        # Clients are made once: making one reads the service's whole model.
        self.aws = cache(self._aws)

    def _aws(self, service: str, region: str | None = None):
        return boto3.client(
            service,
            region_name=region or self.recovery,
            endpoint_url=self.description["endpointUrl"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 4}, max_pool_connections=50),
        )

    def control(self, method: str, path: str, body: dict | None = None, workload: str | None = None) -> dict:
        """Call the control server."""
        query = f"?workload={workload}" if workload else ""
        return _http(method, self.description["controlUrl"] + path + query, body)

    def calls(self, workload: str) -> list[dict]:
        """What of this workload crossed the wire so far, in order."""
        return _http("GET", f"{self.description['faultUrl']}/_wire/calls?workload={workload}", None)

    def forget_calls(self, workload: str) -> None:
        """Forget what crossed the wire of this workload: its calls are recorded and numbered from here on."""
        _http("POST", f"{self.description['faultUrl']}/_wire/forget", {"name": workload})

    def add_rule(self, rule: dict) -> Callable[[], None]:
        """Add a rule to microburst; returns what removes it."""
        url = self.description["faultUrl"] + "/_microburst/rules"
        _http("PATCH", url, [rule])
        return lambda: _http("DELETE", url, [rule])

    def add_cut(self, cut: dict) -> Callable[[], None]:
        """Add a cut to the tap; returns what removes it."""
        url = self.description["faultUrl"] + "/_wire/cuts"
        _http("POST", url, cut)
        return lambda: _http("DELETE", url, {"call": cut["call"]})

    def journal(self, run_id: str) -> list[dict]:
        """A run's entries in the state table."""
        answer = self.aws("dynamodb").query(
            TableName=self.outputs["StateTableName"],
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :act)",
            ExpressionAttributeValues={":pk": {"S": f"run#{run_id}"}, ":act": {"S": "act#"}},
        )
        return [{name: next(iter(value.values())) for name, value in item.items()} for item in answer["Items"]]

    def evidence(self, run_id: str, name: str) -> dict | None:
        """A piece of evidence, as DynamoDB hands it over; `None` if there is none."""
        answer = self.aws("dynamodb").get_item(
            TableName=self.outputs["StateTableName"],
            Key={"pk": {"S": f"run#{run_id}"}, "sk": {"S": f"evidence#{name}"}},
            ConsistentRead=True,
        )
        return answer.get("Item", {}).get("document", {}).get("M")


def _http(method: str, url: str, body: object) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    # Never through a proxy of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=180) as response:
            return json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        # What was refused, and why, stands in the body.
        raise ControlFailed(f"{method} {url}: HTTP {error.code}: {error.read().decode(errors='replace')}") from error
