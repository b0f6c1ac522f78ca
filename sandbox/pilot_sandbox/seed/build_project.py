"""A CodeBuild project in the recovery Region that runs the owner's own infrastructure code, and the code's bucket."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, created_in, unless
from .doors import PrimaryDoors

_INFRASTRUCTURE = Path(__file__).resolve().parent.parent / "infrastructure"
_GONE = ("NoSuchBucket", "NoSuchKey", "404")


@dataclass(frozen=True)
class BuildProject:
    """Makes the project; see `Part`."""

    #: How the project's name ends.
    of: str
    #: The folder of the code, under `infrastructure`.
    folder: str
    #: What the code is told.
    variables: Callable[[Names], Mapping[str, str]]

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Upload the code and create the project."""
        names, region = context.names, context.regions.recovery
        s3, codebuild = clients.client("s3", region), clients.client("codebuild", region)
        bucket = names.build_source_bucket
        with unless("BucketAlreadyOwnedByYou"):
            s3.create_bucket(Bucket=bucket, **created_in(region))
        s3.put_object(Bucket=bucket, Key=self._key, Body=_archive(_INFRASTRUCTURE / self.folder))
        variables = {**self.variables(names), "POLL_SECONDS": "0.5"}
        with unless("ResourceAlreadyExistsException"):
            codebuild.create_project(
                name=names.build_project(self.of),
                source={"type": "S3", "location": f"{bucket}/{self._key}"},
                artifacts={"type": "NO_ARTIFACTS"},
                environment={
                    "type": "LINUX_CONTAINER",
                    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                    "computeType": "BUILD_GENERAL1_SMALL",
                    "environmentVariables": [
                        {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
                    ],
                },
                serviceRole=names.role_arn("infrastructure"),
            )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: a project is there at once."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the project and its code."""
        names, region = context.names, context.regions.recovery
        clients.client("codebuild", region).delete_project(name=names.build_project(self.of))
        s3 = clients.client("s3", region)
        with unless(*_GONE):
            s3.delete_object(Bucket=names.build_source_bucket, Key=self._key)
        with unless(*_GONE):
            s3.delete_bucket(Bucket=names.build_source_bucket)

    @property
    def _key(self) -> str:
        return f"{self.folder}.zip"


def _archive(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(folder.iterdir()):
            if file.is_file():
                archive.write(file, file.name)
    return made.getvalue()
