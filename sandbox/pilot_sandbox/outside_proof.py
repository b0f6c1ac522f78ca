"""What somebody outside sees of the workload: the proof that a recovery happened, independent of any report."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

# Above every number that the outside client will reach.
_PROOF_NUMBER = 1_000_000_000
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotRecovered(RuntimeError):
    """An outside client does not get what it should from the recovery Region."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer of the workload."""

    status: int
    region: str | None
    body: dict


def call(url: str, body: dict | None = None, method: str | None = None) -> Answer:
    """Call an address of the sandbox; an HTTP error status is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with _opener.open(request, timeout=30) as response:
            return Answer(response.status, response.headers.get("X-Region"), json.load(response))
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            answered = json.loads(text)
        except ValueError:
            answered = {"error": text.decode(errors="replace")}
        return Answer(error.code, error.headers.get("X-Region"), answered)


def prove_served_by(client_url: str, region: str, timeout_seconds: float = 30.0) -> Answer:
    """Read and write as a user would, until `region` has answered both; raises NotRecovered."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        health = call(f"{client_url}/health")
        order = call(f"{client_url}/orders", {"number": _PROOF_NUMBER})
        if (health.status, health.region) == (200, region) and (order.status, order.region) == (201, region):
            stored = call(f"{client_url}/orders?after={_PROOF_NUMBER - 1}")
            if stored.body.get("numbers") == [_PROOF_NUMBER]:
                return order
        if time.monotonic() > deadline:
            raise NotRecovered(
                f"after {timeout_seconds:.0f} s {client_url} still gives: health {health.status} from {health.region}, "
                f"order {order.status} from {order.region} ({order.body}); expected 200 and 201 from {region}"
            )
        time.sleep(0.5)


def client_served_by(control_url: str, region: str, workload: str | None = None, timeout_seconds: float = 60.0) -> dict:
    """The outside client's report once `region` confirmed an order of its own: its DNS answer has to age first."""
    deadline = time.monotonic() + timeout_seconds
    query = f"?workload={workload}" if workload else ""
    while True:
        client = call(f"{control_url}/client{query}").body
        if region in client["firstAckedByRegion"] and client["lost"] is not None:
            return client
        if time.monotonic() > deadline:
            raise NotRecovered(f"after {timeout_seconds:.0f} s the outside client still has: {client['lastError']}")
        time.sleep(0.5)
