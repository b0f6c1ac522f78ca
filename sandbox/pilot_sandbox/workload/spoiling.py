"""Spoils a workload's data as a bad release does: nothing is down, and every copy is as wrong as the first."""

import asyncio

from ..aws_clients import AwsClients
from ..seed.table import spoil
from ..topologies import Topology
from .running import RunningWorkload

# First the orders are made wrong, then what is left of them is thrown away.
_STATEMENTS = ("UPDATE orders SET number = -id, region = 'nowhere'", "DROP TABLE orders")


async def spoil_data(workload: RunningWorkload, topology: Topology, clients: AwsClients) -> None:
    """Spoil the primary Region's database, and its DynamoDB table where there is one."""
    for statement in _STATEMENTS:
        await workload.pair.primary.database.query(statement)
    if topology.table is not None:
        await asyncio.to_thread(spoil, clients, workload.names)
