"""Route 53: changes that take time, and health checks with their whole configuration.

What ministack lacks: a PENDING that lasts, GetHealthCheckStatus, the compare-and-set by HealthCheckVersion, members
reset by UpdateHealthCheck, refusals of records whose routing policies do not go together (`route53_policies.py`), and
`AWS::Route53::HealthCheck` in CloudFormation.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from ministack.services import route53
from ministack.services.cloudformation import provisioners

from . import route53_policies
from .world_hooks import World

_HEALTH_CHECK_STATUS_PATH = re.compile(r"/2013-04-01/healthcheck/([^/]+)/status")
_HEALTH_CHECKS_PATH = "/2013-04-01/healthcheck"
_RECORD_PATH = re.compile(r"/2013-04-01/hostedzone/([^/]+)/rrset/?")
# The defaults that AWS reports for a check of an endpoint.
_DEFAULTS = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False, "Inverted": False}
_PORT_OF_TYPE = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_NOT_AN_ENDPOINT = ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL")
# One batch: UPSERT counts twice, in records and in characters.
_BATCH_RECORDS_MAX = 1000
_BATCH_CHARACTERS_MAX = 32_000


def install(world: World) -> None:
    """Put the shim in place."""
    handle = route53.handle_request

    async def handle_request(method: str, path: str, headers: dict, body: bytes, query: dict) -> tuple:
        status_of = _HEALTH_CHECK_STATUS_PATH.fullmatch(path)
        if method == "GET" and status_of:
            return await asyncio.to_thread(health_check_status, world, status_of.group(1))
        if method == "POST" and path == _HEALTH_CHECKS_PATH and (refusal := _refuse_health_check(body)) is not None:
            return refusal
        if method == "POST" and (records_of := _RECORD_PATH.fullmatch(path)):
            # The hook blocks, and this is the event loop: ask beforehand, off it.
            _Propagation.seconds = await asyncio.to_thread(world.delay_seconds, "recordsInsyncSeconds")
            refusal = _refuse_batch(body) or _refuse_policies(records_of.group(1), body)
            return refusal or await handle(method, path, headers, body, query)
        return await handle(method, path, headers, body, query)

    route53.handle_request = handle_request
    route53._get_change = get_change
    route53._new_change = _timed(route53._new_change)
    route53._parse_health_check_config = _with_defaults(route53._parse_health_check_config)
    route53._build_health_check_el = _with_xml_booleans(route53._build_health_check_el)
    route53._update_health_check = update_health_check
    provisioners._RESOURCE_HANDLERS["AWS::Route53::HealthCheck"] = {
        "create": _stack_create,
        "update": _stack_update,
        "delete": _stack_delete,
    }


class _Propagation:
    """How long the next record change takes to reach all name servers."""

    seconds = 0.0


def _timed(new_change: Callable[..., dict]) -> Callable[..., dict]:
    def new_timed_change(comment: str = "") -> dict:
        change = new_change(comment)
        change["insync_at"] = time.monotonic() + _Propagation.seconds
        return change

    return new_timed_change


def get_change(change_id: str) -> tuple:
    """GetChange: PENDING until the propagation time has passed, then INSYNC."""
    with route53._lock:
        change = route53._changes.get(change_id)
        if change is None:
            message = f"A change with the ID {change_id} does not exist."
            return route53._error_response("NoSuchChange", message, 404)
        if time.monotonic() >= change["insync_at"]:
            change["status"] = "INSYNC"
        observed = dict(change)
    return route53._xml_response("GetChangeResponse", lambda root: route53._build_change_info_el(root, observed))


def _refuse_batch(body: bytes) -> tuple | None:
    root = route53._parse_body(body)
    if root is None:
        return None
    records = characters = 0
    for change in (element for element in root.iter() if element.tag.rsplit("}", 1)[-1] == "Change"):
        weight = 2 if route53._text(change, "Action") == "UPSERT" else 1
        values = [element.text or "" for element in change.iter() if element.tag.rsplit("}", 1)[-1] == "Value"]
        records += weight * max(1, len(values))
        characters += weight * sum(len(value) for value in values)
    if records > _BATCH_RECORDS_MAX or characters > _BATCH_CHARACTERS_MAX:
        message = f"The batch holds {records} records and {characters} characters (UPSERT counts twice)."
        return route53._error_response("InvalidChangeBatch", message, 400)
    return None


def _refuse_policies(zone_id: str, body: bytes) -> tuple | None:
    root = route53._parse_body(body)
    if root is None:
        return None
    changes = []
    for element in (each for each in root.iter() if each.tag.rsplit("}", 1)[-1] == "Change"):
        if (record := route53._find(element, "ResourceRecordSet")) is not None:
            changes.append((route53._text(element, "Action"), route53._parse_record_set(record)))
    with route53._lock:
        refused = route53_policies.refusal(route53._records.get(zone_id, []), changes, route53._health_checks.keys())
    return None if refused is None else route53._error_response(*refused)


def _refuse_health_check(body: bytes) -> tuple | None:
    root = route53._parse_body(body)
    config = route53._find(root, "HealthCheckConfig") if root is not None else None
    if config is None or route53._text(config, "Type") != "RECOVERY_CONTROL":
        return None
    if not route53._text(config, "RoutingControlArn"):
        message = "Invalid parameter: RoutingControlArn is required for a health check of type RECOVERY_CONTROL."
        return route53._error_response("InvalidInput", message, 400)
    return None


def _with_defaults(parse: Callable[[Element], dict]) -> Callable[[Element], dict]:
    def parse_with_defaults(element: Element) -> dict:
        config = parse(element)
        # UpdateHealthCheck parses a request of its own name, in which absent means "leave it".
        if element.tag.rsplit("}", 1)[-1] != "HealthCheckConfig":
            return config
        return _completed(config)

    return parse_with_defaults


def _completed(config: dict) -> dict:
    if config.get("Type") in _NOT_AN_ENDPOINT:
        return {"Inverted": False, "Disabled": False, **config}
    port = _PORT_OF_TYPE.get(config.get("Type", ""))
    defaults = {**_DEFAULTS, "Disabled": False, **({"Port": port} if port else {})}
    return {**defaults, **config}


def _with_xml_booleans(build: Callable[[Element, dict], None]) -> Callable[[Element, dict], None]:
    def build_with_xml_booleans(parent: Element, check: dict) -> None:
        # XML says `true`; Python's own `True` is an error to every strict reader, such as the Rust SDK.
        config = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in check["config"].items()
        }
        build(parent, {**check, "config": config})

    return build_with_xml_booleans


def update_health_check(check_id: str, body: bytes) -> tuple:
    """UpdateHealthCheck: a stale HealthCheckVersion is refused, and ResetElements go back to their defaults."""
    root = route53._parse_body(body)
    if root is None:
        return route53._error_response("InvalidInput", "Missing or invalid request body.")
    with route53._lock:
        check = route53._health_checks.get(check_id)
        if check is None:
            message = f"No health check exists with the specified ID {check_id}."
            return route53._error_response("NoSuchHealthCheck", message, 404)
        expected = route53._text(root, "HealthCheckVersion")
        if expected and int(expected) != check["version"]:
            message = f"The version of the health check is {check['version']}, not {expected}."
            return route53._error_response("HealthCheckVersionMismatch", message, 409)
        reset = route53._find(root, "ResetElements")
        names = [element.text for element in reset] if reset is not None else []
        kept = {name: value for name, value in check["config"].items() if name not in names}
        check["config"] = {**kept, **route53._parse_health_check_config(root)}
        check["version"] += 1
    return route53._xml_response(
        "UpdateHealthCheckResponse", lambda parent: route53._build_health_check_el(parent, check)
    )


def health_check_status(world: World, check_id: str) -> tuple:
    """GetHealthCheckStatus: what each of the world's checkers last saw."""
    if check_id not in route53._health_checks:
        message = f"No health check exists with the specified ID {check_id}."
        return route53._error_response("NoSuchHealthCheck", message, 404)
    observations = (world.health_check(check_id) or {}).get("observations", [])

    def build(root: Element) -> None:
        listing = SubElement(root, "HealthCheckObservations")
        for observation in observations:
            element = SubElement(listing, "HealthCheckObservation")
            SubElement(element, "Region").text = observation["region"]
            SubElement(element, "IPAddress").text = observation["ipAddress"]
            report = SubElement(element, "StatusReport")
            SubElement(report, "Status").text = observation["status"]
            SubElement(report, "CheckedTime").text = observation.get("checkedTime") or route53._now_iso()

    return route53._xml_response("GetHealthCheckStatusResponse", build)


