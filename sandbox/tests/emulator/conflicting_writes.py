"""A proxy in front of the emulator that refuses some writes as DynamoDB does when two transactions meet."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_WRITES = ("PutItem", "UpdateItem", "TransactWriteItems")
# Often enough to meet every kind of write, seldom enough that a client's budget of retries lasts.
_EVERY = 4


class ConflictingWrites:
    """Refuses every fourth write of each kind once; passes everything else on."""

    def __init__(self, target_url: str) -> None:
        self.refused: dict[str, int] = dict.fromkeys(_WRITES, 0)
        self._seen: dict[str, int] = dict.fromkeys(_WRITES, 0)
        self._target_url = target_url
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _refuses(self, operation: str) -> bool:
        if operation not in _WRITES:
            return False
        self._seen[operation] += 1
        refused = self._seen[operation] % _EVERY == 1
        self.refused[operation] += refused
        return refused

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                if proxy._refuses(operation):
                    self._answer(400, _conflict(operation))
                else:
                    self._answer(*proxy._forward(dict(self.headers), body))

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: the test tells what it saw."""

        return Handler

    def _forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        headers = {key: value for key, value in headers.items() if key.lower() not in ("host", "content-length")}
        request = urllib.request.Request(self._target_url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def _conflict(operation: str) -> bytes:
    prefix = "com.amazonaws.dynamodb.v20120810#"
    if operation == "TransactWriteItems":
        reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}, {"Code": "None"}]
        refusal = {"__type": prefix + "TransactionCanceledException", "CancellationReasons": reasons}
        return json.dumps({**refusal, "Message": "Transaction cancelled [TransactionConflict, None]"}).encode()
    message = "Transaction is ongoing for the item"
    return json.dumps({"__type": prefix + "TransactionConflictException", "message": message}).encode()
