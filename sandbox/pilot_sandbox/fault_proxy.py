"""The fault proxy in front of the emulator (`wire`), and what the world itself tells it."""

import sys
from pathlib import Path

import aiohttp

from .children import Child, start_child


async def start_fault_proxy(port: int, upstream_url: str, log_path: Path, environment: dict[str, str]) -> Child:
    """Start the fault proxy on `port` of 127.0.0.1."""
    command = [
        sys.executable,
        "-m",
        "pilot_sandbox.wire",
        "--port",
        str(port),
        "--upstream",
        upstream_url,
    ]
    return await start_child("fault proxy", command, log_path, environment=environment)


async def set_region_reachable(fault_url: str, http: aiohttp.ClientSession, region: str, *, reachable: bool) -> None:
    """Let the AWS API calls for a Region through, or reset their connections."""
    # The Region is gone: every signed call for it is reset, whatever the service.
    cut_off = {"service": "*", "region": region, "reset": True}
    rules_url = f"{fault_url}/_microburst/rules"
    # Removed first in both cases, so that there is never more than one such rule; others' rules stay.
    for method in ("DELETE",) if reachable else ("DELETE", "PATCH"):
        async with http.request(method, rules_url, json=[cut_off]) as response:
            response.raise_for_status()


async def name_workload(fault_url: str, http: aiohttp.ClientSession, name: str, *, there: bool) -> None:
    """Let the wire know of a workload: only then it tells whose a call is."""
    async with http.request(
        "POST" if there else "DELETE", f"{fault_url}/_wire/workloads", json={"name": name}
    ) as response:
        response.raise_for_status()
