"""The notifications of one workload, as a mailbox sees them."""

import json
import time

from .stack import Stack

_PAGE_SECONDS_MAX = 60
_POLL_SECONDS = 0.3
#: How a run is gone on with, by the AWS CLI: a part of the input.
_GOES_ON = '"resume":'


class Pages:
    """A queue behind the notifications topic."""

    def __init__(self, stack: Stack, workload: str) -> None:
        self._workload = workload
        self._sqs = stack.aws("sqs")
        self._sns = stack.aws("sns")
        self._queue = self._sqs.create_queue(QueueName=f"{workload}-pages")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        self._subscription = self._sns.subscribe(
            TopicArn=stack.outputs["NotificationsTopicArn"],
            Protocol="sqs",
            Endpoint=attributes["QueueArn"],
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]

    def with_next_command(self) -> str | None:
        """The page of this workload that says how a stuck run goes on; `None` if none comes.

        A run that recovered and could not be closed told people before that it recovered, with the way home as the
        next command: that is no page.
        """
        deadline = time.monotonic() + _PAGE_SECONDS_MAX
        while time.monotonic() < deadline:
            for message in self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                text = json.loads(message["Body"])["Message"]
                if self._workload in text and _GOES_ON in text:
                    return text
            time.sleep(_POLL_SECONDS)
        return None

    def close(self) -> None:
        """Stop listening."""
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)
