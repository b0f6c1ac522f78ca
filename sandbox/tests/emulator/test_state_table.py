"""The ledger that the functions use, told its whole contract against the emulator's DynamoDB."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conflicting_writes import ConflictingWrites
from emulator_process import ACCOUNT, RECOVERY, Emulator

_PROJECT = Path(__file__).parents[3]
_CONTRACT = _PROJECT / "target" / "debug" / "examples" / "ledger_contract"


@pytest.fixture
def table(emulator: Emulator, name: str) -> str:
    """A table as the template has it."""
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name


def contract(url: str, table: str) -> subprocess.CompletedProcess[str]:
    """Tells the ledger its contract."""
    assert _CONTRACT.is_file(), "not built: run `cargo build -p pilot-shell --example ledger_contract`"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": RECOVERY,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "STATE_TABLE": table,
    }
    return subprocess.run([_CONTRACT], env=environment, capture_output=True, text=True, timeout=90, check=False)


def test_the_ledger_keeps_the_contract(emulator: Emulator, table: str) -> None:
    told = contract(emulator.url, table)
    assert told.returncode == 0, told.stderr


def test_the_ledger_keeps_the_contract_when_its_writes_meet_others(emulator: Emulator, table: str) -> None:
    proxy = ConflictingWrites(emulator.url)
    try:
        told = contract(proxy.url, table)
    finally:
        proxy.close()
    assert told.returncode == 0, told.stderr
    assert all(proxy.refused.values()), proxy.refused


def test_a_table_that_is_not_there_is_told(emulator: Emulator, name: str) -> None:
    told = contract(emulator.url, f"no-{name}")
    assert told.returncode == 1 and "ResourceNotFoundException" in told.stderr, told
