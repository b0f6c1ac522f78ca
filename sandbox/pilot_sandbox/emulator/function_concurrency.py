"""Lambda: reserved and provisioned concurrency, with what Lambda refuses of them.

After the Lambda API reference and the developer guide's "Lambda quotas": an account has 1,000 concurrent executions a
Region, of which 100 can be neither reserved nor provisioned. A function of reserved concurrency 0 is throttled whatever
version or alias is invoked. Provisioned concurrency is allocated over time, here in `provisionedConcurrencySeconds`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import lambda_svc

from .world_hooks import World

logger = logging.getLogger("pilot.concurrency")

_ACCOUNT_MAX = 1000
_UNRESERVED_MIN = 100
_INVALID = "InvalidParameterValueException"

Answer = tuple[int, dict, bytes]


class ConcurrencyShim:
    """What the emulator answers about a function's concurrency."""

    def __init__(self, world: World) -> None:
        self._world = world

    def install(self) -> None:
        """Put the shim in place."""
        lambda_svc._reserved_concurrency = reserved_of
        lambda_svc._put_function_concurrency = _known_function(put_reserved)
        lambda_svc._put_provisioned_concurrency = _known_function(self.put_provisioned)
        lambda_svc._get_provisioned_concurrency = _known_function(get_or_list_provisioned)
        lambda_svc._delete_provisioned_concurrency = _known_function(delete_provisioned)
        lambda_svc._get_account_settings = _with_account_limits(lambda_svc._get_account_settings)

    def put_provisioned(self, name: str, qualifier: str | None, data: dict) -> Answer:
        """PutProvisionedConcurrencyConfig: IN_PROGRESS, and READY once all of it is allocated."""
        asked = data.get("ProvisionedConcurrentExecutions", 0)
        refusal = _refuse_qualifier(name, qualifier, "put") or _refuse_provisioned(name, str(qualifier), asked)
        if refusal is not None:
            return refusal
        configs = _configs(name)
        # What is allocated already stays so while more, or less, of it is made.
        allocated = min(asked, configs.get(qualifier, {}).get("AllocatedProvisionedConcurrentExecutions", 0))
        config = configs[str(qualifier)] = {
            "RequestedProvisionedConcurrentExecutions": asked,
            "AvailableProvisionedConcurrentExecutions": allocated,
            "AllocatedProvisionedConcurrentExecutions": allocated,
            "Status": "IN_PROGRESS",
            "LastModified": lambda_svc._now_iso(),
        }
        scope = (get_account_id(), get_region())
        answer = json_response(dict(config), 202)
        threading.Thread(target=self._allocate, args=(scope, config), daemon=True).start()
        return answer

    def _allocate(self, scope: tuple[str, str], config: dict) -> None:
        with request_scope(*scope):
            self._world.wait("provisionedConcurrencySeconds")
            asked = config["RequestedProvisionedConcurrentExecutions"]
            config["AvailableProvisionedConcurrentExecutions"] = asked
            config["AllocatedProvisionedConcurrentExecutions"] = asked
            config["Status"] = "READY"


def put_reserved(name: str, data: dict) -> Answer:
    """PutFunctionConcurrency: at once, unless the account or the function's provisioned concurrency forbids it."""
    asked = data.get("ReservedConcurrentExecutions", 0)
    provisioned = _provisioned(name)
    if asked < provisioned:
        message = (
            f"ReservedConcurrentExecutions {asked} should not be lower than function's total provisioned concurrency "
            f"[{provisioned}]."
        )
        return _refuse(_INVALID, message)
    if _unreserved(without=name) - asked < _UNRESERVED_MIN:
        return _refuse(_INVALID, _too_little_left("ReservedConcurrentExecutions"))
    lambda_svc._functions[name]["concurrency"] = asked
    return json_response({"ReservedConcurrentExecutions": asked})


def get_or_list_provisioned(name: str, qualifier: str | None) -> Answer:
    """GetProvisionedConcurrencyConfig; without a qualifier it is ListProvisionedConcurrencyConfigs that asks."""
    if qualifier is None:
        arn = lambda_svc._func_arn(name)
        listed = [{"FunctionArn": f"{arn}:{known}", **config} for known, config in sorted(_configs(name).items())]
        return json_response({"ProvisionedConcurrencyConfigs": listed})
    if (refusal := _refuse_qualifier(name, qualifier, "get")) is not None:
        return refusal
    config = _configs(name).get(qualifier)
    if config is None:
        message = "No Provisioned Concurrency Config found for this function"
        return error_response_json("ProvisionedConcurrencyConfigNotFoundException", message, 404)
    return json_response(dict(config))


