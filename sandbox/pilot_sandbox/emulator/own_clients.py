"""boto3 clients with which the emulator calls itself, on behalf of what runs inside it."""

from __future__ import annotations

import contextlib
import threading

import boto3
from botocore.config import Config

_LONGEST_INVOCATION_SECONDS = 900


class OwnClients:
    """Makes clients, each for one call."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        # One for all: each would load every service's model anew. Clients may not be made by two threads at once.
        self._session = boto3.session.Session()
        self._making = threading.Lock()

    def for_one_call(self, service: str, account_id: str, region: str) -> contextlib.closing:
        """A client that is closed at once: the emulator must not wait for a connection to itself when it ends."""
        with self._making:
            client = self._session.client(
                service,
                region_name=region,
                endpoint_url=self._endpoint_url,
                # The access key is the account id: ministack reads the account from it.
                aws_access_key_id=account_id,
                aws_secret_access_key="sandbox",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=_LONGEST_INVOCATION_SECONDS),
            )
        return contextlib.closing(client)
