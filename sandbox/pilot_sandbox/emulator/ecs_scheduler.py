"""Keeps every ECS service at its desired count: starts tasks, replaces those that end, drains old deployments.

ministack reconciles a service when somebody calls; here it happens again and again, with one change of a service at a
time, with ever longer pauses between launches that fail, and with the events that ECS writes about it.
"""

from __future__ import annotations

import json
import logging
import threading
import time

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import ecs

from .ecs_tasks import TaskRunner, is_ending, task_id, tasks_of
from .world_hooks import World

logger = logging.getLogger("pilot.ecs")

ServiceKey = tuple[str, str, str]
"""Account, Region and `cluster/service`, as ministack keys its services."""

_TICK_SECONDS = 0.2
# ECS waits ever longer before it starts a task again that never got to RUNNING, up to 27 minutes; less is enough here.
_RETRY_SECONDS_FIRST = 3.0
_RETRY_SECONDS_MAX = 30.0
# How often the world is asked whether a service's processes still run: a container agent notices within a second too.
_LOOK_FOR_ENDED_SECONDS = 1.0
# DescribeServices shows the hundred newest.
_EVENTS_MAX = 100


class ServiceScheduler:
    """Moves services towards their desired count in the background, and at once when a call changes one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks = TaskRunner(world, started=self._task_started, failed_to_start=self._task_failed_to_start)
        self._reconcile_once = ecs._reconcile_service_tasks
        self._complete_once = ecs._complete_service_deployment
        self._run_tasks = ecs._run_task
        self._locks: dict[ServiceKey, threading.RLock] = {}
        self._locks_guard = threading.Lock()
        self._failures: dict[ServiceKey, int] = {}
        self._not_before: dict[ServiceKey, float] = {}
        self._look_for_ended_at: dict[ServiceKey, float] = {}

    def install(self) -> None:
        """Take the place of ministack's service scheduler and start the loop."""
        self._tasks.install()
        ecs._reconcile_service_tasks = self.reconcile
        ecs._complete_service_deployment = self._complete
        ecs._run_task = self._run_for_service
        ecs._stop_task = self._stop_for_service
        # The loop below completes rollouts, and there are no images whose digests a first task would have to find.
        ecs._schedule_service_deployment_completion = lambda *_args, **_kwargs: None
        ecs._deployment_needs_first_task = lambda *_args, **_kwargs: False
        threading.Thread(target=self._loop, name="pilot-ecs", daemon=True).start()

    def reconcile(self, cluster: str, name: str) -> None:
        """One look at one service (`cluster/service`) of the caller's Region, and whatever it needs."""
        with self.changing(name):
            self._reconcile_once(cluster, name)

    def changing(self, name: str) -> threading.RLock:
        """To be held by whoever changes a service (`cluster/service`) of the caller's Region in more than one step."""
        with self._locks_guard:
            return self._locks.setdefault(_key(name), threading.RLock())

    def forget_failures(self, name: str) -> None:
        """Launch again without a pause: ECS does so when a service was updated."""
        self._failures.pop(_key(name), None)
        self._not_before.pop(_key(name), None)

    def _loop(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            for (account, region, name), service in list(ecs._services._data.items()):
                try:
                    with request_scope(account, region):
                        self._look_at(name, service)
                except Exception:
                    # One service's trouble must not stop the others; the next tick tries again.
                    logger.exception("service %s in %s could not be reconciled", name, region)

    def _look_at(self, name: str, service: dict) -> None:
        if service["status"] == "DRAINING" and not any(
            is_ending(task) or task["lastStatus"] in ecs._PRE_STOP_STATUSES for task in tasks_of(service)
        ):
            service["status"] = "INACTIVE"
        if service["status"] != "ACTIVE":
            return
        if time.monotonic() >= self._look_for_ended_at.get(_key(name), 0.0):
            self._look_for_ended_at[_key(name)] = time.monotonic() + _LOOK_FOR_ENDED_SECONDS
            self._stop_ended(service)
        cluster = name.split("/", 1)[0]
        self.reconcile(cluster, name)
        self._complete(cluster, name)
        _say_when_steady(service)

    def _stop_ended(self, service: dict) -> None:
        running = {task_id(task): task for task in tasks_of(service) if task["lastStatus"] == "RUNNING"}
        if not running:
            return
        for ended, exit_code in self._world.ended_tasks(get_region(), service["serviceName"]).items():
            task = running.get(ended)
            if task is None:
                continue
            reason = "Essential container in task exited"
            if self._tasks.end(task, reason, "EssentialContainerExited", exit_code):
                logger.info("task %s of %s ended with %d", ended, service["serviceName"], exit_code)
                ecs._record_service_task_failure(task)

    def _complete(self, cluster: str, name: str, expected_deployment_id: str | None = None) -> None:
        with self.changing(name):
            service = ecs._services.get(name)
            primary = ecs._primary_deployment(service) if service else None
            was_rolling = primary is not None and primary["rolloutState"] == "IN_PROGRESS"
            self._complete_once(cluster, name, expected_deployment_id)
            if was_rolling and primary["rolloutState"] == "COMPLETED":
                primary["rolloutStateReason"] = f"ECS deployment {primary['id']} completed."
                add_event(service, f"(deployment {primary['id']}) deployment completed.")

    def _run_for_service(self, data: dict) -> tuple | None:
        # What the scheduler launches; RunTask itself does not pass through here.
        name = f"{data['cluster']}/{data['group'].removeprefix('service:')}"
        if time.monotonic() < self._not_before.get(_key(name), 0.0):
            return None
        response = self._run_tasks({**data, "startedBy": data.get("_deploymentId") or data["startedBy"]})
        started = json.loads(response[2]).get("tasks", [])
        if started:
            listed = " ".join(f"(task {task_id(task)})" for task in started)
            add_event(ecs._services[name], f"has started {len(started)} tasks: {listed}.")
        return response

    def _stop_for_service(self, data: dict) -> None:
        task = ecs._resolve_task(data["task"], data["cluster"])
        if task is None:
            return
        deployment = f"(deployment {task['_deployment_id']})"
        if self._tasks.end(task, f"Scaling activity initiated by {deployment}", "ServiceSchedulerInitiated"):
            add_event(ecs._services[_name_of(task)], f"has stopped 1 running tasks: (task {task_id(task)}).")

    def _task_started(self, task: dict) -> None:
        name = _name_of(task)
        if name is None:
            return
        self.forget_failures(name)
        self._count_failure(task, lambda _: 0)
        # The process answered its health check, so it is past the time in which a container may still fall over.
        ecs._record_service_task_healthy(name, task)

    def _task_failed_to_start(self, task: dict, why: str) -> None:
        name = _name_of(task)
        if not self._tasks.end(task, why, "TaskFailedToStart", exit_code=1):
            return  # stopped on purpose meanwhile: no failure of the service
        key = _key(name)
        failures = self._failures.get(key, 0) + 1
        pause_seconds = min(_RETRY_SECONDS_FIRST * 2 ** (failures - 1), _RETRY_SECONDS_MAX)
        self._failures[key], self._not_before[key] = failures, time.monotonic() + pause_seconds
        add_event(ecs._services[name], f"was unable to place a task. Reason: {why}.")
        self._count_failure(task, lambda before: before + 1)
        ecs._record_service_task_failure(task)

    def _count_failure(self, task: dict, count) -> None:
        # Consecutive failures; ministack counts them itself where a circuit breaker is on.
        with self.changing(_name_of(task)):
            service = ecs._services[_name_of(task)]
            breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
            deployment = ecs._deployment_for_task(service, task)
            if deployment is not None and not breaker.get("enable"):
                deployment["failedTasks"] = count(deployment["failedTasks"])


def add_event(service: dict, message: str) -> None:
    """Write an event of the service as ECS words it, newest first."""
    event = {"id": new_uuid(), "createdAt": ecs._iso(), "message": f"(service {service['serviceName']}) {message}"}
    service["events"] = [event, *service["events"]][:_EVENTS_MAX]


def _say_when_steady(service: dict) -> None:
    deployments = service["deployments"]
    steady = (
        [each["rolloutState"] for each in deployments] == ["COMPLETED"]
        and service["runningCount"] == service["desiredCount"]
        and service["pendingCount"] == 0
    )
    if steady and not service.get("_steady"):
        add_event(service, "has reached a steady state.")
    service["_steady"] = steady


def _key(name: str) -> ServiceKey:
    return get_account_id(), get_region(), name


def _name_of(task: dict) -> str | None:
    if not task["group"].startswith("service:"):
        return None
    return f"{ecs._cluster_name_from_arn(task['clusterArn'])}/{task['group'].removeprefix('service:')}"
