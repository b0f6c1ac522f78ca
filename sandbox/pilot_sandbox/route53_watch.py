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
_CLUSTER_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")

_log = logging.getLogger(__name__)


def read_route53(clients: AwsClients) -> tuple[Zones, dict[str, dict], dict[str, str]]:
    """Read every hosted zone's records, every health check's configuration, and the routing controls they follow."""
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
    followed = [config["RoutingControlArn"] for config in checks.values() if config.get("RoutingControlArn")]
    return zones, checks, read_control_states(clients) if followed else {}


def read_control_states(clients: AwsClients) -> dict[str, str]:
    """The state of every routing control, by its ARN.

    Route 53's data plane has them from the cluster itself, whichever of the endpoints is out of order for callers.
    """
    for region in _CLUSTER_REGIONS:
        client = clients.client("route53-recovery-cluster", region)
        try:
            pages = client.get_paginator("list_routing_controls").paginate()
            controls = [control for page in pages for control in page["RoutingControls"]]
        except client.exceptions.EndpointTemporarilyUnavailableException:
            continue
        return {control["RoutingControlArn"]: control["RoutingControlState"] for control in controls}
    raise OSError("no endpoint of the routing control cluster is available")


async def watch_route53(clients: AwsClients, dns: DnsServer, checkers: HealthCheckers) -> None:
    """Poll until cancelled; while Route 53's API does not answer, DNS and checkers go on with what they know."""
    while True:
        try:
            zones, checks, control_states = await asyncio.to_thread(read_route53, clients)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("route 53 could not be read, answering from the last known zones: %s", error)
        else:
            dns.zones = zones
            checkers.update(checks, control_states)
        await asyncio.sleep(_INTERVAL_SECONDS)
