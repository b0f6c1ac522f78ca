"""One emulator for all tests of this folder, with a small fake world behind it."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# pytest imports these files without making a package of them, so the modules beside this one need a path.
sys.path.insert(0, str(Path(__file__).parent))

from emulator_process import Emulator, start
from fake_world import FakeWorld


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator, started once."""
    world = FakeWorld()
    launched = start(world, tmp_path_factory.mktemp("emulator"))
    yield launched
    launched.process.terminate()
    launched.process.wait(timeout=60)
    world.close()


@pytest.fixture(autouse=True)
def _healthy_world(emulator: Emulator) -> Iterator[None]:
    """Whatever a test makes the world refuse is forgotten after it."""
    yield
    emulator.world.refuse_launch = emulator.world.refuse_promotion = emulator.world.refuse_doors = None
    emulator.world.refuse_follow = emulator.world.refuse_snapshot = None
    emulator.world.refuse_backup = emulator.world.refuse_restore = None
    emulator.world.delays["restoreSeconds"] = 0.5
    emulator.world.databases_may_change.set()
    emulator.world.tasks_may_start.set()


@pytest.fixture
def name() -> str:
    """A name no other test uses."""
    return f"t-{uuid.uuid4().hex[:8]}"
