"""A Lambda function that is the application, and what of its configuration decides how it runs."""

import io
import zipfile
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

#: Names of the function's environment variables: the cluster and the table that it works on.
DATABASE_VARIABLE, TABLE_VARIABLE = "DATABASE_CLUSTER", "CARTS_TABLE"
# The endpoint does not invoke it: behind the door, processes of this machine stand for its execution environments.
_CODE = "def handler(event, context):\n    raise NotImplementedError('the sandbox runs the application itself')\n"


@dataclass(frozen=True)
class Configuration:
    """How the function runs now."""

    #: None: as many executions at once as the account has left.
    reserved_concurrency: int | None
    #: The identifier of its Aurora cluster.
    cluster: str
    #: The name of its DynamoDB table.
    table: str


@dataclass(frozen=True)
class Function:
    """Makes the function in the primary Region; see `Part`."""

    reserved_concurrency: int

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create the function, configured for the primary Region's cluster and table."""
        names, functions = context.names, clients.client("lambda", context.regions.primary)
        with unless("ResourceConflictException"):
            functions.create_function(
                FunctionName=names.function,
                Runtime="python3.12",
                Handler="index.handler",
                Role=names.role_arn("api"),
                Code={"ZipFile": _archive()},
                Environment={
                    "Variables": {
                        DATABASE_VARIABLE: names.cluster(context.regions.primary),
                        TABLE_VARIABLE: names.table,
                    }
                },
            )
        functions.put_function_concurrency(
            FunctionName=names.function, ReservedConcurrentExecutions=self.reserved_concurrency
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait until the function is active."""
        functions, name = clients.client("lambda", context.regions.primary), context.names.function

        def active() -> str | None:
            state = functions.get_function_configuration(FunctionName=name)["State"]
            return None if state == "Active" else f"function {name} is {state}"

        wait(active)

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the function."""
        with unless("ResourceNotFoundException"):
            clients.client("lambda", context.regions.primary).delete_function(FunctionName=context.names.function)


def configuration(clients: AwsClients, names: Names) -> Configuration | None:
    """How the function is configured now; None when there is none."""
    functions = clients.client("lambda", names.regions.primary)
    try:
        found = functions.get_function(FunctionName=names.function)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    variables = found["Configuration"].get("Environment", {}).get("Variables", {})
    return Configuration(
        reserved_concurrency=found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        cluster=variables.get(DATABASE_VARIABLE, ""),
        table=variables.get(TABLE_VARIABLE, ""),
    )


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("index.py", _CODE)
    return made.getvalue()
