"""Seeds and removes a workload as its topology describes it."""

from ..aws_clients import AwsClients
from ..plan_for import plan_for
from ..topologies.topology import Topology
from .context import SeedContext
from .doors import PrimaryDoors, remove_doors, seed_doors


def seed_workload(clients: AwsClients, context: SeedContext, topology: Topology) -> None:
    """Create everything; raises SeedFailed with the resource that did not come up."""
    doors = seed_doors(clients, context.names)
    for part in topology.parts:
        part.seed(clients, context, doors)
    _put_plan(clients, context, topology, doors)
    for part in topology.parts:
        part.settle(clients, context)


def _put_plan(clients: AwsClients, context: SeedContext, topology: Topology, doors: PrimaryDoors) -> None:
    bucket = context.outputs.get("ArtifactsBucketName")
    if bucket is None:
        return  # nothing is deployed that could read a plan
    s3, looked_up = clients.client("s3", context.regions.recovery), topology.looked_up(clients, context.names)
    for ending in ("", *topology.more_plans):
        plan = plan_for(topology, context, doors, looked_up, ending)
        s3.put_object(
            Bucket=bucket, Key=context.names.plan_key(ending), Body=plan.encode(), ContentType="application/yaml"
        )


def remove_workload(clients: AwsClients, context: SeedContext, topology: Topology) -> None:
    """Delete what seeding created; what is gone already is fine."""
    for part in reversed(topology.parts):
        part.remove(clients, context)
    # Last of the primary's: on AWS a security group can only be deleted when nothing has it any more.
    remove_doors(clients, context.names)
    if (bucket := context.outputs.get("ArtifactsBucketName")) is not None:
        s3 = clients.client("s3", context.regions.recovery)
        for ending in ("", *topology.more_plans):
            s3.delete_object(Bucket=bucket, Key=context.names.plan_key(ending))
