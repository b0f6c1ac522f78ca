"""Route 53: a workload's hosted zone, the names of its load balancers in it, and how all of it is removed."""

from ..aws_clients import AwsClients
from ..naming import Names

_ROUTE53_REGION = "us-east-1"
_RECORD_TTL_SECONDS = 5
# Below what Route 53 takes in one batch (1,000 records, 32,000 characters), whatever a test wrote into the zone.
_BATCH_RECORDS_MAX = 300


def route53_client(clients: AwsClients):
    """Route 53 has one control plane for the world."""
    return clients.client("route53", _ROUTE53_REGION)


def seed_zone(route53, names: Names) -> str:
    """Create the zone, if it is not there; returns its id."""
    found = zone_id(route53, names)
    if found is not None:
        return found
    return route53.create_hosted_zone(Name=names.zone, CallerReference=f"{names.workload}-zone")["HostedZone"]["Id"]


def zone_id(route53, names: Names) -> str | None:
    """The zone's id as the API gives it (`/hostedzone/Z...`); None when there is none."""
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            if zone["Name"] == names.zone:
                return zone["Id"]
    return None


def record(name: str, kind: str, value: str, **more: str) -> dict:
    """A record with one value and a short time to live."""
    return {"Name": name, "Type": kind, "TTL": _RECORD_TTL_SECONDS, "ResourceRecords": [{"Value": value}], **more}


def load_balancer_records(names: Names, ports: dict[str, int]) -> list[dict]:
    """Where each Region's load balancer is."""
    records = []
    for region, port in ports.items():
        target = names.load_balancer(region)
        records += [
            record(target, "A", "127.0.0.1"),
            # Both Regions live on 127.0.0.1, so it is the port that tells them apart.
            record(f"_http._tcp.{target}", "SRV", f"1 1 {port} {target}"),
        ]
    return records


def put_records(route53, zone: str, records: list[dict]) -> None:
    """Write records, whether they are there or not."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": each} for each in records]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def remove_zone(route53, names: Names) -> None:
    """Delete the zone with its records and their health checks; what is gone already is fine."""
    zone = zone_id(route53, names)
    if zone is None:
        return
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    own = [each for page in pages for each in page["ResourceRecordSets"] if each["Type"] not in ("SOA", "NS")]
    for begin in range(0, len(own), _BATCH_RECORDS_MAX):
        batch = own[begin : begin + _BATCH_RECORDS_MAX]
        changes = [{"Action": "DELETE", "ResourceRecordSet": each} for each in batch]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    for check_id in {each["HealthCheckId"] for each in own if "HealthCheckId" in each}:
        route53.delete_health_check(HealthCheckId=check_id)
    route53.delete_hosted_zone(Id=zone)
