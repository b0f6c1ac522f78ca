"""One build of CodeBuild from QUEUED to COMPLETED, on a thread of its own, written into its record as it goes."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import request_scope
from ministack.services import codebuild

from . import buildspec
from .build_process import BuildEndedError, BuildProcess
from .own_clients import OwnClients

# Of the emulator's own environment a build sees only what any process needs, and no AWS_* of the machine.
_INHERITED = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class BuildSettings:
    """What the sandbox decides about builds."""

    endpoint_url: str
    """AWS_ENDPOINT_URL of a build's commands."""
    minute_seconds: float
    """How long a minute of `timeoutInMinutes` lasts here."""


class _PhaseFailedError(RuntimeError):
    """A phase before the commands failed: status code and message of its context."""

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class BuildRun:
    """The build's thread, and how to end it early."""

    def __init__(
        self, build: dict, project: dict, settings: BuildSettings, clients: OwnClients, scope: tuple[str, str]
    ) -> None:
        self._build = build
        self._project = project
        self._settings = settings
        self._clients = clients
        self._scope = scope
        self._process: BuildProcess | None = None
        self._lock = threading.Lock()
        self._ended_as: str | None = None

    def start(self, when_done: Callable[[], object]) -> None:
        """Begin; the record tells the rest."""
        limit_seconds = self._build["timeoutInMinutes"] * self._settings.minute_seconds
        timer = threading.Timer(limit_seconds, self.end, args=("TIMED_OUT",))
        timer.daemon = True

        def run() -> None:
            timer.start()
            try:
                with request_scope(*self._scope):
                    self._run()
            finally:
                timer.cancel()
                when_done()

        threading.Thread(target=run, name=f"build-{self._build['id']}", daemon=True).start()

    def end(self, status: str) -> None:
        """End the build as STOPPED or TIMED_OUT, unless it is over; the record says so when this returns."""
        with self._lock:
            if self._build["buildComplete"]:
                return
            self._ended_as = status
            self._finish(status)
            if self._process is not None:
                self._process.end()

    def _run(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="pilot-build-"))
        status = "FAULT"
        try:
            status = self._status_of_run(folder)
        except BuildEndedError:
            status = self._ended_as or status
        finally:
            with self._lock:
                self._finish(status)
                if self._process is not None:
                    self._process.end()
            shutil.rmtree(folder, ignore_errors=True)

    def _status_of_run(self, folder: Path) -> str:
        self._next("PROVISIONING")
        emit = codebuild._log_sink(self._build)
        self._next("DOWNLOAD_SOURCE")
        try:
            spec = self._download(folder / "src")
            variables = self._variables(spec)
        except _PhaseFailedError as failure:
            emit(f"[Container] {failure}")
            self._close_phase("FAILED", failure.status_code, str(failure))
            return "FAILED"
        environment = self._environment(folder) | variables
        with self._lock:
            if self._ended_as is not None:
                raise BuildEndedError
            self._process = BuildProcess(folder, spec.shell, environment, emit)
        succeeded = self._phases(spec, emit)
        self._build["exportedEnvironmentVariables"] = [
            {"name": name, "value": value} for name, value in self._process.exported(spec.exported_variables).items()
        ]
        self._next("FINALIZING")
        return "SUCCEEDED" if succeeded else "FAILED"

    def _phases(self, spec: buildspec.Buildspec, emit: Callable[[str], None]) -> bool:
        """Run the buildspec's phases; POST_BUILD follows BUILD however that went, nothing else follows a failure."""
        succeeded = True
        for name in buildspec.PHASES:
            if not succeeded and name != "post_build":
                return False
            self._next(name.upper())
            phase = spec.phases.get(name, buildspec.Phase())
            known = {"CODEBUILD_BUILD_SUCCEEDING": "1" if succeeded else "0"}
            failures = [self._process.run(part, known) for part in (phase.commands, phase.finally_commands)]
            failure = next((failure for failure in failures if failure is not None), None)
            if failure is None:
                emit(f"[Container] Phase complete: {name.upper()} State: SUCCEEDED")
                continue
            status = f"exit status {failure.exit_status}"
            message = f"Error while executing command: {failure.command}. Reason: {status}"
            emit(f"[Container] Phase complete: {name.upper()} State: FAILED")
            emit(f"[Container] Phase context status code: COMMAND_EXECUTION_ERROR Message: {message}")
            self._close_phase("FAILED", "COMMAND_EXECUTION_ERROR", message)
            if name in ("install", "pre_build"):
                return False
            succeeded = False
        self._next("UPLOAD_ARTIFACTS")
        return succeeded

    def _download(self, folder: Path) -> buildspec.Buildspec:
        source = self._project["source"]
        text = source.get("buildspec") or "buildspec.yml"
        folder.mkdir(parents=True)
        if source["type"] == "S3":
            self._unpack(source.get("location", ""), folder)
        # As on AWS: what is no YAML of several lines is the path of a file in the source.
        if "\n" not in text.strip() and (source["type"] == "S3" or not text.lstrip().startswith("{")):
            file = folder / text.strip()
            if not file.is_file():
                raise _PhaseFailedError("YAML_FILE_ERROR", f"YAML file does not exist: {text.strip()}")
            text = file.read_text()
        try:
            return buildspec.parse(text)
        except buildspec.BuildspecError as error:
            raise _PhaseFailedError("YAML_FILE_ERROR", str(error)) from None

    def _unpack(self, location: str, folder: Path) -> None:
        bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
        try:
            with self._clients.for_one_call("s3", *self._scope) as client:
                archive = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
        except (BotoCoreError, ClientError, zipfile.BadZipFile) as error:
            raise _PhaseFailedError("CLIENT_ERROR", f"the source {location!r} could not be had: {error}") from None

    def _variables(self, spec: buildspec.Buildspec) -> dict[str, str]:
        """The buildspec's variables, overridden by the project's and the build's."""
        given = self._build["environment"].get("environmentVariables") or []
        for variable in given:
            if variable.get("type", "PLAINTEXT") != "PLAINTEXT":
                message = f"variable {variable['name']}: the sandbox knows PLAINTEXT alone, not {variable['type']}"
                raise _PhaseFailedError("CLIENT_ERROR", message)
        return spec.variables | {variable["name"]: variable["value"] for variable in given}

    def _environment(self, folder: Path) -> dict[str, str]:
        account_id, region = self._scope
        search_path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PATH": os.pathsep.join(search_path),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # The access key is the account id: ministack reads the account from it.
            "AWS_ACCESS_KEY_ID": account_id,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_ENDPOINT_URL": self._settings.endpoint_url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CODEBUILD_BUILD_ARN": self._build["arn"],
            "CODEBUILD_BUILD_ID": self._build["id"],
            "CODEBUILD_BUILD_NUMBER": str(self._build["buildNumber"]),
            "CODEBUILD_INITIATOR": self._build["initiator"],
            "CODEBUILD_LOG_PATH": self._build["logs"]["streamName"],
            "CODEBUILD_SRC_DIR": str(folder / "src"),
            "CODEBUILD_START_TIME": str(int(self._build["startTime"] * 1000)),
        }

    def _next(self, phase_type: str) -> None:
        """The phase before was fine, unless it is closed already; the next one begins."""
        with self._lock:
            if self._ended_as is not None:
                raise BuildEndedError
            self._close_phase("SUCCEEDED")
            self._build["phases"].append({"phaseType": phase_type, "startTime": time.time()})
            self._build["currentPhase"] = phase_type

    def _close_phase(self, status: str, code: str = "", message: str = "") -> None:
        phase = self._build["phases"][-1]
        if "endTime" in phase:
            return
        now = time.time()
        phase.update(phaseStatus=status, endTime=now, durationInSeconds=int(now - phase["startTime"]))
        phase["contexts"] = [{"statusCode": code, "message": message}]

    def _finish(self, status: str) -> None:
        if self._build["buildComplete"]:
            return
        # A build that failed was finalized nevertheless; one that was ended ended in its phase.
        self._close_phase("SUCCEEDED" if status in ("SUCCEEDED", "FAILED") else status)
        now = time.time()
        self._build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
        self._build.update(buildStatus=status, currentPhase="COMPLETED", endTime=now, buildComplete=True)
