"""Requests to a Lambda function URL: signed as for AWS, by botocore, and sent to the emulator's address."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    document: dict


def request(url: str, method: str = "GET", body: bytes | None = None) -> AWSRequest:
    """A request that nobody has signed."""
    return AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"} if body else {})


def signed(
    url: str, keys: Credentials, region: str, method: str = "GET", body: bytes | None = None, service: str = "lambda"
) -> AWSRequest:
    """A request signed for the URL as AWS has it."""
    made = request(url, method, body)
    SigV4Auth(keys, service, region).add_auth(made)
    return made


def send(made: AWSRequest, endpoint_url: str) -> Answer:
    """Send a request to the emulator, which tells the URL by the Host header."""
    to = urlsplit(made.url)
    headers = {**dict(made.headers.items()), "Host": to.netloc}
    target = f"{endpoint_url}{to.path}{'?' + to.query if to.query else ''}"
    plain = urllib.request.Request(target, made.data, headers, method=made.method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(plain, timeout=_TIMEOUT_SECONDS) as answer:
            return Answer(answer.status, dict(answer.headers), json.load(answer))
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), json.loads(error.read()))
