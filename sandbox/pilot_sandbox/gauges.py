"""Metrics that AWS takes of a workload's tasks and targets: what each is called, and how it is counted here."""

from collections.abc import Callable
from dataclasses import dataclass

from .workload.instances import Instances


@dataclass(frozen=True)
class Gauge:
    """One metric of one Region."""

    region: str
    namespace: str
    name: str
    dimensions: list[dict]
    count: Callable[[Instances], int]

    def datum(self, instances: Instances) -> dict:
        """The metric now, as `PutMetricData` takes it."""
        return {
            "MetricName": self.name,
            "Value": self.count(instances),
            "Unit": "Count",
            "Dimensions": self.dimensions,
        }


def running(instances: Instances) -> int:
    """Tasks that ECS says are running, whatever became of what is in them."""
    return len(instances.launched)


def unhealthy(instances: Instances) -> int:
    """Tasks whose application does not run."""
    return len(instances.launched) - len(instances.live_ports())
