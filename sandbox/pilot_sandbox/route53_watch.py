"""Keeps the DNS server and the health checkers in step with the emulated Route 53, by asking its API."""

import asyncio
import logging

from botocore.exceptions import BotoCoreError, ClientError

from .aws_clients import AwsClients
from .dns import DnsServer
from .dns_answers import RecordSet, Zones
from .health_checkers import HealthCheckers

_INTERVAL_SECONDS = 0.5
# Route 53 is global; its API lives in this Region.
_ROUTE53_REGION = "us-east-1"

_log = logging.getLogger(__name__)


def read_route53(clients: AwsClients) -> tuple[Zones, dict[str, dict]]:
    """Read every hosted zone's records and every health check's configuration."""
    route53 = clients.client("route53", _ROUTE53_REGION)
    zones = Zones()
    for page in route53.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            records = zones.records.setdefault(zone["Name"].lower(), [])
            for record_page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"]):
                records.extend(map(RecordSet.from_api, record_page["ResourceRecordSets"]))
    checks = {
        check["Id"]: check["HealthCheckConfig"]
        for page in route53.get_paginator("list_health_checks").paginate()
        for check in page["HealthChecks"]
    }
    return zones, checks


async def watch_route53(clients: AwsClients, dns: DnsServer, checkers: HealthCheckers) -> None:
    """Poll until cancelled; while Route 53's API does not answer, DNS and checkers go on with what they know."""
    while True:
        try:
            zones, checks = await asyncio.to_thread(read_route53, clients)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("route 53 could not be read, answering from the last known zones: %s", error)
        else:
            dns.zones = zones
            checkers.update(checks)
        await asyncio.sleep(_INTERVAL_SECONDS)
