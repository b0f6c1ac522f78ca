"""Route 53: the hosted zone with its failover record pair, and the health checks that decide between the two.

The primary's check is inverted and watches the STOP object: traffic moves when that object is put, and never by itself.
"""

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, created_in, unless
from .doors import PrimaryDoors
from .hosted_zone import load_balancer_records, put_records, record, remove_zone, route53_client, seed_zone


class FailoverRecords:
    """Makes zone, checks and records; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create everything that leads users to the workload."""
        names, route53 = context.names, route53_client(clients)
        zone_id = seed_zone(route53, names)
        recovery = context.regions.recovery
        if "StopBucketName" not in context.outputs:  # without a deployed stack the switch gets a bucket of its own
            with unless("BucketAlreadyOwnedByYou"):
                clients.client("s3", recovery).create_bucket(Bucket=context.stop_bucket, **created_in(recovery))
        stop_check = _health_check(
            route53,
            f"{names.workload}-stop-{context.emulator_port}",
            context.emulator_port,
            Inverted=True,
            ResourcePath=f"/{context.stop_bucket}/{names.stop_key}",
        )
        recovery_port = context.load_balancer_ports[recovery]
        recovery_check = _health_check(
            route53, f"{names.workload}-recovery-{recovery_port}", recovery_port, ResourcePath="/health"
        )
        checks = {"primary": stop_check, "recovery": recovery_check}
        put_records(route53, zone_id, _records(names, context.load_balancer_ports, checks))

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: the world waits until the primary is served under its name."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the STOP object, the records with their checks, and the zone."""
        clients.client("s3", context.regions.recovery).delete_object(
            Bucket=context.stop_bucket, Key=context.names.stop_key
        )
        remove_zone(route53_client(clients), context.names)


def _health_check(route53, reference: str, port: int, **more: object) -> str:
    config = {
        "Type": "HTTP",
        "IPAddress": "127.0.0.1",
        "Port": port,
        "RequestInterval": 10,
        "FailureThreshold": 1,
        **more,
    }
    return route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)["HealthCheck"]["Id"]


def _records(names: Names, ports: dict[str, int], checks: dict[str, str]) -> list[dict]:
    pair = [
        record(
            names.shop,
            "CNAME",
            names.load_balancer(region),
            SetIdentifier=names.role(region),
            Failover=failover,
            HealthCheckId=checks[names.role(region)],
        )
        for region, failover in zip(names.regions, ("PRIMARY", "SECONDARY"), strict=True)
    ]
    api = record(names.api, "CNAME", names.load_balancer(names.regions.primary))
    return [api, *pair, *load_balancer_records(names, ports)]
