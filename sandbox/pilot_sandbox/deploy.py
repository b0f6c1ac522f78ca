"""Deploys the project's own template.yaml into the emulator with the real `sam deploy`."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from .aws_clients import AwsClients, tool_environment
from .children import start_child
from .naming import STACK_NAME
from .paths import REPOSITORY, SandboxPaths
from .seed.context import created_in
from .topologies import Topology

_DEPLOY_TIMEOUT_SECONDS = 300.0
_SOURCE_BUCKET = "pilot-light-deployment"
_CODE_FOLDER = re.compile(r"CodeUri:\s*target/lambda/([a-z-]+)/?\s*$", re.MULTILINE)


class DeployFailed(RuntimeError):
    """The stack is not deployed."""


def stage(paths: SandboxPaths, repository: Path = REPOSITORY) -> Path:
    """Copy what `sam deploy` needs: template and state machine as they are, and native binaries for the functions."""
    template = repository / "template.yaml"
    if not template.exists():
        raise DeployFailed(f"{template} does not exist: nothing was deployed; use --no-deploy to do without the stack")
    functions = sorted(set(_CODE_FOLDER.findall(template.read_text())))
    missing = [name for name in functions if not (repository / "target" / "debug" / name).exists()]
    if missing:
        raise DeployFailed(
            f"these functions are not built: {', '.join(missing)}; nothing was deployed. "
            "Run `cargo build --workspace --bins`, then start again"
        )
    shutil.rmtree(paths.stage, ignore_errors=True)
    paths.stage.mkdir(parents=True)
    shutil.copy(template, paths.stage)
    if (repository / "statemachine").exists():
        shutil.copytree(repository / "statemachine", paths.stage / "statemachine")
    for name in functions:
        folder = paths.stage / "target" / "lambda" / name
        folder.mkdir(parents=True)
        _without_symbols(repository / "target" / "debug" / name, folder / "bootstrap")
    return paths.stage


def _without_symbols(binary: Path, target: Path) -> None:
    """A copy a third smaller: sam compresses, and the emulator keeps and unpacks, hundreds of megabytes a sandbox."""
    program = shutil.which("strip")
    command = [program or "", "-o", str(target), str(binary)]
    if program is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        shutil.copy(binary, target)  # the same program, only larger


def sam_program() -> str:
    """The sam executable: from the environment variable SAM, or the tools' virtual environment."""
    program = os.environ.get("SAM") or str(REPOSITORY / ".venv" / "tools" / "bin" / "sam")
    if not os.access(program, os.X_OK):
        raise DeployFailed(
            f"{program} cannot be run: nothing was deployed. Run `make setup`, or set SAM to the program"
        )
    return program


async def deploy(
    paths: SandboxPaths,
    clients: AwsClients,
    region: str,
    parameters: dict[str, str],
    register,
    repository: Path = REPOSITORY,
) -> dict[str, str]:
    """Stage and deploy the stack in `region`, the recovery Region; returns its outputs."""
    program = sam_program()
    folder = await asyncio.to_thread(stage, paths, repository)
    await asyncio.to_thread(_make_source_bucket, clients, region)
    command = [
        program,
        "deploy",
        "--template-file",
        "template.yaml",
        "--stack-name",
        STACK_NAME,
        "--region",
        region,
        "--s3-bucket",
        _SOURCE_BUCKET,
        "--capabilities",
        "CAPABILITY_IAM",
        "CAPABILITY_NAMED_IAM",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--parameter-overrides",
        *(f"ParameterKey={key},ParameterValue={value}" for key, value in parameters.items()),
    ]
    log_path = paths.logs / "deploy.log"
    log_path.unlink(missing_ok=True)
    child = await start_child(
        "sam deploy",
        command,
        log_path,
        environment=tool_environment(clients.endpoint_url, region),
        folder=folder,
    )
    register(child)
    try:
        code = await asyncio.wait_for(child.process.wait(), _DEPLOY_TIMEOUT_SECONDS)
    except TimeoutError:
        code = None
    finally:
        await child.stop(signal.SIGTERM)
        # The stack has the binaries now, and a test run has many sandboxes.
        shutil.rmtree(folder / "target")
    if code != 0:
        outcome = f"ended with code {code}" if code is not None else f"took over {_DEPLOY_TIMEOUT_SECONDS:.0f} s"
        raise DeployFailed(f"sam deploy of {STACK_NAME} {outcome}; {log_path} ends:\n{child.last_lines(30)}")
    return await asyncio.to_thread(_outputs, clients, region)


def sandbox_parameters(topology: Topology) -> dict[str, str]:
    """The template's parameters for the first workload of a sandbox."""
    names = topology.names(topology.name)
    return {
        "PlanName": names.workload,
        "PrimaryRegion": topology.regions.primary,
        **topology.parameters(names),
        "PrimaryLoadBalancerName": names.load_balancer_name,
        "BackupVaultName": names.vault,
        # The shortest that the template allows: a demo should not wait minutes for its alarm.
        "ProbeAlarmPeriodSeconds": "10",
        "ProbeAlarmPeriods": "2",
        "OnDemandEndpoint": "enabled",
    }


def _make_source_bucket(clients: AwsClients, region: str) -> None:
    s3 = clients.client("s3", region)
    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    if _SOURCE_BUCKET not in existing:
        s3.create_bucket(Bucket=_SOURCE_BUCKET, **created_in(region))


def _outputs(clients: AwsClients, region: str) -> dict[str, str]:
    stacks = clients.client("cloudformation", region).describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
