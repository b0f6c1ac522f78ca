"""boto3 clients of the sandbox: an explicit endpoint and dummy credentials, always."""

import os
import threading
from collections.abc import Mapping

import boto3
from botocore.config import Config

#: For every tool that is started against the emulator.
DUMMY_CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class AwsClients:
    """Makes one client per service and Region, on first use."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")
        self._clients: dict[tuple[str, str], object] = {}
        # Clients may be used by several threads; making them may not.
        self._making = threading.Lock()
        self._config = Config(
            connect_timeout=3,
            read_timeout=20,
            retries={"total_max_attempts": 2, "mode": "standard"},
            s3={"addressing_style": "path"},
        )

    def client(self, service: str, region: str):
        """The client of one service in one Region."""
        key = (service, region)
        with self._making:
            if key not in self._clients:
                self._clients[key] = self._session.client(
                    service, region_name=region, endpoint_url=self.endpoint_url, config=self._config
                )
            return self._clients[key]


def tool_environment(endpoint_url: str, region: str) -> dict[str, str]:
    """Environment for a command-line tool: this process's own, but with nothing that could reach a real account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SAM_"))}
    return {
        **kept,
        **DUMMY_CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