def _stack_create(logical_id: str, props: dict, stack_name: str) -> tuple[str, dict]:
    check_id = route53._hc_id()
    config = _completed(_typed(props["HealthCheckConfig"]))
    with route53._lock:
        route53._health_checks[check_id] = {
            "id": check_id,
            "caller_reference": f"{stack_name}-{logical_id}-{check_id}",
            "config": config,
            "version": 1,
        }
    return check_id, {"HealthCheckId": check_id}


def _stack_update(physical_id: str, old_props: dict, new_props: dict, stack_name: str) -> tuple[str, dict]:
    del old_props, stack_name
    with route53._lock:
        check = route53._health_checks[physical_id]
        check["config"] = _completed(_typed(new_props["HealthCheckConfig"]))
        check["version"] += 1
    return physical_id, {"HealthCheckId": physical_id}


def _stack_delete(physical_id: str, props: dict) -> None:
    del props
    with route53._lock:
        route53._health_checks.pop(physical_id, None)


def _typed(config: dict) -> dict:
    """Template values may be strings; the store keeps numbers and booleans."""
    numbers = ("Port", "RequestInterval", "FailureThreshold", "HealthThreshold")
    booleans = ("Inverted", "Disabled", "MeasureLatency", "EnableSNI")
    typed = dict(config)
    typed.update({name: int(config[name]) for name in numbers if name in config})
    typed.update({name: str(config[name]).lower() == "true" for name in booleans if name in config})
    return typed
