"""Lambda functions for the tests: a `provided.al2023` bootstrap in Python, of which each test writes the handler."""

from __future__ import annotations

import io
import sys
import zipfile

from botocore.client import BaseClient

# Speaks the Lambda Runtime API with the standard library only, as the Rust runtime does with its own client.
_RUNTIME = """#!{python}
import json, os, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
class HandlerError(Exception):
    pass
{handler}
while True:
    with opener.open(api + "next") as answer:
        request_id, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    try:
        path, result = "/response", handle(event)
    except HandlerError as error:
        path, result = "/error", {{"errorType": error.args[0], "errorMessage": error.args[1]}}
    sys.stdout.flush()
    opener.open(urllib.request.Request(api + request_id + path, json.dumps(result).encode(), method="POST")).close()
"""


def function_zip(handler: str) -> bytes:
    """A deployment package whose bootstrap runs the given source of `def handle(event)`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o755 << 16
        archive.writestr(info, _RUNTIME.format(python=sys.executable, handler=handler))
    return buffer.getvalue()


def create_function(client: BaseClient, name: str, handler: str, timeout_seconds: int = 10) -> str:
    """Create a function and tell its ARN."""
    made = client.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Architectures=["arm64"],
        Handler="bootstrap",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": function_zip(handler)},
        Timeout=timeout_seconds,
    )
    return made["FunctionArn"]
