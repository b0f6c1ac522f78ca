"""A small world for the emulator's tests: it answers the hooks from a dictionary that a test may change."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeWorld:
    """What stands behind the control plane, as far as the hooks can tell."""

    def __init__(self) -> None:
        self.delays = {
            "promotionSeconds": 2.0,
            "launchSeconds": 0.5,
            "recordsInsyncSeconds": 1.0,
            "snapshotSeconds": 1.0,
            "scaleInSeconds": 1.0,
            "provisionedConcurrencySeconds": 1.0,
            "cacheSeconds": 1.0,
            "restoreSeconds": 0.5,
        }
        self.endpoints_down: list[str] = []
        self.databases: dict[tuple[str, str], dict] = {}
        self.refuse_promotion: str | None = None
        self.refuse_follow: str | None = None
        self.refuse_launch: str | None = None
        self.refuse_snapshot: str | None = None
        self.refuse_backup: str | None = None
        self.refuse_restore: str | None = None
        #: What databases were like when they were backed up, by the name of the recovery point.
        self.backups: dict[str, dict] = {}
        #: While it is clear, no server is made, backed up, renamed or ended.
        self.databases_may_change = threading.Event()
        self.databases_may_change.set()
        #: While it is clear, launches of ECS tasks are not answered.
        self.tasks_may_start = threading.Event()
        self.tasks_may_start.set()
        self.refuse_doors: str | None = None
        #: Whether the door of a kind, Region and name is open, once the emulator has said anything of it.
        self.doors: dict[tuple[str, str, str], bool] = {}
        self.observations: list[dict] = []
        #: Exit codes of the processes of ECS tasks that ended by themselves, by task.
        self.ended_tasks: dict[str, int] = {}
        self.calls: list[tuple[str, dict]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Base URL of the hooks."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def instances(self, verb: str, group: str) -> list[str]:
        """The ids of what was launched or terminated for a group or an ECS service."""
        return [body["instanceId"] for path, body in self.calls if path.endswith(f"/{group}/{verb}")]

    def answer(self, method: str, path: str, body: dict) -> tuple[int, dict]:
        """The answer to one hook."""
        parts = path.strip("/").split("/")
        self.calls.append((path, body))
        if parts[1] == "delays":
            return 200, self.delays
        if parts[1] == "recovery-endpoints":
            return 200, {"down": self.endpoints_down}
        if parts[1] == "healthchecks":
            return 200, {"observations": self.observations}
        if parts[1] == "doors":
            return self._set_door((parts[2], parts[3], parts[4]), body["open"])
        if parts[-1] == "ended":
            return 200, {"ended": self.ended_tasks}
        if parts[1] == "backups":
            return self._restore(self.backups.get(parts[2]), body)
        if parts[1] == "rds":
            database = self.databases.get((parts[2], parts[3]))
            if database is None:
                return 404, {"message": "unknown"}
            if parts[-1] == "backup":
                self.databases_may_change.wait()
                return self._back_up(database, body["name"])
            if parts[-1] == "restore":
                return self._restore(database, body)
            if parts[-1] in ("replica", "rename", "snapshot", "delete"):
                self.databases_may_change.wait()
                return self._change_databases(parts[-1], (parts[2], parts[3]), body)
            return (200, database) if method == "GET" else self._change_database(parts[-1], database, body)
        if parts[1] == "ecs" and parts[-1] == "launch":
            self.tasks_may_start.wait()
        if parts[-1] == "launch" and self.refuse_launch:
            return 409, {"message": self.refuse_launch}
        return 200, {}

    def _set_door(self, door: tuple[str, str, str], opened: bool) -> tuple[int, dict]:
        if self.refuse_doors:
            return 409, {"message": self.refuse_doors}
        self.doors[door] = opened
        return 200, {}

    def _change_database(self, verb: str, database: dict, body: dict) -> tuple[int, dict]:
        if verb in ("promote", "take-over") and self.refuse_promotion:
            return 409, {"message": self.refuse_promotion}
        if verb == "follow" and self.refuse_follow:
            return 409, {"message": self.refuse_follow}
        database.update(
            {
                "promote": {"role": "primary", "replication": None, "lagSeconds": None},
                "take-over": {"role": "primary", "replication": None, "lagSeconds": None},
                "follow": {"running": True, "role": "standby", "replication": "replicating", "lagSeconds": 0.1},
                # Down, but nothing is broken.
                "stop": {"running": False, "inReach": True},
                "start": {"running": True},
                "place": body,
                "move": {"running": True, **body},
                "continuous-backup": {"restorable": [time.time(), time.time() + 3600]},
            }[verb]
        )
        return 200, {}

    def _back_up(self, database: dict, name: str) -> tuple[int, dict]:
        if self.refuse_backup:
            return 409, {"message": self.refuse_backup}
        self.backups[name] = dict(database)
        return 200, {}

    def _restore(self, source: dict | None, body: dict) -> tuple[int, dict]:
        if source is None:
            return 404, {"message": "unknown"}
        if self.refuse_restore:
            return 409, {"message": self.refuse_restore}
        self.databases[body["region"], body["identifier"]] = {**source, "running": False, "restorable": None}
        return 200, {}

    def _change_databases(self, verb: str, database: tuple[str, str], body: dict) -> tuple[int, dict]:
        """What makes a server, copies it, gives it another identifier, or ends it."""
        if verb == "snapshot":
            return (409, {"message": self.refuse_snapshot}) if self.refuse_snapshot else (200, {})
        if verb == "delete":
            return 200, self.databases.pop(database)
        target = (body["region"], body["identifier"]) if verb == "replica" else (database[0], body["newIdentifier"])
        if target in self.databases:
            return 409, {"message": f"there is a server called {target[1]} already"}
        if verb == "rename":
            self.databases[target] = self.databases.pop(database)
        elif self.refuse_follow:
            return 409, {"message": self.refuse_follow}
        else:
            standby = {"role": "standby", "replication": "replicating", "lagSeconds": 0.1}
            self.databases[target] = {**self.databases[database], **standby, "port": 5556}
        return 200, self.databases[target]

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        world = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                status, answer = world.answer(self.command, self.path, body)
                payload = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = _reply

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
