"""Application Auto Scaling for ECS services: scalable targets, their policies and activities.

ministack has no such service. `RegisterScalableTarget` with `ResourceId` `service/<cluster>/<service>` makes a target
the owner of that service's desired count; the bounds are kept from then on. It scales back in to `MinCapacity` only
while a scaling policy is in effect, as on AWS: put a `TargetTrackingScaling` policy to have that. What then happens is
in application_autoscaling_engine.py.
"""

from __future__ import annotations

import json
import re
import threading
import time

from ministack import app
from ministack.core import router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import ecs

from .application_autoscaling_engine import CapacityKeeper, Target, TargetKey
from .world_hooks import World

_NAME = "application-autoscaling"
_TARGET_PREFIX = "AnyScaleFrontendService"
_DIMENSION = "ecs:service:DesiredCount"
_RESOURCE = re.compile(r"service/(?P<cluster>[^/]+)/(?P<service>[^/]+)")
_RESULTS_MAX = 50
_POLICY_SETTINGS = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}

Answer = tuple


class Refused(Exception):
    """What the caller asked for cannot be done; carries AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ApplicationAutoScaling:
    """Answers the calls; the keeper does what follows from them."""

    def __init__(self, world: World) -> None:
        self._keeper = CapacityKeeper(world)
        # One change of bounds at a time: each is a read, a check and a write.
        self._lock = threading.Lock()
        self._actions = {
            "RegisterScalableTarget": self.register,
            "DeregisterScalableTarget": self.deregister,
            "DescribeScalableTargets": self.describe_targets,
            "PutScalingPolicy": self.put_policy,
            "DeleteScalingPolicy": self.delete_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "DescribeScalingActivities": self.describe_activities,
        }

    def install(self) -> None:
        """Make the emulator answer for this service, and start keeping capacities."""
        router.SERVICE_PATTERNS[_NAME] = {"target_prefixes": [_TARGET_PREFIX], "credential_scope": _NAME}
        app.SERVICE_HANDLERS[_NAME] = self._handle
        self._keeper.start()

    async def _handle(self, _method: str, _path: str, headers: dict, body: bytes, _query: dict) -> Answer:
        action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        # A thread of its own: a change of a service's desired count may wait for the service's scheduler.
        return await run_reentrant(self._answer, action, json.loads(body or b"{}"), thread_name=f"pilot-{_NAME}")

    def _answer(self, action: str, request: dict) -> Answer:
        handler = self._actions.get(action)
        if handler is None:
            return error_response_json("UnknownOperationException", f"{action} is not emulated.", 400)
        try:
            with self._lock:
                return json_response(handler(request))
        except Refused as refused:
            return error_response_json(refused.code, str(refused), 400)

    def register(self, request: dict) -> dict:
        """RegisterScalableTarget: both bounds at first, afterwards whichever is to change."""
        key = _key_of(request)
        existing = self._keeper.targets.get(key)
        service = _service_of(key)
        if existing is None and (service is None or service["status"] != "ACTIVE"):
            raise Refused("ValidationException", f"ECS service doesn't exist: {key[2]}")
        minimum = request.get("MinCapacity", existing and existing.minimum)
        maximum = request.get("MaxCapacity", existing and existing.maximum)
        _check_bounds(minimum, maximum)
        suspended = {**(existing.suspended if existing else {}), **request.get("SuspendedState", {})}
        if existing is None:
            existing = Target(minimum, maximum, suspended, arn=_new_target_arn(), created_at=time.time())
            self._keeper.targets[key] = existing
        else:
            existing.set_bounds(minimum, maximum)
            existing.suspended = suspended
        self._keeper.look_now()
        return {"ScalableTargetARN": existing.arn}

    def deregister(self, request: dict) -> dict:
        """DeregisterScalableTarget: its policies go with it, the service keeps its desired count."""
        self._registered(request)
        self._keeper.targets.pop(_key_of(request))
        return {}

    def describe_targets(self, request: dict) -> dict:
        """DescribeScalableTargets."""
        wanted = request.get("ResourceIds")
        if request.get("ScalableDimension") and not wanted:
            raise Refused(
                "ValidationException", "If you specify a scalable dimension, you must also specify resource IDs"
            )
        targets = [
            _target_record(key, target) for key, target in self._own_targets(request) if not wanted or key[2] in wanted
        ]
        return _page(request, "ScalableTargets", targets)

    def put_policy(self, request: dict) -> dict:
        """PutScalingPolicy: kept, and while there is one that may scale in, the keeper does when there is no load.

        AWS would also create the alarms of a target tracking policy; nothing here measures load, so there are none.
        """
        target = self._registered(request)
        kind = request.get("PolicyType", "StepScaling")
        if kind not in _POLICY_SETTINGS:
            raise Refused("ValidationException", f"Policy type {kind} is not supported for {_DIMENSION}")
        settings = request.get(_POLICY_SETTINGS[kind])
        if not settings:
            raise Refused("ValidationException", f"{_POLICY_SETTINGS[kind]} is required for policy type {kind}")
        before = target.policies.get(request["PolicyName"])
        if before is not None and before["PolicyType"] != kind:
            raise Refused("ValidationException", "You cannot change the policy type of an existing scaling policy")
        policy = {
            "PolicyARN": before["PolicyARN"] if before else _new_policy_arn(request),
            **{name: request[name] for name in ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")},
            "PolicyType": kind,
            _POLICY_SETTINGS[kind]: settings,
            "Alarms": [],
            "CreationTime": before["CreationTime"] if before else time.time(),
        }
        target.policies[request["PolicyName"]] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": []}

    def delete_policy(self, request: dict) -> dict:
        """DeleteScalingPolicy."""
        target = self._keeper.targets.get(_key_of(request))
        if target is None or target.policies.pop(request.get("PolicyName"), None) is None:
            raise Refused("ObjectNotFoundException", f"No scaling policy found for {_described(request)}")
        return {}

    def describe_policies(self, request: dict) -> dict:
        """DescribeScalingPolicies."""
        names, resource = request.get("PolicyNames"), request.get("ResourceId")
        policies = [
            policy
            for key, target in self._own_targets(request)
            for policy in target.policies.values()
            if resource in (None, key[2]) and (not names or policy["PolicyName"] in names)
        ]
        return _page(request, "ScalingPolicies", policies)

    def describe_activities(self, request: dict) -> dict:
        """DescribeScalingActivities, newest first."""
        _check_namespace(request)
        found = self._keeper.activities(get_account_id(), get_region(), request.get("ResourceId"))
        return _page(request, "ScalingActivities", found)

    def _registered(self, request: dict) -> Target:
        target = self._keeper.targets.get(_key_of(request))
        if target is None:
            raise Refused("ObjectNotFoundException", f"No scalable target registered for {_described(request)}")
        return target

    def _own_targets(self, request: dict) -> list[tuple[TargetKey, Target]]:
        _check_namespace(request)
        scope = (get_account_id(), get_region())
        return [(key, target) for key, target in self._keeper.targets.items() if key[:2] == scope]


def _check_namespace(request: dict) -> None:
    if request.get("ServiceNamespace") != "ecs":
        raise Refused("ValidationException", "Unsupported service namespace: only ecs is emulated")


def _key_of(request: dict) -> TargetKey:
    _check_namespace(request)
    resource = request.get("ResourceId", "")
    if request.get("ScalableDimension") != _DIMENSION or not _RESOURCE.fullmatch(resource):
        raise Refused("ValidationException", "Unsupported service namespace, resource type or scalable dimension")
    return get_account_id(), get_region(), resource


def _service_of(key: TargetKey) -> dict | None:
    return ecs._services.get(key[2].removeprefix("service/"))


def _check_bounds(minimum: int | None, maximum: int | None) -> None:
    if minimum is None or maximum is None:
        message = "Both minimum capacity and maximum capacity are required to register a new scalable target"
        raise Refused("ValidationException", message)
    if minimum < 0 or maximum < 0:
        raise Refused("ValidationException", "Minimum and maximum capacity must be greater than or equal to 0")
    if minimum > maximum:
        raise Refused("ValidationException", "Maximum capacity cannot be less than minimum capacity")


def _target_record(key: TargetKey, target: Target) -> dict:
    role = (
        "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": key[2],
        "ScalableDimension": _DIMENSION,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": f"arn:aws:iam::{key[0]}:role/{role}",
        "CreationTime": target.created_at,
        "SuspendedState": {
            name: target.suspended.get(name, False)
            for name in ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
        },
        "ScalableTargetARN": target.arn,
    }


def _new_target_arn() -> str:
    identifier = new_uuid().replace("-", "")
    return f"arn:aws:application-autoscaling:{get_region()}:{get_account_id()}:scalable-target/{identifier}"


def _new_policy_arn(request: dict) -> str:
    subject = f"resource/ecs/{request['ResourceId']}:policyName/{request['PolicyName']}"
    return f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{new_uuid()}:{subject}"


def _described(request: dict) -> str:
    names = ("ServiceNamespace", "ResourceId", "ScalableDimension")
    namespace, resource, dimension = (request.get(name) for name in names)
    return f"service namespace: {namespace}, resource ID: {resource}, scalable dimension: {dimension}"


def _page(request: dict, name: str, records: list[dict]) -> dict:
    token = request.get("NextToken") or "0"
    if not token.isdecimal():
        raise Refused("InvalidNextTokenException", "The next token supplied was invalid")
    start = int(token)
    end = start + min(request.get("MaxResults") or _RESULTS_MAX, _RESULTS_MAX)
    more = {"NextToken": str(end)} if end < len(records) else {}
    return {name: records[start:end], **more}
