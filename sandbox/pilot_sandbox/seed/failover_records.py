"""Route 53: the hosted zone with its failover record pair, and the health checks that decide between the two.

The primary's check is inverted and watches the STOP object: traffic moves when that object is put, and never by itself.
"""

from ..aws_clients import AwsClients
from ..naming import Names
from .context import SeedContext, unless
from .doors import PrimaryDoors

_ROUTE53_REGION = "us-east-1"
_RECORD_TTL_SECONDS = 5


class FailoverRecords:
    """Makes zone, checks and records; see `Part`."""

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create everything that leads users to the workload."""
        names, route53 = context.names, clients.client("route53", _ROUTE53_REGION)
        zone_id = (
            _zone_id(route53, names)
            or route53.create_hosted_zone(Name=names.zone, CallerReference=f"{names.workload}-zone")["HostedZone"]["Id"]
        )
        recovery = context.regions.recovery
        if "StopBucketName" not in context.outputs:  # without a deployed stack the switch gets a bucket of its own
            with unless("BucketAlreadyOwnedByYou"):
                clients.client("s3", recovery).create_bucket(
                    Bucket=context.stop_bucket, CreateBucketConfiguration={"LocationConstraint": recovery}
                )
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
        changes = [
            {"Action": "UPSERT", "ResourceRecordSet": record}
            for record in _records(names, context.load_balancer_ports, checks)
        ]
        route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Nothing: the world waits until the primary is served under its name."""

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete the STOP object, the records with their checks, and the zone."""
        clients.client("s3", context.regions.recovery).delete_object(
            Bucket=context.stop_bucket, Key=context.names.stop_key
        )
        names, route53 = context.names, clients.client("route53", _ROUTE53_REGION)
        zone_id = _zone_id(route53, names)
        if zone_id is None:
            return
        records = route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
        own = [record for record in records if record["Type"] not in ("SOA", "NS")]
        if own:
            changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in own]
            route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        for check_id in {record["HealthCheckId"] for record in own if "HealthCheckId" in record}:
            route53.delete_health_check(HealthCheckId=check_id)
        route53.delete_hosted_zone(Id=zone_id)


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
    def record(name: str, kind: str, value: str, **more: str) -> dict:
        return {"Name": name, "Type": kind, "TTL": _RECORD_TTL_SECONDS, "ResourceRecords": [{"Value": value}], **more}

    records = [record(names.api, "CNAME", names.load_balancer(names.regions.primary))]
    for region, failover in zip(names.regions, ("PRIMARY", "SECONDARY"), strict=True):
        target, role = names.load_balancer(region), names.role(region)
        records += [
            record(names.shop, "CNAME", target, SetIdentifier=role, Failover=failover, HealthCheckId=checks[role]),
            record(target, "A", "127.0.0.1"),
            # Both Regions live on 127.0.0.1, so it is the port that tells them apart.
            record(f"_http._tcp.{target}", "SRV", f"1 1 {ports[region]} {target}"),
        ]
    return records


def _zone_id(route53, names: Names) -> str | None:
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            if zone["Name"] == names.zone:
                return zone["Id"]
    return None
