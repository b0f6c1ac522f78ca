"""What every kind of seeded resource needs to know, and how it waits."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ..naming import Names, Regions

_WAIT_SECONDS = 90.0


class SeedFailed(RuntimeError):
    """A workload's resources could not be created whole."""


@dataclass(frozen=True)
class SeedContext:
    """What the resources of one workload refer to."""

    names: Names
    outputs: dict[str, str]
    emulator_port: int
    load_balancer_ports: dict[str, int]
    database_ports: dict[str, int]
    probe_urls: dict[str, str]
    dns_address: str

    @property
    def regions(self) -> Regions:
        """The workload's pair of Regions."""
        return self.names.regions

    @property
    def stop_bucket(self) -> str:
        """The bucket of the STOP objects: the stack's, or without a stack one of the workload's own."""
        return self.outputs.get("StopBucketName", f"{self.names.workload}-stop")


def created_in(region: str) -> dict:
    """What CreateBucket must be told to create a bucket in this Region; S3 takes no word for us-east-1."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


@contextmanager
def unless(*codes: str):
    """Ignore the AWS errors that say that the wanted state is there already."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def wait(missing: Callable[[], str | None]) -> None:
    """Wait until nothing is missing any more; raises SeedFailed with what still is."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while (what := missing()) is not None:
        if time.monotonic() > deadline:
            raise SeedFailed(f"after {_WAIT_SECONDS:.0f} s {what}; the emulator's log says more")
        time.sleep(0.2)
