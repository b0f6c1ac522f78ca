"""Lambda: reserved concurrency that throttles, provisioned concurrency that takes time, and what is refused of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from emulator_process import Emulator, eventually
from function_zip import create_function

ANSWER = """
def handle(event):
    return "answered"
"""


def refusal(call: object, **arguments: object) -> tuple[str, int]:
    """The error code and HTTP status that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


INVALID = ("InvalidParameterValueException", 400)


@pytest.fixture
def function(emulator: Emulator, name: str) -> Iterator[tuple]:
    """A client, and a function with a version 1 and an alias `live` of it; gone afterwards with what it reserved."""
    client = emulator.client("lambda")
    create_function(client, name, ANSWER)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield client, name
    client.delete_function(FunctionName=name)


def test_a_function_of_reserved_concurrency_nought_is_throttled(function: tuple) -> None:
    client, name = function
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0
    assert client.get_function(FunctionName=name)["Concurrency"]["ReservedConcurrentExecutions"] == 0
    for qualifier in ("$LATEST", "1", "live"):
        with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
            client.invoke(FunctionName=name, Qualifier=qualifier, Payload=b"{}")
        assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert client.invoke(FunctionName=name, Qualifier="live", Payload=b"{}")["Payload"].read() == b'"answered"'
    client.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert "Concurrency" not in client.get_function(FunctionName=name)


def test_the_account_keeps_a_hundred_for_all(function: tuple) -> None:
    client, name = function
    free = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    too_much = {"FunctionName": name, "ReservedConcurrentExecutions": free - 99}
    assert refusal(client.put_function_concurrency, **too_much) == INVALID
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=free - 100)
    left = client.get_account_settings()["AccountLimit"]
    assert (left["ConcurrentExecutions"], left["UnreservedConcurrentExecutions"]) == (1000, 100)
    # The function's own reservation is replaced, not added to.
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=free - 101)
    client.delete_function_concurrency(FunctionName=name)
    too_much = {"FunctionName": name, "Qualifier": "live", "ProvisionedConcurrentExecutions": free - 99}
    assert refusal(client.put_provisioned_concurrency_config, **too_much) == INVALID


@pytest.mark.parametrize("qualifier", ["live", "1"])
def test_provisioned_concurrency_is_allocated_over_time(emulator: Emulator, function: tuple, qualifier: str) -> None:
    client, name = function
    which = {"FunctionName": name, "Qualifier": qualifier}
    missing = ("ProvisionedConcurrencyConfigNotFoundException", 404)
    assert refusal(client.get_provisioned_concurrency_config, **which) == missing
    put = client.put_provisioned_concurrency_config(**which, ProvisionedConcurrentExecutions=3)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (put["Status"], put["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)

    def ready() -> dict | None:
        config = client.get_provisioned_concurrency_config(**which)
        return config if config["Status"] == "READY" else None

    config = eventually(ready, within_seconds=60)
    assert config["RequestedProvisionedConcurrentExecutions"] == 3
    assert config["AvailableProvisionedConcurrentExecutions"] == 3
    assert config["AllocatedProvisionedConcurrentExecutions"] == 3
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [each["FunctionArn"].rsplit(":", 1)[1] for each in listed] == [qualifier]
    more = client.put_provisioned_concurrency_config(**which, ProvisionedConcurrentExecutions=4)
    assert (more["Status"], more["AllocatedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 3)
    for _ in range(2):
        client.delete_provisioned_concurrency_config(**which)
    assert refusal(client.get_provisioned_concurrency_config, **which) == missing
    assert client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []


def test_what_is_no_published_version_cannot_be_provisioned(function: tuple) -> None:
    client, name = function
    client.create_alias(FunctionName=name, Name="next", FunctionVersion="$LATEST")
    for qualifier in ("$LATEST", "next"):
        which = {"FunctionName": name, "Qualifier": qualifier}
        assert refusal(client.put_provisioned_concurrency_config, **which, ProvisionedConcurrentExecutions=1) == INVALID
        assert refusal(client.get_provisioned_concurrency_config, **which) == INVALID
        assert refusal(client.delete_provisioned_concurrency_config, **which) == INVALID
    nobody = {"FunctionName": name, "Qualifier": "nobody"}
    assert refusal(client.get_provisioned_concurrency_config, **nobody) == ("ResourceNotFoundException", 404)
    unknown = {"FunctionName": f"{name}-unknown", "ReservedConcurrentExecutions": 1}
    assert refusal(client.put_function_concurrency, **unknown) == ("ResourceNotFoundException", 404)


def test_what_is_provisioned_lies_within_what_is_reserved(function: tuple) -> None:
    client, name = function
    live = {"FunctionName": name, "Qualifier": "live"}
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert refusal(client.put_provisioned_concurrency_config, **live, ProvisionedConcurrentExecutions=6) == INVALID
    client.put_provisioned_concurrency_config(**live, ProvisionedConcurrentExecutions=5)
    too_little = {"FunctionName": name, "ReservedConcurrentExecutions": 4}
    assert refusal(client.put_function_concurrency, **too_little) == INVALID
    version = {"FunctionName": name, "Qualifier": "1", "ProvisionedConcurrentExecutions": 1}
    assert refusal(client.put_provisioned_concurrency_config, **version) == ("ResourceConflictException", 409)
    client.delete_provisioned_concurrency_config(**live)
    client.put_provisioned_concurrency_config(**version)
    alias = {**live, "ProvisionedConcurrentExecutions": 1}
    assert refusal(client.put_provisioned_concurrency_config, **alias) == ("ResourceConflictException", 409)
