"""ECS tasks that are real: each task of a service is an application process that the world starts and ends.

ministack keeps the records and their lifecycle; without Docker it calls every task RUNNING at once and never sees one
end. Here a task is PROVISIONING, PENDING, ACTIVATING, RUNNING, then DEACTIVATING, DEPROVISIONING and STOPPED, as its
process comes and goes. A task that RunTask starts outside any service passes through the same states with no process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ministack.core.concurrency import resource_lock
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import ecs

from .world_hooks import World

logger = logging.getLogger("pilot.ecs")

TaskEvent = Callable[[dict], None]

# ECS shows a stopped task for about an hour; a sandbox whose service flaps for hours must not grow without end.
_STOPPED_TASKS_MAX = 100
_STARTING_STATES = ("PROVISIONING", "PENDING", "ACTIVATING")
_STOPPING_STATES = ("DEACTIVATING", "STOPPING", "DEPROVISIONING")


class _NoContainerDaemon:
    """What ministack sees where it looks for Docker: with something there it lets tasks take their time."""


class TaskRunner:
    """Starts and ends tasks; says so to whoever schedules them."""

    def __init__(self, world: World, *, started: TaskEvent, failed_to_start: Callable[[dict, str], None]) -> None:
        self._world = world
        self._started = started
        self._failed_to_start = failed_to_start
        self._count_tasks = ecs._refresh_service_state

    def install(self) -> None:
        """Put the runner in place of ministack's own."""
        daemon = _NoContainerDaemon()
        ecs._get_docker = lambda: daemon
        ecs._run_task_worker = self._run
        ecs._refresh_service_state = self.count_tasks
        ecs._ACTION_MAP["StopTask"] = self.stop

    def stop(self, data: dict) -> tuple:
        """StopTask: the task is DEACTIVATING in the answer, and its service starts another one."""
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        if cluster not in ecs._clusters:
            return error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        task = ecs._resolve_task(data.get("task", ""), cluster)
        if task is None:
            return error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
        self.end(task, data.get("reason", "Task stopped by user"), "UserInitiated")
        return json_response({"task": ecs._sanitize(task)})

    def end(self, task: dict, reason: str, stop_code: str, exit_code: int = 0) -> bool:
        """Take a task out of service now and end its process in the background; False when it ends already."""
        arn = task["taskArn"]
        with resource_lock("ecs-task", arn):
            if not ecs._task_is_active(arn, task):
                return False
            ecs._bump_task_version(task)
            task.update(desiredStatus="STOPPED", lastStatus="DEACTIVATING", stoppingAt=ecs._iso())
            task.update(stoppedReason=reason, stopCode=stop_code)
        self._recount(task)
        scope = (get_account_id(), get_region())
        threading.Thread(target=self._finish, args=(task, exit_code, *scope), daemon=True).start()
        return True

    def count_tasks(self, cluster: str, group: str) -> None:
        """Set a service's counts: on AWS a task on its way to RUNNING is pending, in whichever of its states."""
        self._count_tasks(cluster, group)
        service = ecs._services.get(f"{cluster}/{group.removeprefix('service:')}")
        if service is None:
            return
        pending = [task for task in tasks_of(service) if task["lastStatus"] in _STARTING_STATES]
        service["pendingCount"] = len(pending)
        for deployment in service["deployments"]:
            own = [task for task in pending if task["_deployment_id"] == deployment["id"]]
            deployment["pendingCount"] = len(own)

    def _run(self, task: dict, _definition: dict, _overrides: list, _docker: object, account: str, region: str) -> None:
        # Called by ministack in a thread of the task's own.
        with request_scope(account, region):
            pause_seconds = self._world.delay_seconds("launchSeconds") / 2
            time.sleep(pause_seconds)
            if not ecs._mark_task_pending(task["taskArn"], task):
                return
            time.sleep(pause_seconds)
            if ecs._mark_task_activating(task["taskArn"], task):
                self._start_process(task, region)

    def _start_process(self, task: dict, region: str) -> None:
        service = _service_name(task)
        if service is not None:
            outcome = self._world.launch_task(region, service, task_id(task))
            if not outcome.ok:
                logger.warning("task %s of %s in %s: %s", task_id(task), service, region, outcome.message)
                self._failed_to_start(task, outcome.message)
                return
        for container in task["containers"]:
            container["lastStatus"] = "RUNNING"
        if ecs._mark_task_running(task["taskArn"], task):
            self._started(task)
        elif service is not None:
            # Stopped while its process started: the end that was asked for then may have found no process yet.
            self._end_process(task, region)

    def _finish(self, task: dict, exit_code: int, account: str, region: str) -> None:
        with request_scope(account, region):
            self._end_process(task, region)
            ecs._bump_task_version(task)
            now = ecs._iso()
            task.update(lastStatus="DEPROVISIONING", executionStoppedAt=now, stoppedAt=now)
            for container in task["containers"]:
                container.update(lastStatus="STOPPED", exitCode=exit_code)
            # Last: whoever sees STOPPED must find everything else of the end there too.
            ecs._bump_task_version(task)
            task["lastStatus"] = "STOPPED"
            self._recount(task)
            _forget_oldest_stopped(task)

    def _end_process(self, task: dict, region: str) -> None:
        service = _service_name(task)
        if service is None:
            return
        outcome = self._world.terminate_task(region, service, task_id(task))
        if not outcome.ok:
            logger.error("task %s of %s in %s could not be ended: %s", task_id(task), service, region, outcome.message)

    def _recount(self, task: dict) -> None:
        cluster = ecs._cluster_name_from_arn(task["clusterArn"])
        ecs._recount_cluster(cluster)
        ecs._refresh_service_state(cluster, task["group"])


def task_id(task: dict) -> str:
    """The last part of a task's ARN."""
    return task["taskArn"].rsplit("/", 1)[-1]


def tasks_of(service: dict) -> list[dict]:
    """Every task record of a service of the caller's Region, stopped ones too."""
    group, cluster_arn = f"service:{service['serviceName']}", service["clusterArn"]
    return [task for task in ecs._tasks.values() if (task["group"], task["clusterArn"]) == (group, cluster_arn)]


def is_ending(task: dict) -> bool:
    """Whether the task was told to stop and its process may still run."""
    return task["lastStatus"] in _STOPPING_STATES


def _service_name(task: dict) -> str | None:
    return task["group"].removeprefix("service:") if task["group"].startswith("service:") else None


def _forget_oldest_stopped(task: dict) -> None:
    alike = (task["group"], task["clusterArn"])
    stopped = [
        each for each in ecs._tasks.values() if (each["group"], each["clusterArn"]) == alike and each.get("stoppedAt")
    ]
    stopped.sort(key=lambda each: each["stoppedAt"])
    for each in stopped[:-_STOPPED_TASKS_MAX]:
        ecs._tasks.pop(each["taskArn"], None)