def delete_provisioned(name: str, qualifier: str | None) -> Answer:
    """DeleteProvisionedConcurrencyConfig: also where there is none."""
    if (refusal := _refuse_qualifier(name, qualifier, "delete")) is not None:
        return refusal
    _configs(name).pop(str(qualifier), None)
    return 204, {}, b""


def reserved_of(func: dict | None, config: dict) -> int | None:
    """The reserved concurrency that an invocation counts against: the function's, whatever qualifier it has."""
    record = lambda_svc._functions.get(config.get("FunctionName", "")) or func or {}
    return record.get("concurrency")


def _known_function(handler: Callable[..., Answer]) -> Callable[..., Answer]:
    def handle(name: str, *arguments: object) -> Answer:
        if name not in lambda_svc._functions:
            message = f"Function not found: {lambda_svc._func_arn(name)}"
            return error_response_json("ResourceNotFoundException", message, 404)
        return handler(name, *arguments)

    return handle


def _with_account_limits(get_settings: Callable[[], Answer]) -> Callable[[], Answer]:
    def get_settings_with_limits() -> Answer:
        answer = json.loads(get_settings()[2])
        answer["AccountLimit"]["ConcurrentExecutions"] = _ACCOUNT_MAX
        answer["AccountLimit"]["UnreservedConcurrentExecutions"] = _unreserved()
        return json_response(answer)

    return get_settings_with_limits


def _refuse_qualifier(name: str, qualifier: str | None, verb: str) -> Answer | None:
    function = lambda_svc._functions[name]
    version = function["aliases"].get(qualifier, {}).get("FunctionVersion", qualifier)
    if version in (None, "$LATEST"):
        if verb == "put":
            message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        else:
            message = "The function resource provided must be an alias or a published version."
        return _refuse(_INVALID, message)
    return lambda_svc._validate_function_qualifier_exists(name, qualifier)


def _refuse_provisioned(name: str, qualifier: str, asked: int) -> Answer | None:
    if asked < 1:
        return _refuse("ValidationException", "ProvisionedConcurrentExecutions must be at least 1")
    function = lambda_svc._functions[name]
    version = function["aliases"].get(qualifier, {}).get("FunctionVersion")
    if version is not None and version in _configs(name):
        message = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        return _refuse("ResourceConflictException", message, 409)
    aliases = [alias for alias, known in function["aliases"].items() if known["FunctionVersion"] == qualifier]
    if any(alias in _configs(name) for alias in aliases):
        return _refuse("ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias", 409)
    total = _provisioned(name, without=qualifier) + asked
    reserved = function.get("concurrency")
    if reserved is not None and total > reserved:
        message = (
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )
        return _refuse(_INVALID, message)
    if reserved is None and _unreserved(without=name) - total < _UNRESERVED_MIN:
        return _refuse(_INVALID, _too_little_left("ConcurrentExecutions"))
    return None


def _too_little_left(what: str) -> str:
    return (
        f"Specified {what} for function decreases account's UnreservedConcurrentExecution below its minimum value of "
        f"[{_UNRESERVED_MIN}]."
    )


def _unreserved(without: str | None = None) -> int:
    """What no function has for itself, be it reserved or, of a function that reserved nothing, provisioned."""
    names = [name for name in lambda_svc._functions if name != without]
    reserved = {name: lambda_svc._functions[name].get("concurrency") for name in names}
    return _ACCOUNT_MAX - sum(_provisioned(name) if own is None else own for name, own in reserved.items())


def _provisioned(name: str, without: str | None = None) -> int:
    configs = {qualifier: config for qualifier, config in _configs(name).items() if qualifier != without}
    return sum(config["RequestedProvisionedConcurrentExecutions"] for config in configs.values())


def _configs(name: str) -> dict[str, dict]:
    return lambda_svc._functions[name].setdefault("provisioned_concurrency", {})


def _refuse(code: str, message: str, status: int = 400) -> Answer:
    return error_response_json(code, message, status)
