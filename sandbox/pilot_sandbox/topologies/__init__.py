"""The systems that the suite recovers, one file each."""

from .payments import PAYMENTS
from .pilot_light import PILOT_LIGHT
from .topology import Topology
from .warm_standby import WARM_STANDBY

TOPOLOGIES: dict[str, Topology] = {topology.name: topology for topology in (PILOT_LIGHT, PAYMENTS, WARM_STANDBY)}

__all__ = ["PAYMENTS", "PILOT_LIGHT", "TOPOLOGIES", "WARM_STANDBY", "Topology"]
