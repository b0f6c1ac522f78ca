"""Route 53: the hosted zone with a simple record that leads users to the primary, until somebody changes it."""

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext
from .doors import PrimaryDoors
from .hosted_zone import load_balancer_records, put_records, record, remove_zone, route53_client, seed_zone, zone_id


class SimpleRecords:
    """Makes zone and records; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create everything that leads users to the workload."""
        names, route53 = context.names, route53_client(clients)
        users = record(names.shop, "CNAME", names.load_balancer(context.regions.primary))
        put_records(
            route53, seed_zone(route53, names), [users, *load_balancer_records(names, context.load_balancer_ports)]
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: the world waits until the primary is served under its name."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the records and the zone."""
        remove_zone(route53_client(clients), context.names)


def hosted_zone(clients: AwsClients, names: Names) -> str:
    """The zone's id as a plan has it, without `/hostedzone/`."""
    found = zone_id(route53_client(clients), names)
    assert found is not None, "nobody asks before it was seeded"
    return found.rsplit("/", 1)[-1]
