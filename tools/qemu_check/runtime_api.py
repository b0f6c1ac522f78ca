"""A Lambda Runtime API on loopback, for one function at a time; other calls go to the stand-in for AWS."""

import json
import queue
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .answers import OK, Answer
from .fake_aws import reply_to

_API = "/2018-06-01/runtime/"
_DEADLINE_SECONDS = 30


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A function that is ended takes its open connections with it; anything else is a fault of ours, and shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RuntimeApi:
    """Hands out events one by one, as Lambda does, and collects the answers."""

    def __init__(self, plans_folder: Path) -> None:
        self._plans_folder = plans_folder
        self._events: queue.Queue[str] = queue.Queue()
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API has it."""
        return f"127.0.0.1:{self._server.server_port}"

    def send(self, event: str) -> None:
        """Queue one event, JSON text."""
        self._events.put(event)

    def answer(self, wait_seconds: float) -> Answer | None:
        """The next answer, or None when there is none within the time."""
        try:
            return self._answers.get(timeout=wait_seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def next_event(self) -> tuple[str, dict[str, str]]:
        """The event for `GET invocation/next`, waiting for one as Lambda does, and its headers."""
        body = self._events.get()
        deadline_ms = int((time.time() + _DEADLINE_SECONDS) * 1000)
        return body, {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000000",
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:ap-southeast-1:000000000000:function:qemu",
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }

    def take(self, path: str, body: str) -> None:
        """Note what was posted: a response, an error, or a failed start."""
        if path.endswith("/response"):
            self._answers.put(Answer(OK, body))
            return
        try:
            kind = json.loads(body)["errorType"]
        except (ValueError, KeyError, TypeError):
            kind = "(an error without a type)"
        prefix = "failed to start: " if path.endswith("/init/error") else ""
        self._answers.put(Answer(prefix + kind, body))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == _API + "invocation/next":
                    body, headers = api.next_event()
                    self._reply(200, body.encode(), headers)
                else:
                    self._other()

            def do_POST(self) -> None:
                if self.path.startswith(_API):
                    body = self._body().decode()
                    # Replied first: once the last answer is in, the process is ended, and its connection with it.
                    self._reply(202, b"{}", {"Content-Type": "application/json"})
                    api.take(self.path, body)
                else:
                    self._other()

            do_PUT = do_DELETE = do_HEAD = do_POST

            def _other(self) -> None:
                self._body()
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = reply_to(self.command, self.path, headers, api._plans_folder)
                self._reply(reply.status, reply.body, reply.headers)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    return b"".join(self._chunks())
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _chunks(self):
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass

            def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: the outcome of each event is what is printed."""

        return Handler
