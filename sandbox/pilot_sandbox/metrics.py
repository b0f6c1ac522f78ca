"""CloudWatch metrics that real AWS, or a real canary, would publish: replication lag and what users see."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from .workload.running import RunningWorkload
    from .world import World

_TICK_SECONDS = 1.0
_LAG_EVERY_TICKS = 2
_CANARY_EVERY_TICKS = 5
_RDS_NAMESPACE = "AWS/RDS"
CANARY_NAMESPACE = "PilotLight/Canary"
CANARY_METRIC = "Failures"

_log = logging.getLogger(__name__)


async def publish_metrics(world: "World") -> None:
    """Publish until cancelled."""
    tick = 0
    while True:
        started = time.monotonic()
        tick += 1
        for name, workload in list(world.workloads.items()):
            data: list[tuple[str, dict]] = []
            if tick % _LAG_EVERY_TICKS == 0:
                data += [(_RDS_NAMESPACE, datum) for datum in await _replication_lag(workload)]
            if tick % _CANARY_EVERY_TICKS == 0 and workload.client_running:
                data.append(
                    (
                        CANARY_NAMESPACE,
                        {
                            "MetricName": CANARY_METRIC,
                            "Value": workload.client.take_failures(),
                            "Unit": "Count",
                            "Dimensions": [{"Name": "Workload", "Value": name}],
                        },
                    )
                )
            for namespace, datum in data:
                published = await _put(world, namespace, datum)
                if published and namespace == _RDS_NAMESPACE and datum["Value"] >= 0 and workload.client_running:
                    workload.lag_points += 1
        await asyncio.sleep(max(0.0, started + _TICK_SECONDS - time.monotonic()))


async def _replication_lag(workload: "RunningWorkload") -> list[dict]:
    observed = await workload.pair.recovery.observe()
    if observed.role != "standby":
        return []  # what is no replica has no such metric
    return workload.lag_metrics(observed.lag_seconds)


async def _put(world: "World", namespace: str, datum: dict) -> bool:
    cloudwatch = world.clients.client("cloudwatch", world.topology.regions.recovery)
    try:
        await asyncio.to_thread(cloudwatch.put_metric_data, Namespace=namespace, MetricData=[datum])
    except (BotoCoreError, ClientError, OSError) as error:
        _log.warning("%s %s was not published: %s", namespace, datum["MetricName"], error)
        return False
    return True
