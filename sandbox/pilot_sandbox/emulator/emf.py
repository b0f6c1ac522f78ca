"""CloudWatch embedded metric format: metrics that a function prints as JSON log lines.

Lines are read as they leave the function's process, so that a metric counts even when the function is killed in the
middle of an invocation, or answers before its last line has arrived.
"""

from __future__ import annotations

import json
import logging
import queue
import time
from typing import BinaryIO

from ministack.core import lambda_runtime
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

logger = logging.getLogger("pilot.emf")


def install() -> None:
    """Turn EMF lines that functions print into metrics of the function's Region."""
    pump_output = lambda_runtime.ProvidedWorker._pump_output

    def pump(worker: lambda_runtime.ProvidedWorker, stream: BinaryIO, log_queue: queue.Queue) -> None:
        _, _, _, region, account_id, *_ = worker.config["FunctionArn"].split(":")
        pump_output(worker, stream, _ReadingQueue(log_queue, account_id, region))

    lambda_runtime.ProvidedWorker._pump_output = pump


class _ReadingQueue:
    """A function's log queue that looks at each line on its way in."""

    def __init__(self, lines: queue.Queue, account_id: str, region: str) -> None:
        self._lines = lines
        self._account_id = account_id
        self._region = region

    def put_nowait(self, line: str) -> None:
        """Queue a line for the log, and record the metrics it carries."""
        self._lines.put_nowait(line)
        with request_scope(self._account_id, self._region):
            record_line(line)

    def get_nowait(self) -> str:
        """Drop the oldest line, which ministack does when the queue is full."""
        return self._lines.get_nowait()


def record_line(line: str) -> None:
    """Record the metrics of one log line; CloudWatch ignores a line that is no valid EMF, and so do we, but audibly."""
    if not line.startswith("{") or '"_aws"' not in line:
        return
    try:
        document = json.loads(line)
        metadata = document["_aws"]
        timestamp_seconds = metadata.get("Timestamp", time.time() * 1000) / 1000
        for directive in metadata.get("CloudWatchMetrics", []):
            _record_directive(document, directive, timestamp_seconds)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        logger.error("log line looks like embedded metric format but is not (%s): %s", error, line)


def _record_directive(document: dict, directive: dict, timestamp_seconds: float) -> None:
    for names in directive.get("Dimensions") or [[]]:
        dimensions = {name: str(document[name]) for name in names}
        for metric in directive["Metrics"]:
            value = document.get(metric["Name"])
            if value is None:
                continue
            values = [float(number) for number in (value if isinstance(value, list) else [value])]
            unit = metric.get("Unit", "None")
            cloudwatch._store_datum(
                directive["Namespace"], metric["Name"], dimensions, timestamp_seconds, unit, None, values, None, None
            )
