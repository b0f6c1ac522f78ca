"""CloudWatch metrics that real AWS, or a real canary, would publish: replication lag and what users see."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from .workload.running import RunningWorkload
    from .world import World

_TICK_SECONDS = 1.0
_LAG_EVERY_TICKS = 2
_CANARY_EVERY_TICKS = 5
_GAUGES_EVERY_TICKS = 5
CANARY_NAMESPACE = "PilotLight/Canary"
CANARY_METRIC = "Failures"

_log = logging.getLogger(__name__)


async def publish_metrics(world: "World") -> None:
    """Publish until cancelled."""
    tick = 0
    while True:
        started = time.monotonic()
        tick += 1
        for workload in list(world.workloads.values()):
            if tick % _LAG_EVERY_TICKS == 0:
                await _publish_lag(world, workload)
            if tick % _CANARY_EVERY_TICKS == 0 and workload.client_running:
                await _put(world, world.topology.regions.recovery, CANARY_NAMESPACE, _canary(workload))
            if tick % _GAUGES_EVERY_TICKS == 0:
                await _publish_gauges(world, workload)
        await asyncio.sleep(max(0.0, started + _TICK_SECONDS - time.monotonic()))


def _canary(workload: "RunningWorkload") -> dict:
    return {
        "MetricName": CANARY_METRIC,
        "Value": workload.client.take_failures(),
        "Unit": "Count",
        "Dimensions": [{"Name": "Workload", "Value": workload.names.workload}],
    }


async def _publish_lag(world: "World", workload: "RunningWorkload") -> None:
    """Of every standby, in its own Region: what is no replica has no such metric."""
    for region in workload.names.regions:
        for identifier, server in workload.pair.in_region(region).items():
            observed_at = datetime.now(UTC)
            observed = await server.observe()
            if observed.role != "standby" or workload.is_cut_off(region):
                continue
            for datum in workload.lag_metrics(identifier, observed):
                # As of when it was looked at: a point that is dated later would promise more than anybody has seen.
                published = await _put(world, region, "AWS/RDS", {**datum, "Timestamp": observed_at})
                if published and datum["Value"] >= 0 and workload.client_running:
                    workload.lag_points += 1


async def _publish_gauges(world: "World", workload: "RunningWorkload") -> None:
    for gauge in workload.gauges:
        if not workload.is_cut_off(gauge.region):
            await _put(world, gauge.region, gauge.namespace, gauge.datum(workload.instances[gauge.region]))


async def _put(world: "World", region: str, namespace: str, datum: dict) -> bool:
    cloudwatch = world.clients.client("cloudwatch", region)
    try:
        await asyncio.to_thread(cloudwatch.put_metric_data, Namespace=namespace, MetricData=[datum])
    except (BotoCoreError, ClientError, OSError) as error:
        _log.warning("%s %s was not published: %s", namespace, datum["MetricName"], error)
        return False
    return True
