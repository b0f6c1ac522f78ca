"""The sandbox's command line."""

import argparse
import asyncio
import json
import subprocess
import sys
import time

import psutil

from . import description
from .bench import bench
from .children import ChildFailed
from .demo import demo
from .deploy import DeployFailed
from .faults.command import FaultOptions, faults
from .faults.modes import MODES
from .naming import InvalidName
from .paths import SandboxPaths
from .plan_for import PlanUnusable
from .postgres import PostgresFailed
from .postgres_binaries import PostgresUnusable
from .seed.context import SeedFailed
from .session import AlreadyRunning, Options, run_interruptible, run_until_told
from .topologies import PILOT_LIGHT, TOPOLOGIES
from .workload.instances import LaunchFailed
from .world import Delays

_DETACHED_READY_SECONDS = 420.0
_STOP_SECONDS = 60.0
_EXPECTED_FAILURES = (
    AlreadyRunning,
    ChildFailed,
    DeployFailed,
    InvalidName,
    LaunchFailed,
    PlanUnusable,
    PostgresFailed,
    PostgresUnusable,
    SeedFailed,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except _EXPECTED_FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pilot_sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start a sandbox and keep it until it is interrupted")
    up.add_argument("--detach", action="store_true", help="return when it is ready; `down` ends it")
    up.add_argument("--no-deploy", action="store_true", help="without the stack: no functions, no state machine")
    up.add_argument("--no-workload", action="store_true", help="without a seeded workload")
    _add_topology(up)
    _add_delays(up)
    up.set_defaults(run=_up)
    down = commands.add_parser("down", aliases=["stop"], help="end a sandbox")
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="show a running sandbox's description")
    status.set_defaults(run=_status)
    demonstration = commands.add_parser(
        "demo", help="kill a primary Region and watch the workload recover (and, of warm-standby, go home)"
    )
    demonstration.add_argument(
        "--replication-lag-seconds",
        type=float,
        default=2.0,
        help="how far the recovery Region's database is behind when the primary dies (default: %(default)s)",
    )
    _add_topology(demonstration)
    _add_delays(demonstration)
    demonstration.set_defaults(run=_demo)
    timing = commands.add_parser("bench", help="time failovers against the delays that the sandbox injects")
    timing.set_defaults(run=lambda _: asyncio.run(run_interruptible(bench())))
    harm = commands.add_parser("faults", help="let every call of a run fail in every way, in whole runs")
    harm.add_argument(
        "--mode",
        default=FaultOptions.mode,
        choices=list(MODES),
        help="of the runs whose calls fail; a failback comes after a failover and protect (default: %(default)s)",
    )
    harm.add_argument("--only", default="", help="only the cases whose text holds this")
    harm.add_argument("--parallel", type=int, default=8, help="so many runs side by side (default: %(default)s)")
    harm.add_argument("--random-kills", type=int, default=0, help="instead: so many processes killed at random moments")
    harm.add_argument("--seed", type=int, default=1, help="of the random moments (default: %(default)s)")
    harm.set_defaults(run=_faults)
    up.add_argument("--name", help="how to call the sandbox (default: as its topology)")
    for command in (down, status):
        command.add_argument("--name", default=PILOT_LIGHT.name, help="which sandbox (default: %(default)s)")
    return parser


def _add_topology(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--topology",
        default=PILOT_LIGHT.name,
        choices=sorted(TOPOLOGIES),
        help="which system lives in the sandbox, and in which Regions (default: %(default)s)",
    )


def _add_delays(parser: argparse.ArgumentParser) -> None:
    defaults = Delays()
    for option, value, what in (
        ("--promotion-seconds", defaults.promotionSeconds, "how long promoting a database takes"),
        ("--launch-seconds", defaults.launchSeconds, "how long launching an instance takes"),
    ):
        parser.add_argument(option, type=float, default=value, help=f"{what} (default: %(default)s)")


def delays_of(parsed: argparse.Namespace) -> Delays:
    """The delays that the command line asks for."""
    return Delays(promotionSeconds=parsed.promotion_seconds, launchSeconds=parsed.launch_seconds)


def _up(parsed: argparse.Namespace) -> int:
    parsed.name = parsed.name or parsed.topology
    if parsed.detach:
        return _up_detached(parsed)
    options = Options(
        parsed.name,
        TOPOLOGIES[parsed.topology],
        delays_of(parsed),
        with_stack=not parsed.no_deploy,
        with_workload=not parsed.no_workload,
    )
    return asyncio.run(run_until_told(options))


def _demo(parsed: argparse.Namespace) -> int:
    return asyncio.run(
        run_interruptible(demo(TOPOLOGIES[parsed.topology], delays_of(parsed), parsed.replication_lag_seconds))
    )


def _faults(parsed: argparse.Namespace) -> int:
    options = FaultOptions(parsed.only, parsed.parallel, parsed.random_kills, parsed.seed, parsed.mode)
    return asyncio.run(run_interruptible(faults(options)))


def _up_detached(parsed: argparse.Namespace) -> int:
    paths = SandboxPaths(parsed.name)
    if description.running(paths) is not None:
        raise AlreadyRunning(f"sandbox {parsed.name} runs already; end it with `down --name {parsed.name}`")
    paths.folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pilot_sandbox",
        "up",
        "--name",
        parsed.name,
        "--topology",
        parsed.topology,
        "--promotion-seconds",
        str(parsed.promotion_seconds),
        "--launch-seconds",
        str(parsed.launch_seconds),
        *(["--no-deploy"] if parsed.no_deploy else []),
        *(["--no-workload"] if parsed.no_workload else []),
    ]
    with paths.own_log.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + _DETACHED_READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = description.running(paths)
        if found is not None and found.process.pid == process.pid:
            print(paths.own_log.read_text(), end="")
            print(f"runs as pid {process.pid}; log in {paths.own_log}; end it with `down --name {parsed.name}`")
            return 0
        time.sleep(0.2)
    if process.poll() is None:
        process.terminate()
        process.wait(_STOP_SECONDS)
    print(paths.own_log.read_text(), file=sys.stderr, end="")
    print(f"error: sandbox {parsed.name} did not become ready; its log is {paths.own_log}", file=sys.stderr)
    return 1


def _down(parsed: argparse.Namespace) -> int:
    paths = SandboxPaths(parsed.name)
    found = description.running(paths)
    if found is None:
        paths.description.unlink(missing_ok=True)
        print(f"sandbox {parsed.name} does not run")
        return 0
    found.process.terminate()
    try:
        found.process.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        # The janitor ends what it held and removes its folder.
        found.process.kill()
        found.process.wait(_STOP_SECONDS)
        paths.description.unlink(missing_ok=True)
        print(f"sandbox {parsed.name} did not end within {_STOP_SECONDS:.0f} s and was killed")
        return 1
    print(f"sandbox {parsed.name} ended")
    return 0


def _status(parsed: argparse.Namespace) -> int:
    found = description.running(SandboxPaths(parsed.name))
    if found is None:
        print(f"sandbox {parsed.name} does not run")
        return 1
    print(json.dumps(found.content, indent=2))
    return 0
