"""One function's process under qemu."""

import os
import subprocess
from pathlib import Path
from types import TracebackType

from .deployed import Function

_END_SECONDS = 5


class QemuProcess:
    """Runs a function's binary, logs into a file, and ends with the `with` block."""

    def __init__(self, qemu: str, function: Function, address: str, log_file: Path) -> None:
        self._log_file = log_file
        log_file.parent.mkdir(parents=True, exist_ok=True)
        environment = {
            **function.environment,
            # What Lambda itself would set.
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/qemu",
            "AWS_LAMBDA_LOG_STREAM_NAME": "qemu",
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_REGION": "ap-southeast-1",
            "AWS_ACCESS_KEY_ID": "qemu",
            "AWS_SECRET_ACCESS_KEY": "qemu",
            # Where the stand-in for AWS listens; nothing may leave this machine.
            "AWS_ENDPOINT_URL": f"http://{address}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PATH": os.environ["PATH"],
        }
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [qemu, str(function.binary)], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self) -> "QemuProcess":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def exit_code(self) -> int | None:
        """The exit code, once it has ended by itself."""
        return self._process.poll()

    def last_lines(self, count: int) -> str:
        """The end of its log."""
        lines = self._log_file.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"        | {line}" for line in lines)
