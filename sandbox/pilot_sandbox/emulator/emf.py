"""CloudWatch embedded metric format: metrics that a function prints as JSON log lines."""

from __future__ import annotations

import json
import logging
import time

from ministack.services import cloudwatch, lambda_svc

logger = logging.getLogger("pilot.emf")


def install() -> None:
    """Turn EMF lines among a function's log lines into metrics of the function's Region."""
    emit_logs = lambda_svc._emit_lambda_logs

    def emit_logs_and_metrics(
        func: dict, request_id: str, log_text: str, error: bool, duration_ms: int, *, log_source: str | None = None
    ) -> None:
        emit_logs(func, request_id, log_text, error, duration_ms, log_source=log_source)
        for line in (log_text or "").splitlines():
            record_line(line)

    lambda_svc._emit_lambda_logs = emit_logs_and_metrics


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
            values = value if isinstance(value, list) else [value]
            cloudwatch._store_datum(
                directive["Namespace"],
                metric["Name"],
                dimensions,
                timestamp_seconds,
                metric.get("Unit", "None"),
                None,
                [float(number) for number in values],
                None,
                None,
            )
