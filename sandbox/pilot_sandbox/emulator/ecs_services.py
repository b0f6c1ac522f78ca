"""ECS services and clusters: what AWS refuses, and what a service looks like while it moves.

To have a workload's application run on ECS in a Region, call over boto3, in this order: `ecs.create_cluster`,
`ecs.register_task_definition`, `ecs.create_service` with the service's name as the world knows it (`Names.service`),
then `application-autoscaling` (see application_autoscaling.py) where it should own the desired count. Each task is then
an application process behind the Region's load balancer, and `X-Instance` of its answers is the task's id. To remove:
`deregister_scalable_target`, `ecs.delete_service(force=True)`, and `ecs.delete_cluster` once the service is INACTIVE.

A change of the desired count alone leaves the deployment's `rolloutState` COMPLETED, as on AWS, where only a new
deployment is rolled out: whoever waits for capacity must look at `runningCount`.
"""

from __future__ import annotations

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecs

from .ecs_scheduler import ServiceScheduler
from .ecs_tasks import is_ending, tasks_of
from .world_hooks import World

Answer = tuple

_SERVICES_PER_DESCRIBE_MAX = 10
_MADE_UP_EVENT = "has begun draining connections on 1 tasks"


class ServiceShim:
    """Refuses what ECS refuses and otherwise lets ministack answer."""

    def __init__(self, world: World) -> None:
        self._scheduler = ServiceScheduler(world)
        self._update = ecs._update_service
        self._delete = ecs._delete_service

    def install(self) -> None:
        """Put the shim in place and start the scheduler."""
        make_deployment = ecs._make_deployment
        ecs._make_deployment = lambda *args, **kwargs: _begun(make_deployment(*args, **kwargs))
        self._scheduler.install()
        actions, guard = ecs._ACTION_MAP, _refusing
        actions["CreateService"] = guard(_refuse_create, ecs._create_service)
        actions["UpdateService"] = guard(_refuse_update, self.update)
        actions["DeleteService"] = guard(_refuse_unknown_service, self.delete)
        actions["DescribeServices"] = guard(_refuse_describe, ecs._describe_services)
        actions["DeleteCluster"] = guard(_refuse_delete_cluster, ecs._delete_cluster)
        actions["ListTasks"] = guard(_refuse_list_tasks, ecs._list_tasks)
        actions["DescribeTasks"] = guard(_refuse_unknown_cluster, ecs._describe_tasks)
        actions["ListServices"] = guard(_refuse_unknown_cluster, ecs._list_services)
        actions["RunTask"] = guard(_refuse_unknown_cluster, actions["RunTask"])

    def update(self, data: dict) -> Answer:
        """UpdateService."""
        name, service = _service(data)
        with self._scheduler.changing(name):
            self._scheduler.forget_failures(name)
            answer = self._update(data)
            # ministack says so of every change; the scheduler says what really happens.
            service["events"] = [event for event in service["events"] if _MADE_UP_EVENT not in event["message"]]
        return answer

    def delete(self, data: dict) -> Answer:
        """DeleteService: DRAINING until the processes have ended, then INACTIVE."""
        name, service = _service(data)
        with self._scheduler.changing(name):
            answer = self._delete(data)
            if answer[0] != 200 or not any(is_ending(task) for task in tasks_of(service)):
                return answer
            service["status"] = "DRAINING"
            return json_response({"service": ecs._sanitize(service)})


def _begun(deployment: dict) -> dict:
    return {
        **deployment,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {deployment['id']} in progress.",
    }


def _refusing(refusal_of, answer):
    return lambda data: refusal_of(data) or answer(data)


def _refuse(code: str, message: str) -> Answer:
    return error_response_json(code, message, 400)


def _refuse_unknown_cluster(data: dict) -> Answer | None:
    if _cluster(data) not in ecs._clusters:
        return _refuse("ClusterNotFoundException", "Cluster not found.")
    return None


def _refuse_unknown_service(data: dict) -> Answer | None:
    if (refusal := _refuse_unknown_cluster(data)) is not None:
        return refusal
    if _service(data)[1] is None:
        return _refuse("ServiceNotFoundException", "Service not found.")
    return None


def _refuse_create(data: dict) -> Answer | None:
    if (refusal := _refuse_unknown_cluster(data)) is not None:
        return refusal
    existing = ecs._services.get(f"{_cluster(data)}/{data.get('serviceName')}", {})
    if existing.get("status") == "ACTIVE":
        return _refuse("InvalidParameterException", "Creation of service was not idempotent.")
    if existing.get("status") == "DRAINING":
        return _refuse("InvalidParameterException", "Unable to Start a service that is still Draining.")
    return _refuse_count(data) or _refuse_definition(data)


def _refuse_update(data: dict) -> Answer | None:
    if (refusal := _refuse_unknown_service(data)) is not None:
        return refusal
    if _service(data)[1]["status"] != "ACTIVE":
        return _refuse("ServiceNotActiveException", "Service was not ACTIVE.")
    return _refuse_count(data) or (_refuse_definition(data) if "taskDefinition" in data else None)


def _refuse_count(data: dict) -> Answer | None:
    if data.get("desiredCount", 0) < 0:
        return _refuse("InvalidParameterException", "Desired count can not be negative.")
    return None


def _refuse_definition(data: dict) -> Answer | None:
    definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", "")))
    if definition is None:
        return _refuse("ClientException", "TaskDefinition not found.")
    if definition["status"] != "ACTIVE":
        return _refuse("ClientException", "TaskDefinition is inactive")
    if data.get("launchType") == "FARGATE" and "FARGATE" not in definition["compatibilities"]:
        return _refuse("InvalidParameterException", "Task definition does not support launch_type FARGATE.")
    creating = "serviceName" in data
    if creating and definition["networkMode"] == "awsvpc" and not data.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        return _refuse("InvalidParameterException", message)
    return None


def _refuse_describe(data: dict) -> Answer | None:
    wanted = data.get("services", [])
    if not wanted:
        return _refuse("InvalidParameterException", "Services cannot be empty.")
    if len(wanted) > _SERVICES_PER_DESCRIBE_MAX:
        return _refuse("InvalidParameterException", f"Services cannot be more than {_SERVICES_PER_DESCRIBE_MAX}.")
    return _refuse_unknown_cluster(data)


def _refuse_list_tasks(data: dict) -> Answer | None:
    if "serviceName" in data:
        return _refuse_unknown_service({**data, "service": data["serviceName"]})
    return _refuse_unknown_cluster(data)


def _refuse_delete_cluster(data: dict) -> Answer | None:
    if (refusal := _refuse_unknown_cluster(data)) is not None:
        return refusal
    cluster = ecs._clusters[_cluster(data)]
    services = [each for each in ecs._services.values() if each["clusterArn"] == cluster["clusterArn"]]
    if any(service["status"] != "INACTIVE" for service in services):
        message = "The Cluster cannot be deleted while Services are active."
        return _refuse("ClusterContainsServicesException", message)
    tasks = [each for each in ecs._tasks.values() if each["clusterArn"] == cluster["clusterArn"]]
    if any(task["lastStatus"] != "STOPPED" for task in tasks):
        return _refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    return None


def _cluster(data: dict) -> str | None:
    return ecs._resolve_cluster_name(data.get("cluster") or "default")


def _service(data: dict) -> tuple[str, dict | None]:
    cluster = _cluster(data)
    named = ecs._resolve_service_ref(data.get("service", ""))
    if named is None or named[1] not in (None, cluster):
        return "", None
    name = f"{cluster}/{named[0]}"
    return name, ecs._services.get(name)
