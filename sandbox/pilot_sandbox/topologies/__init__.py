"""The systems that the suite recovers, one file each."""

from .pilot_light import PILOT_LIGHT
from .topology import Topology

TOPOLOGIES: dict[str, Topology] = {topology.name: topology for topology in (PILOT_LIGHT,)}

__all__ = ["PILOT_LIGHT", "TOPOLOGIES", "Topology"]
