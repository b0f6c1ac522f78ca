"""What a promoted database is set to, in whichever Region: its parameter groups and its security group."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, unless
from .doors import PrimaryDoors, database_group, remove_database_group, seed_database_group

_GONE = ("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault")


@dataclass(frozen=True)
class PromotedSettings:
    """Makes the groups; see `Part`."""

    #: The parameter groups' family, which is of the database's engine and version.
    family: str
    #: Whether the database is a cluster, which has a parameter group besides that of its instances.
    cluster: bool = False

    def seed(self, clients: AwsClients, context: SeedContext, doors: PrimaryDoors) -> None:
        """Create the parameter groups in both Regions, and the recovery Region's security group."""
        names = context.names
        for region in context.regions:
            rds = clients.client("rds", region)
            with unless("DBParameterGroupAlreadyExists"):
                rds.create_db_parameter_group(
                    DBParameterGroupName=names.parameter_group,
                    DBParameterGroupFamily=self.family,
                    Description=f"instances of {names.workload}",
                )
            if self.cluster:
                with unless("DBParameterGroupAlreadyExists"):
                    rds.create_db_cluster_parameter_group(
                        DBClusterParameterGroupName=names.cluster_parameter_group,
                        DBParameterGroupFamily=self.family,
                        Description=f"clusters of {names.workload}",
                    )
        seed_database_group(clients, names, context.regions.recovery)

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: groups are there at once."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the groups, of the databases' still: the emulator does not ask who has one."""
        names = context.names
        for region in context.regions:
            rds = clients.client("rds", region)
            with unless(*_GONE):
                rds.delete_db_parameter_group(DBParameterGroupName=names.parameter_group)
            if self.cluster:
                with unless(*_GONE):
                    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName=names.cluster_parameter_group)
        remove_database_group(clients, names, context.regions.recovery)


def recovery_database_group(clients: AwsClients, names: Names) -> dict[str, str]:
    """The recovery Region's security group, in place of the published plans' value; see `Topology.looked_up`."""
    return {"sg-0a1b2c3d4e5f60005": database_group(clients, names, names.regions.recovery)}
