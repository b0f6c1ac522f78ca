"""RDS: Aurora moves the writer of a cluster by itself when the writer's server is down and a reader is available.

On AWS that takes about half a minute, often less (Aurora User Guide, "High availability for Amazon Aurora"). Here it is
off, so that what a recovery run does can be seen, unless `POST /delays {"automaticFailoverSeconds": 5}` says after how
many seconds it happens.
"""

from __future__ import annotations

import logging
import threading
import time

from ministack.core.responses import request_scope
from ministack.services import rds

from .aurora_records import live_server
from .aurora_writer import WriterShim
from .world_hooks import World

logger = logging.getLogger("pilot.aurora")

_TICK_SECONDS = 0.5
_DELAY = "automaticFailoverSeconds"


class AutomaticFailover:
    """Looks at every cluster that has a reader, in the background."""

    def __init__(self, world: World, writers: WriterShim) -> None:
        self._world = world
        self._writers = writers
        #: Since when, of the monotonic clock, a cluster's server is seen down, by the cluster's ARN.
        self._down_since: dict[str, float] = {}

    def start(self) -> None:
        """Start the background loop."""
        if self._world.exists:
            threading.Thread(target=self._loop, name="pilot-aurora-failover", daemon=True).start()

    def _loop(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            delay_seconds = self._world.delay_seconds(_DELAY)
            if delay_seconds <= 0:
                self._down_since.clear()
                continue
            for (account_id, region, _), cluster in list(rds._clusters._data.items()):
                try:
                    with request_scope(account_id, region):
                        self._look(cluster, delay_seconds)
                except Exception:
                    # One cluster's trouble must not keep the others where they are; the next tick tries again.
                    logger.exception("the writer of %s could not be watched", cluster["DBClusterIdentifier"])

    def _look(self, cluster: dict, delay_seconds: float) -> None:
        arn = cluster["DBClusterArn"]
        live = live_server(self._world, cluster) if len(cluster["DBClusterMembers"]) > 1 else None
        if live is None or live["running"] or cluster["Status"] != "available":
            self._down_since.pop(arn, None)
            return
        down_since = self._down_since.setdefault(arn, time.monotonic())
        if time.monotonic() - down_since >= delay_seconds:
            # Refused while no reader is available: it is tried again at the next look.
            self._writers.failover({"DBClusterIdentifier": [cluster["DBClusterIdentifier"]]})
