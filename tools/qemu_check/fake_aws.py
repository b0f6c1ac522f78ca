"""The stand-in for AWS: example plans out of S3, and a refusal in the caller's own protocol for every other call."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

REFUSAL = "AccessDenied"
_MESSAGE = "the qemu check allows no call but reading a plan"


@dataclass(frozen=True)
class AwsReply:
    """One HTTP reply."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def reply_to(method: str, target: str, headers: dict[str, str], plans_folder: Path) -> AwsReply:
    """Answer one AWS call; header names are lower case."""
    path = unquote(urlsplit(target).path)
    if method == "GET" and "/plans/" in path:
        return _plan(plans_folder / Path(path).name)
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        # CloudWatch speaks only this to the SDK.
        body = _cbor_text_map({"__type": REFUSAL, "message": _MESSAGE})
        return AwsReply(403, body, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
    if "json" in headers.get("content-type", ""):
        body = json.dumps({"__type": REFUSAL, "message": _MESSAGE}).encode()
        return AwsReply(403, body, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": REFUSAL})
    return AwsReply(403, _xml(path), {"Content-Type": "text/xml", "x-amzn-ErrorType": REFUSAL})


def _plan(file: Path) -> AwsReply:
    if not file.is_file():
        body = b"<Error><Code>NoSuchKey</Code><Message>no such plan among the examples</Message></Error>"
        return AwsReply(404, body, {"Content-Type": "application/xml"})
    headers = {"Content-Type": "application/yaml", "ETag": '"qemu"', "x-amz-version-id": "qemu-version-1"}
    return AwsReply(200, file.read_bytes(), headers)


def _xml(path: str) -> bytes:
    error = f"<Code>{REFUSAL}</Code><Message>{_MESSAGE}</Message>"
    # S3 has the error at the root; the query protocol and Route 53 wrap it. Only S3 has a bucket in its path.
    in_bucket = path.startswith("/qemu-")
    return f"<Error>{error}</Error>".encode() if in_bucket else _wrapped(error)


def _wrapped(error: str) -> bytes:
    return (
        f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>qemu</RequestId></ErrorResponse>".encode()
    )


def _cbor_text_map(entries: dict[str, str]) -> bytes:
    """A CBOR map of short texts: fewer than 24 entries, each text under 256 bytes."""
    encoded = bytes([0xA0 | len(entries)])
    for text in (part for entry in entries.items() for part in entry):
        raw = text.encode()
        encoded += bytes([0x78, len(raw)]) + raw
    return encoded
