"""Whole runs: the real state machine and the real binaries in one sandbox, looked at from outside with boto3 alone."""

import os
import re
from collections.abc import Iterator

import pytest
from sandbox_under_test import SandboxUnderTest, Workload


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxUnderTest]:
    """One sandbox for all whole runs of a test process; each run has a workload of its own in it."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with SandboxUnderTest.started(f"whole-runs-{process}") as running:
        yield running


@pytest.fixture
def workload(sandbox: SandboxUnderTest, request: pytest.FixtureRequest) -> Iterator[Workload]:
    """A freshly seeded workload with traffic on its primary, named after the test, removed afterwards."""
    name = "pl-" + re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:36].strip("-")
    created = sandbox.create_workload(name)
    try:
        yield created
    finally:
        sandbox.clear_faults()
        sandbox.remove_workload(name)
