"""Where things are in the checkout, and where a sandbox leaves its files."""

from dataclasses import dataclass
from pathlib import Path

from .naming import check_name

DEFAULT_SANDBOX = "pilot-light"
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE_FOLDER.parent
OUT = REPOSITORY / "out"


@dataclass(frozen=True)
class SandboxPaths:
    """Files of one sandbox; everything here is generated."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def folder(self) -> Path:
        """Logs, stage folder and, for other than the default sandbox, its description."""
        return OUT / self.name

    @property
    def description(self) -> Path:
        """The contract for any client: sandbox.json."""
        return (OUT if self.name == DEFAULT_SANDBOX else self.folder) / "sandbox.json"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.folder / "logs"

    @property
    def stage(self) -> Path:
        """What `sam deploy` runs in."""
        return self.folder / "stage"

    @property
    def own_log(self) -> Path:
        """What a detached sandbox prints."""
        return self.folder / "sandbox.log"
