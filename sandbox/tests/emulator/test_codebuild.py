"""CodeBuild: builds that really run, end as their commands do, are started once a token, and can be ended."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from emulator_process import ACCOUNT, PRIMARY, RECOVERY, Emulator, eventually
from pilot_sandbox.emulator.idempotency import IdempotencyTokens, TokenMismatchError

DEPLOY = """
import boto3, os
boto3.client("dynamodb").create_table(
    TableName=os.environ["TABLE"], BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
"""


def buildspec(**phases: list[str] | dict) -> str:
    """A buildspec of these phases; JSON is YAML."""
    whole = {name: phase if isinstance(phase, dict) else {"commands": phase} for name, phase in phases.items()}
    return json.dumps({"version": 0.2, "phases": whole})


def create_project(emulator: Emulator, project: str, spec: str, **more: object) -> object:
    """A project without a source; its client."""
    client = emulator.client("codebuild")
    client.create_project(
        **{
            "name": project,
            "source": {"type": "NO_SOURCE", "buildspec": spec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/{project}",
            **more,
        }
    )
    return client


def ended(client: object, build_id: str) -> dict:
    """The build once it is complete."""

    def complete() -> dict | None:
        build = client.batch_get_builds(ids=[build_id])["builds"][0]
        return build if build["buildComplete"] else None

    return eventually(complete, within_seconds=60)


def phases_of(build: dict) -> dict[str, str]:
    """The status of each phase that the build came to."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def log_of(emulator: Emulator, build: dict) -> list[str]:
    """The lines in the build's log stream."""
    where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    events = emulator.client("logs").get_log_events(**where, startFromHead=True)["events"]
    return [event["message"] for event in events]


def refusal(call: object, **arguments: object) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return refused.value.response["Error"]["Code"]


def test_a_build_deploys_into_the_emulator(emulator: Emulator, name: str) -> None:
    spec = json.dumps(
        {
            "version": 0.2,
            "env": {"variables": {"TABLE": "of-the-buildspec", "GREETING": "hello"}, "exported-variables": ["MADE"]},
            "phases": {
                "install": {"commands": ["export MADE=$TABLE-made", "mkdir sub", "cd sub"]},
                "build": {
                    "commands": [f"cat > deploy.py <<'END'{DEPLOY}END", "python deploy.py", "echo $GREETING $MADE"]
                },
                "post_build": {"commands": ["basename $PWD", "echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]},
            },
        }
    )
    client = create_project(emulator, name, spec)
    variable = {"name": "TABLE", "value": name, "type": "PLAINTEXT"}
    started = client.start_build(projectName=name, environmentVariablesOverride=[variable])["build"]
    assert (started["buildStatus"], started["buildComplete"]) == ("IN_PROGRESS", False)
    assert "endTime" not in started
    build = ended(client, started["arn"])
    log = log_of(emulator, build)
    assert build["buildStatus"] == "SUCCEEDED", log
    assert {f"hello {name}-made", "sub", "succeeding 1"} <= set(log)
    assert build["exportedEnvironmentVariables"] == [{"name": "MADE", "value": f"{name}-made"}]
    assert set(phases_of(build).values()) == {"SUCCEEDED", ""}
    assert list(phases_of(build))[-1] == build["currentPhase"] == "COMPLETED"
    assert name in emulator.client("dynamodb").list_tables()["TableNames"]
    assert name not in emulator.client("dynamodb", PRIMARY).list_tables()["TableNames"]


def test_the_environment_is_the_sandbox_s_alone(emulator: Emulator, name: str) -> None:
    client = create_project(emulator, name, buildspec(build=["env"]))
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    seen = dict(line.split("=", 1) for line in log_of(emulator, build) if "=" in line and line[0] != "[")
    expected = {"AWS_REGION": RECOVERY, "AWS_DEFAULT_REGION": RECOVERY, "AWS_ENDPOINT_URL": emulator.url}
    assert seen == seen | expected | {"AWS_ACCESS_KEY_ID": ACCOUNT, "CODEBUILD_BUILD_ID": build["id"]}
    assert not [key for key in seen if key.startswith(("PILOT_", "GATEWAY_", "PYTHONPATH"))]


@pytest.mark.parametrize(
    ("phases", "failed_phase", "exit_status", "not_run"),
    [
        ({"install": ["exit 3"], "build": ["echo ran"]}, "INSTALL", 3, "BUILD"),
        ({"pre_build": ["echo first", "false", "echo ran"]}, "PRE_BUILD", 1, "BUILD"),
        ({"build": ["no-such-command"], "post_build": ["echo after $CODEBUILD_BUILD_SUCCEEDING"]}, "BUILD", 127, ""),
        ({"build": {"commands": ["exit 4"], "finally": ["echo after 0"]}}, "BUILD", 4, ""),
        ({"post_build": ["if"]}, "POST_BUILD", 2, ""),
    ],
)
def test_a_failed_command_fails_its_phase_and_the_build(
    emulator: Emulator, name: str, phases: dict, failed_phase: str, exit_status: int, not_run: str
) -> None:
    client = create_project(emulator, name, buildspec(**phases))
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    assert build["buildStatus"] == "FAILED"
    statuses = phases_of(build)
    assert [phase for phase, status in statuses.items() if status == "FAILED"] == [failed_phase]
    assert not_run not in statuses
    context = next(phase for phase in build["phases"] if phase["phaseType"] == failed_phase)["contexts"][0]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert context["message"].endswith(f"Reason: exit status {exit_status}")
    log = log_of(emulator, build)
    assert "ran" not in log
    assert ("after 0" in log) == (failed_phase == "BUILD")


def test_the_same_token_is_the_same_build(emulator: Emulator, name: str) -> None:
    client = create_project(emulator, name, buildspec(build=["true"]))
    token = str(uuid.uuid4())
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(client.start_build, projectName=name, idempotencyToken=token) for _ in range(4)]
        builds = {answer.result()["build"]["id"] for answer in asked}
    assert len(builds) == 1
    ended(client, *builds)
    assert client.start_build(projectName=name, idempotencyToken=token)["build"]["id"] in builds
    other = {"projectName": name, "idempotencyToken": token, "timeoutInMinutesOverride": 7}
    assert refusal(client.start_build, **other) == "InvalidInputException"
    another = client.start_build(projectName=name, idempotencyToken=str(uuid.uuid4()))["build"]
    assert another["id"] not in builds
    assert sorted(client.list_builds_for_project(projectName=name)["ids"]) == sorted([*builds, another["id"]])


def test_a_token_is_forgotten_after_its_time() -> None:
    now = 0.0
    made = iter(["first", "second"])
    tokens = IdempotencyTokens(300.0, lambda: now)

    def once(request: dict) -> tuple[str, bool]:
        return tokens.once(("region",), "token", request, lambda: next(made))

    assert once({"a": 1}) == ("first", True)
    now = 299.0
    assert once({"a": 1}) == ("first", False)
    with pytest.raises(TokenMismatchError):
        once({"a": 2})
    now = 300.0
    assert once({"a": 2}) == ("second", True)


def test_a_stopped_build_leaves_nothing_running(emulator: Emulator, name: str, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    client = create_project(
        emulator, name, buildspec(build=[f"sleep 600 & echo $! $$ > {pids}.new", f"mv {pids}.new {pids}", "wait"])
    )
    build_id = client.start_build(projectName=name)["build"]["id"]
    eventually(pids.exists, within_seconds=60)
    running = [int(pid) for pid in pids.read_text().split()]
    stopped = client.stop_build(id=build_id)["build"]
    assert (stopped["buildStatus"], stopped["buildComplete"]) == ("STOPPED", True)
    assert phases_of(stopped)["BUILD"] == "STOPPED"
    eventually(lambda: not any(_is_running(pid) for pid in running), within_seconds=60)
    assert client.batch_get_builds(ids=[build_id])["builds"][0]["buildStatus"] == "STOPPED"


def test_stopping_a_build_that_is_over_changes_nothing(emulator: Emulator, name: str) -> None:
    client = create_project(emulator, name, buildspec(build=["true"]))
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    stopped = client.stop_build(id=build["id"])["build"]
    assert (stopped["buildStatus"], stopped["endTime"]) == ("SUCCEEDED", build["endTime"])


def test_a_build_that_takes_too_long_times_out(emulator: Emulator, name: str) -> None:
    client = create_project(emulator, name, buildspec(build=["sleep 600"]), timeoutInMinutes=5)
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    assert build["buildStatus"] == "TIMED_OUT"
    assert "TIMED_OUT" in phases_of(build).values()


def test_a_source_in_s3_brings_its_own_buildspec(emulator: Emulator, name: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as source:
        source.writestr("buildspec.yml", buildspec(build=["cat message.txt"]))
        source.writestr("message.txt", "out of the archive\n")
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": RECOVERY})
    s3.put_object(Bucket=name, Key="app/source.zip", Body=archive.getvalue())
    client = create_project(emulator, name, "", source={"type": "S3", "location": f"{name}/app/source.zip"})
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    assert build["buildStatus"] == "SUCCEEDED"
    assert "out of the archive" in log_of(emulator, build)
    gone = client.start_build(projectName=name, sourceLocationOverride=f"{name}/nothing.zip")["build"]
    build = ended(client, gone["id"])
    assert (build["buildStatus"], phases_of(build)["DOWNLOAD_SOURCE"]) == ("FAILED", "FAILED")


def test_a_buildspec_that_cannot_be_run_fails_the_download(emulator: Emulator, name: str) -> None:
    client = create_project(emulator, name, json.dumps({"version": 0.2, "phases": {"bild": {}}}))
    build = ended(client, client.start_build(projectName=name)["build"]["id"])
    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED")
    assert failed["phaseType"] == "DOWNLOAD_SOURCE"
    assert failed["contexts"][0]["statusCode"] == "YAML_FILE_ERROR"


def test_what_aws_refuses_is_refused(emulator: Emulator, name: str) -> None:
    client = emulator.client("codebuild")
    assert refusal(client.start_build, projectName=name) == "ResourceNotFoundException"
    assert refusal(client.stop_build, id=f"{name}:{uuid.uuid4()}") == "ResourceNotFoundException"
    assert (
        refusal(client.batch_get_builds, ids=[f"{name}:{number}" for number in range(101)]) == "InvalidInputException"
    )
    create_project(emulator, name, buildspec(build=["true"]))
    assert client.batch_get_projects(names=[name, "nobody"])["projectsNotFound"] == ["nobody"]
    assert client.batch_get_builds(ids=[f"{name}:nothing"])["buildsNotFound"] == [f"{name}:nothing"]
    too_long = {"projectName": name, "timeoutInMinutesOverride": 2161}
    assert refusal(client.start_build, **too_long) == "InvalidInputException"
    for wrong, code in (
        ({}, "ResourceAlreadyExistsException"),
        ({"name": f"{name}!"}, "InvalidInputException"),
        ({"name": f"{name}-b", "source": {"type": "NO_SOURCE"}}, "InvalidInputException"),
        ({"name": f"{name}-c", "timeoutInMinutes": 2161}, "InvalidInputException"),
    ):
        with pytest.raises(ClientError) as refused:
            create_project(emulator, name, buildspec(build=["true"]), **wrong)
        assert refused.value.response["Error"]["Code"] == code


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A process that was killed and that nobody waited for yet does not run any more.
    return state != "Z"
