"""One observation of one endpoint, as a Route 53 health checker makes it."""

import asyncio
import http
import ssl
from dataclasses import dataclass

_CONNECT_SECONDS = 4.0
_TCP_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 2.0
# Only this much of a body is searched for the SearchString.
_SEARCHED_BYTES_MAX = 5_120
_HEADER_BYTES_MAX = 65_536


@dataclass(frozen=True)
class Verdict:
    """What a checker saw, before any inversion."""

    healthy: bool
    status: str


def _tls() -> ssl.SSLContext:
    # Route 53 does not validate certificates, so neither may this.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def probe(config: dict) -> Verdict:
    """Check the endpoint of a HealthCheckConfig once; never raises for what the endpoint does."""
    kind = config["Type"]
    if kind not in ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"):
        return Verdict(False, f"Failure: the sandbox has no checkers for {kind} health checks")
    host = config.get("IPAddress") or config.get("FullyQualifiedDomainName", "")
    secure = kind.startswith("HTTPS")
    port = config.get("Port") or (443 if secure else 80)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_TCP_CONNECT_SECONDS if kind == "TCP" else _CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=_tls() if secure else None)
        if kind == "TCP":
            return Verdict(True, "Success: TCP connection established")
        return await _http_verdict(reader, writer, config, host, port)
    except TimeoutError:
        what = "no answer in time" if writer else "no connection in time"
        return Verdict(False, f"Failure: {what}")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        return Verdict(False, f"Failure: {error}")
    finally:
        if writer is not None:
            writer.close()


async def _http_verdict(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, config: dict, host: str, port: int
) -> Verdict:
    shown_host = config.get("FullyQualifiedDomainName") or f"{host}:{port}"
    request = (
        f"GET {config.get('ResourcePath') or '/'} HTTP/1.1\r\nHost: {shown_host}\r\n"
        "User-Agent: Amazon-Route53-Health-Check-Service (emulated)\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(_ANSWER_SECONDS):
        writer.write(request.encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
    code = int(head[:_HEADER_BYTES_MAX].split(b" ", 2)[1])
    try:
        shown = f"HTTP Status Code {code}, {http.HTTPStatus(code).phrase}"
    except ValueError:
        shown = f"HTTP Status Code {code}"
    if not 200 <= code < 400:
        return Verdict(False, f"Failure: {shown}")
    if not config["Type"].endswith("_STR_MATCH"):
        return Verdict(True, f"Success: {shown}")
    async with asyncio.timeout(_ANSWER_SECONDS):
        body = b""
        while len(body) < _SEARCHED_BYTES_MAX and (part := await reader.read(_SEARCHED_BYTES_MAX - len(body))):
            body += part
    if config.get("SearchString", "").encode() in body:
        return Verdict(True, f"Success: {shown}; the search string was found")
    return Verdict(False, f"Failure: {shown}; the search string was not found")
