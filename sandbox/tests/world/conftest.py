"""What the tests of the world share: a data folder that the databases' user can reach, and children that are ended."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pilot_sandbox.children import Child
from pilot_sandbox.janitor import FOLDER_PREFIX
from pilot_sandbox.postgres_binaries import locate
from pilot_sandbox.postgres_pair import PostgresPair

# pytest imports these files without making a package of them, so the modules beside this one need a path.
sys.path.insert(0, str(Path(__file__).parent))

from whole_sandbox import Sandbox


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A folder like a sandbox's own: pytest's tmp_path is closed to the databases' user."""
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def pair(data_folder: Path) -> AsyncIterator[PostgresPair]:
    """A primary and its standby, streaming."""
    children: list[Child] = []
    made = PostgresPair("pl-test", data_folder / "pair", locate(data_folder), data_folder, children.append)
    await made.create()
    yield made
    await made.close()
    assert not [child.name for child in children if child.running]


@pytest.fixture(scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One whole sandbox for all tests of a file."""
    made = Sandbox()
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGTERM)
    if not request.session.testsfailed:  # the logs are of interest only where something failed
        shutil.rmtree(made.paths.folder, ignore_errors=True)
