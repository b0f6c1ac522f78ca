"""EventBridge: events of `aws.*` sources, and targets reached the way AWS reaches them."""

from __future__ import annotations

import json
import logging

from ministack.services import eventbridge, lambda_svc

logger = logging.getLogger("pilot.events")


def install() -> None:
    """Put the shim in place."""
    _accept_aws_sources()
    eventbridge._dispatch_to_lambda = _invoke_asynchronously


def _accept_aws_sources() -> None:
    # AWS refuses `aws.*` sources from PutEvents because only AWS itself sends them. In the sandbox we are AWS: the
    # world and the tests play AWS Backup, CloudWatch and the others, and have no other way in.
    put_events = eventbridge._put_events

    def put_any_event(data: dict, allow_aws_source: bool = True) -> tuple:
        del allow_aws_source
        return put_events(data, allow_aws_source=True)

    eventbridge._put_events = put_any_event


def _invoke_asynchronously(arn: str, payload: str) -> None:
    """EventBridge invokes a function asynchronously: with retries, and a dead-letter queue when they are used up."""
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        logger.error("event not delivered: target function %s does not exist", name)
        return
    try:
        event = json.loads(payload)
    except ValueError:
        # An InputTransformer that renders plain text is delivered as a JSON string.
        event = payload
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), event)


def send(source: str, detail_type: str, resources: list[str], detail: dict) -> None:
    """Publish an AWS service's own event on the default bus of the current account and Region."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]})
