"""The emulator ends with the process that started it, and takes the processes that it started along.

PR_SET_PDEATHSIG is not used on purpose: it fires when the *thread* that started the child ends, and both the world
and ministack start processes from threads that come and go. A pidfd of the parent process becomes readable exactly
when the whole parent process ends, however it ended.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import shutil
import threading
from collections.abc import Callable

logger = logging.getLogger("pilot.lifetime")
_ended_too: list[Callable[[], None]] = []


def end_also(end: Callable[[], None]) -> None:
    """Call this too when the function processes are ended, however that comes."""
    _ended_too.append(end)


def end_with_parent() -> None:
    """Exit as soon as the parent process is gone. Call it first: a parent already gone leaves us to init."""
    parent_pid = os.getppid()
    try:
        parent_fd = os.pidfd_open(parent_pid)
    except ProcessLookupError:
        raise SystemExit("the process that started the emulator is already gone; not starting") from None
    if os.getppid() != parent_pid:
        raise SystemExit("the process that started the emulator ended while it started; not starting")

    def wait() -> None:
        select.select([parent_fd], [], [])
        logger.warning("the process that started the emulator (pid %d) is gone; ending", parent_pid)
        end_functions()
        _remove_pid_file()
        os._exit(0)

    threading.Thread(target=wait, name="pilot-parent-watch", daemon=True).start()


def end_functions_at_exit() -> None:
    """Also end the function processes on an ordinary exit, such as SIGTERM."""
    atexit.register(end_functions)


def end_functions() -> None:
    """Kill every Lambda function process and remove its extracted code, and end what `end_also` was told of."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
    for worker in workers:
        process = worker._proc
        if process is not None and process.poll() is None:
            process.kill()
    for end in _ended_too:
        end()
    shutil.rmtree(lambda_svc._PROVIDED_CODE_CACHE, ignore_errors=True)


def _remove_pid_file() -> None:
    # os._exit skips ministack's own cleaning up.
    from ministack import app

    with contextlib.suppress(FileNotFoundError):
        os.remove(app._pid_file(int(os.environ["GATEWAY_PORT"])))
