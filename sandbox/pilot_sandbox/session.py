"""One run of a sandbox from `up` to its end, with progress lines."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from . import description
from .deploy import deploy, sandbox_parameters
from .paths import SandboxPaths
from .topologies import PILOT_LIGHT, Topology
from .world import Delays, World


class AlreadyRunning(RuntimeError):
    """A sandbox of this name runs already."""


@dataclass
class Options:
    """What `up` can be told."""

    name: str
    topology: Topology = PILOT_LIGHT
    delays: Delays = field(default_factory=Delays)
    with_stack: bool = True
    with_workload: bool = True


def stopwatch() -> Callable[[str], None]:
    """A printer of progress lines that begin with the seconds since now."""
    started = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - started:6.1f} s] {line}", flush=True)


@asynccontextmanager
async def sandbox(options: Options, say: Callable[[str], None]) -> AsyncIterator[World]:
    """A ready sandbox; ends as a whole when the block does."""
    paths = SandboxPaths(options.name)
    if (other := description.running(paths)) is not None:
        raise AlreadyRunning(
            f"sandbox {options.name} runs already (pid {other.process.pid}, {other.content.get('endpointUrl')}); "
            "stop it with `python -m pilot_sandbox down`, or start another with --name"
        )
    paths.description.unlink(missing_ok=True)  # of one that was killed: nobody may take it for this one's
    world = World(paths, options.topology, options.delays)
    try:
        say(f"sandbox {options.name}: starting the emulator and the fault proxy")
        await world.start()
        say(f"emulated AWS at {world.endpoint_url}, with faults at {world.fault_url}")
        if options.with_stack:
            say("deploying template.yaml with sam deploy")
            parameters = sandbox_parameters(options.topology)
            world.outputs = await deploy(
                paths, world.clients, options.topology.regions.recovery, parameters, world.register
            )
            say(f"stack deployed in {options.topology.regions.recovery}, {len(world.outputs)} outputs")
        if options.with_workload:
            workload = options.topology.name
            say(f"seeding workload {workload}: databases, application, records, alarms, recovery point, plan")
            await world.add_workload(workload)
            say(f"workload {workload} serves from its primary; the outside client orders")
        description.write(paths, world.describe())
        world.on_change = lambda: description.write(paths, world.describe())
        yield world
    finally:
        description.remove(paths)
        await world.stop()


async def run_until_told(options: Options) -> int:
    """Start a sandbox, keep it until SIGINT or SIGTERM, or until a part of it ends; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    say = stopwatch()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    ready = False

    def tell() -> None:
        told.set()
        if not ready:  # still starting: there is nothing to wait for
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, tell)
    try:
        async with sandbox(options, say) as world:
            ready = True
            say("ready")
            print(things_to_try(world), flush=True)
            waiting = asyncio.create_task(told.wait())
            await asyncio.wait({waiting, world.failure}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            failure = world.failure.result() if world.failure.done() else None
            say(f"ending: {failure}" if failure else "ending")
    except asyncio.CancelledError:
        if not told.is_set():
            raise
        say("interrupted while starting; everything was ended")
        return 130
    say("ended")
    return 1 if failure else 0


async def run_interruptible(work: Coroutine[Any, Any, int]) -> int:
    """Run `work`; SIGTERM and SIGHUP cancel it as an interrupt from the keyboard does, so it can clean up."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


def things_to_try(world: World) -> str:
    """A few lines to copy, for whoever has just started a sandbox."""
    lines = [
        "",
        f"  endpoint      {world.endpoint_url}   (with faults: {world.fault_url})",
        f"  description   {world.paths.description}",
        "",
        "  Things to try:",
    ]
    for workload in list(world.workloads.values())[:1]:
        dns_port = world.dns_port
        lines += [
            f"  curl -i {workload.gateway.url}/health",
            f"  dig @127.0.0.1 -p {dns_port} {workload.names.shop.rstrip('.')}",
            f"  curl {world.control.url}/client",
            f"  curl -X POST {world.control.url}{world.topology.disaster}",
        ]
    lines.append(f"  curl {world.control.url}/")
    if machine := world.outputs.get("RecoveryStateMachineArn"):
        region = world.topology.regions.recovery
        lines += [
            "  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \\",
            f"    aws --endpoint-url {world.endpoint_url} --region {region} stepfunctions start-execution \\",
            f"    --state-machine-arn {machine} \\",
            f"""    --input '{{"plan":"{world.topology.name}","mode":"failover","reason":"trying it out"}}'""",
        ]
    return "\n".join([*lines, ""])
