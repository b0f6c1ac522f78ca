"""The owner's own infrastructure code: leads a Lambda function over to a restored cluster and a restored table.

Run by CodeBuild. It may be started before both are there, so it waits for them; run again, it changes nothing. Its
environment: FUNCTION; CLUSTER and TABLE, the identifiers of what was restored; POLL_SECONDS, how often to look.
"""

import os
import time

import boto3
from botocore.exceptions import ClientError

FUNCTION, CLUSTER, TABLE = (os.environ[name] for name in ("FUNCTION", "CLUSTER", "TABLE"))
POLL_SECONDS = float(os.environ["POLL_SECONDS"])


def cluster_serves() -> bool:
    """Whether the cluster and its writer are available."""
    rds = boto3.client("rds")
    try:
        [cluster] = rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "DBClusterNotFoundFault":
            raise
        return False
    instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [CLUSTER]}])["DBInstances"]
    available = {each["DBInstanceIdentifier"] for each in instances if each["DBInstanceStatus"] == "available"}
    writers = {each["DBInstanceIdentifier"] for each in cluster["DBClusterMembers"] if each["IsClusterWriter"]}
    return cluster["Status"] == "available" and bool(writers & available)


def table_serves() -> bool:
    """Whether the table is active."""
    try:
        table = boto3.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    return table["TableStatus"] == "ACTIVE"


def lead_over() -> None:
    """Change the function's configuration, and leave the rest of it as it is."""
    functions = boto3.client("lambda")
    variables = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=FUNCTION,
        Environment={"Variables": {**variables, "DATABASE_CLUSTER": CLUSTER, "CARTS_TABLE": TABLE}},
    )


def updated() -> bool:
    """Whether the change is through."""
    found = boto3.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    if found["LastUpdateStatus"] == "Failed":
        raise SystemExit(f"function {FUNCTION} was not updated: {found.get('LastUpdateStatusReason')}")
    return found["LastUpdateStatus"] == "Successful"


def wait(what: str, done) -> None:
    """However long it takes: the build's own time limit ends a wait that is in vain."""
    print(f"waiting for {what}", flush=True)
    while not done():
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    wait(f"cluster {CLUSTER}", cluster_serves)
    wait(f"table {TABLE}", table_serves)
    lead_over()
    wait(f"function {FUNCTION}", updated)
    print(f"function {FUNCTION} works on {CLUSTER} and {TABLE}", flush=True)
