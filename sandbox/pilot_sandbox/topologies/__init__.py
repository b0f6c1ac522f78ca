"""The systems that the suite recovers, one file each."""

from .backup_restore import BACKUP_RESTORE
from .payments import PAYMENTS
from .pilot_light import PILOT_LIGHT
from .single_region import SINGLE_REGION
from .topology import Topology
from .warm_standby import WARM_STANDBY

TOPOLOGIES: dict[str, Topology] = {
    topology.name: topology for topology in (PILOT_LIGHT, PAYMENTS, SINGLE_REGION, BACKUP_RESTORE, WARM_STANDBY)
}

__all__ = ["BACKUP_RESTORE", "PAYMENTS", "PILOT_LIGHT", "SINGLE_REGION", "TOPOLOGIES", "WARM_STANDBY", "Topology"]
