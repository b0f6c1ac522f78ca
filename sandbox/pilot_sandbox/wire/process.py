"""Which process is at the other end of a connection to 127.0.0.1, by the kernel's own tables."""

import os
from contextlib import suppress
from pathlib import Path

_ESTABLISHED = "01"


def peer_pid(peer_port: int, server_port: int) -> int | None:
    """The process that connected from `peer_port` to `server_port`; `None` if it is gone already."""
    inode = _inode(peer_port, server_port)
    return _owner(inode) if inode else None


def _inode(local_port: int, remote_port: int) -> str | None:
    ends = (f":{local_port:04X}", f":{remote_port:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]) and fields[3] == _ESTABLISHED:
            return fields[9]
    return None


def _owner(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it ended while we looked
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) == wanted:
                        return int(process.name)
    return None
