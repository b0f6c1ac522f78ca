"""CodeBuild: builds that really run, as processes of the sandbox, and are started once a token.

A build's source is its project's inline buildspec (`NO_SOURCE`) or a zip archive in S3. Its image is not looked at: the
commands find what this machine has, first of all the sandbox's own Python with boto3. Behaviour after the CodeBuild API
reference (StartBuild, StopBuild, Build) and the user guide's "Build phase transitions".
"""

from __future__ import annotations

import copy
import logging
import re
import threading
import time

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import codebuild

from .build_run import BuildRun, BuildSettings
from .idempotency import IdempotencyTokens, TokenMismatchError
from .own_clients import OwnClients

logger = logging.getLogger("pilot.codebuild")

_PROJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,254}")
_TIMEOUT_MINUTES = range(5, 2161)
_IDS_MAX = 100
_SOURCES = ("NO_SOURCE", "S3")
# "The token is included in the StartBuild request and is valid for 5 minutes."
_TOKEN_VALID_SECONDS = 300.0

Answer = tuple[int, dict, bytes]


class BuildShim:
    """What the emulator answers about builds, and the builds that run."""

    def __init__(self, settings: BuildSettings) -> None:
        self._settings = settings
        self._clients = OwnClients(settings.endpoint_url)
        self._tokens = IdempotencyTokens(_TOKEN_VALID_SECONDS)
        self._runs: dict[str, BuildRun] = {}
        self._numbers = threading.Lock()

    def install(self) -> None:
        """Put the shim in place."""
        create_project = codebuild._create_project

        def create(data: dict) -> Answer:
            return _refuse_project(data) or create_project(data)

        codebuild._create_project = create
        codebuild._start_build = self.start
        codebuild._stop_build = self.stop
        codebuild._batch_get_builds = self.describe

    def end_all(self) -> None:
        """Kill the processes of every build."""
        for run in list(self._runs.values()):
            run.end("STOPPED")

    def start(self, data: dict) -> Answer:
        """StartBuild: a new build, or the one that the token already led to."""
        project = codebuild._projects.get(data.get("projectName", ""))
        if project is None:
            arn = codebuild._project_arn(data.get("projectName", ""))
            return _refuse("ResourceNotFoundException", f"Project cannot be found: {arn}")
        project = _overridden(project, data)
        if (refusal := _refuse_project(project)) is not None:
            return refusal
        begun: list[Answer] = []

        def begin() -> str:
            build_id, answer = self._begin(project, data)
            begun.append(answer)
            return build_id

        token = data.get("idempotencyToken")
        scope = (get_account_id(), get_region())
        try:
            build_id = begin() if token is None else self._tokens.once(scope, token, data, begin)[0]
        except TokenMismatchError:
            message = f"Build parameters do not match those of the build that was started with the token {token}"
            return _refuse("InvalidInputException", message)
        return begun[0] if begun else _show(build_id)

    def stop(self, data: dict) -> Answer:
        """StopBuild: whatever the build runs is killed. One that is over stays as it is."""
        build_id = _id_of(data.get("id", ""))
        if build_id not in codebuild._builds:
            return _refuse("ResourceNotFoundException", f"Build not found: {data.get('id', '')}")
        run = self._runs.get(codebuild._builds[build_id]["arn"])
        if run is not None:
            run.end("STOPPED")
        return _show(build_id)

    def describe(self, data: dict) -> Answer:
        """BatchGetBuilds, by id or by ARN."""
        asked = data.get("ids") or []
        if not 1 <= len(asked) <= _IDS_MAX:
            return _refuse("InvalidInputException", f"The build ID list must hold 1 to {_IDS_MAX} IDs")
        found = {wanted: codebuild._builds.get(_id_of(wanted)) for wanted in asked}
        builds = [copy.deepcopy(build) for build in found.values() if build is not None]
        missing = [wanted for wanted, build in found.items() if build is None]
        return json_response({"builds": builds, "buildsNotFound": missing})

    def _begin(self, project: dict, data: dict) -> tuple[str, Answer]:
        build_id = codebuild._build_id(project["name"])
        with self._numbers:
            build = codebuild._make_build_record(project, build_id, data.get("sourceVersion"))
            build.update(_beginning(project, build))
            codebuild._builds[build_id] = build
        scope = (get_account_id(), get_region())
        run = BuildRun(build, copy.deepcopy(project), self._settings, self._clients, scope)
        self._runs[build["arn"]] = run
        # Before anything ran: a short build could be over before the request is answered.
        answer = _show(build_id)
        run.start(when_done=lambda: self._runs.pop(build["arn"], None))
        logger.info("build %s was started", build_id)
        return build_id, answer


def _beginning(project: dict, build: dict) -> dict:
    """What a build says before anything ran."""
    now = time.time()
    build.pop("endTime")
    stream = build["id"].split(":", 1)[1]
    group = build["logs"]["groupName"]
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{stream}"
    return {
        "startTime": now,
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "currentPhase": "QUEUED",
        "serviceRole": project["serviceRole"],
        "phases": [
            {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now},
            {"phaseType": "QUEUED", "startTime": now},
        ],
        "logs": {"groupName": group, "streamName": stream, "cloudWatchLogsArn": arn},
        "exportedEnvironmentVariables": [],
    }


def _overridden(project: dict, data: dict) -> dict:
    """The project as this one build sees it."""
    changed = copy.deepcopy(project)
    for override, member in (
        ("sourceTypeOverride", "type"),
        ("sourceLocationOverride", "location"),
        ("buildspecOverride", "buildspec"),
    ):
        if override in data:
            changed["source"][member] = data[override]
    for override, member in (("timeoutInMinutesOverride", "timeoutInMinutes"), ("serviceRoleOverride", "serviceRole")):
        if override in data:
            changed[member] = data[override]
    environment = changed["environment"]
    variables = {variable["name"]: variable for variable in environment.get("environmentVariables") or []}
    variables |= {variable["name"]: variable for variable in data.get("environmentVariablesOverride") or []}
    environment["environmentVariables"] = list(variables.values())
    return changed


def _refuse_project(project: dict) -> Answer | None:
    if not _PROJECT_NAME.fullmatch(project.get("name", "")):
        return _refuse("InvalidInputException", f"Invalid project name: {project.get('name', '')!r}")
    source = project.get("source") or {}
    if source.get("type") == "NO_SOURCE" and not source.get("buildspec"):
        message = "Invalid project source: a buildspec is required when the source type is NO_SOURCE"
        return _refuse("InvalidInputException", message)
    if source.get("type") not in _SOURCES:
        message = f"The sandbox has no source of type {source.get('type')!r}; it knows {', '.join(_SOURCES)}"
        return _refuse("InvalidInputException", message)
    minutes = project.get("timeoutInMinutes", 60)
    if minutes not in _TIMEOUT_MINUTES:
        message = f"Invalid timeoutInMinutes: {minutes}; it must be between 5 and 2160"
        return _refuse("InvalidInputException", message)
    return None


def _show(build_id: str) -> Answer:
    return json_response({"build": copy.deepcopy(codebuild._builds[build_id])})


def _id_of(wanted: str) -> str:
    """The id in a build's ARN; of anything else, itself."""
    prefix = codebuild._build_arn("")
    return wanted.removeprefix(prefix)


def _refuse(code: str, message: str) -> Answer:
    return error_response_json(code, message, 400)
