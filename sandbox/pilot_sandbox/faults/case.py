"""One case: a fresh workload, what comes before its run, one fault, the run - and what is true afterwards."""

import json
import shlex
import subprocess
import time
from dataclasses import dataclass

import yaml

from ..naming import Names, Regions
from ..paths import REPOSITORY
from .calls import Case, site_name
from .judge import Seen, State, forbidden
from .kinds import arm
from .look import look
from .modes import MODES
from .pages import Pages
from .scenarios import SCENARIOS
from .stack import ControlFailed, Stack

_POLL_SECONDS = 0.3
_RUN_SECONDS_MAX = 420
_SERVED_SECONDS_MAX = 60
#: So many of the client's newest orders tell who serves.
_ORDERS = 8


class WorkloadNotMade(RuntimeError):
    """The sandbox could not make the case's workload: nothing of the case has been tried."""


@dataclass
class Result:
    """How a case ended."""

    case: Case
    workload: str
    outcome: str
    forbidden: list[str]
    run: str
    resumed: str | None
    #: Whether the fault befell the call: one that never came proves nothing.
    fired: bool
    seconds: float


class CaseRun:
    """One case being run."""

    def __init__(self, stack: Stack, case: Case, workload: str) -> None:
        self._stack = stack
        self._case = case
        self._names = Names(workload, Regions(stack.primary, stack.recovery))
        self._name = workload
        self._scenario = SCENARIOS[case.scenario]
        self._mode = MODES[self._scenario.mode]
        self._left, self._entered = self._mode.leads(self._names.regions)
        self._runs: list[str] = []

    def run(self) -> Result:
        """Run it from a fresh workload to its removal.

        Raises `WorkloadNotMade` before anything is tried.
        """
        return self.recorded()[0]

    def recorded(self) -> tuple[Result, list[dict]]:
        """The same, with the calls that crossed the wire."""
        started_at = time.monotonic()
        try:
            self._stack.control("POST", "/workloads", {"name": self._name})
        except ControlFailed as error:
            raise WorkloadNotMade(str(error)) from error
        try:
            seen, run_id, fired = self._through()
        finally:
            self._stack.control("DELETE", f"/workloads/{self._name}")
        took = time.monotonic() - started_at
        found = forbidden(seen)
        result = Result(self._case, self._name, seen.outcome, found, run_id, seen.resumed, fired, round(took, 1))
        return result, seen.calls

    def _through(self) -> tuple[Seen, str, bool]:
        self._put_plan()
        if self._mode.homeward:
            self._fail_over_and_protect()
        # What comes before the run is none of the case's calls, and does not count in their numbers.
        self._stack.forget_calls(self._name)
        pages = Pages(self._stack, self._name)
        before, lost_before = self._state(), self._lost()
        if self._mode.disaster:
            self._stack.control("POST", "/primary/down", workload=self._name)
        lift_scenario = self._scenario.arm(self._stack, self._name)
        lift = arm(self._stack, self._case, self._name)
        run_id = f"{self._name}-run"
        self._runs.append(run_id)
        arn = self._start({"plan": self._name, "mode": self._mode.name, "reason": f"{self._case}"}, run_id)
        outcome = self._outcome(arn)
        lift()
        lift_scenario()
        calls = self._stack.calls(self._name)
        seen = Seen(
            outcome,
            before,
            self._state(),
            calls,
            self._journals(),
            mode=self._mode,
            entered_region=self._entered,
            left_region=self._left,
        )
        fired = any(site_name(call) == self._case.call and call["cut"] for call in calls)
        if outcome == "stuck":
            self._go_on(seen, pages)
        if outcome != "unended" and (outcome != "stuck" or seen.resumed == "recovered"):
            seen.served_by = self._served_by()
            if (lost := self._lost()) is not None and lost_before is not None:
                seen.lost = lost - lost_before
        pages.close()
        return seen, run_id, fired

    def _fail_over_and_protect(self) -> None:
        """The way out, without any fault: the recovery Region serves, and the mended primary follows it."""
        self._stack.control("POST", "/primary/down", workload=self._name)
        for mode in ("failover", "protect"):
            arn = self._start({"plan": self._name, "mode": mode, "reason": "before the case"}, f"{self._name}-{mode}")
            if (outcome := self._outcome(arn)) != "recovered":
                raise WorkloadNotMade(f"the {mode} before the case ended {outcome}")
            self._stack.control("POST", "/primary/up", workload=self._name)
        if set(self._serving()) != {self._left} or self._lost() is None:
            raise WorkloadNotMade(f"{self._left} does not serve before the case")

    def _go_on(self, seen: Seen, pages: Pages) -> None:
        seen.page = pages.with_next_command()
        if seen.page is None:
            return
        arn = self._run_line(seen.page)
        self._runs.append(arn.rsplit(":", 1)[1])
        seen.resumed = self._outcome(arn)
        seen.at_last = self._state()
        seen.calls = self._stack.calls(self._name)
        seen.journal = self._journals()

    def _put_plan(self) -> None:
        """The workload's plan, with less patience: what waits for minutes on AWS waits for seconds here."""
        s3, bucket = self._stack.aws("s3"), self._stack.outputs["ArtifactsBucketName"]
        key = f"plans/{self._name}.yaml"
        plan = yaml.safe_load(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        plan["policy"] |= {"holdSeconds": 1, "forwardTries": 1}
        if not self._mode.disaster:
            # Nothing comes of waiting for a better day when it is the look at it that fails.
            plan["policy"]["assessTimeoutSeconds"] = 90
        plan["fence"]["timeoutSeconds"] = 15
        plan["validation"]["timeoutSeconds"] = 60
        plan["home"]["fence"]["timeoutSeconds"] = 30
        plan["home"]["validation"]["timeoutSeconds"] = 60
        for component in plan["databases"] + plan["compute"] + plan["traffic"] + plan["home"]["compute"]:
            component["timeoutSeconds"] = 90
        self._scenario.change(plan)
        s3.put_object(Bucket=bucket, Key=key, Body=yaml.safe_dump(plan).encode())

    def _start(self, request: dict, name: str) -> str:
        answer = self._stack.aws("stepfunctions").start_execution(
            stateMachineArn=self._stack.outputs["RecoveryStateMachineArn"], name=name, input=json.dumps(request)
        )
        return answer["executionArn"]

    def _run_line(self, page: str) -> str:
        """Run the AWS CLI's line out of the page, word for word."""
        line = page[page.index("aws stepfunctions start-execution") :].splitlines()[0]
        program = REPOSITORY / ".venv" / "tools" / "bin" / "aws"
        command = [str(program), "--endpoint-url", self._stack.description["endpointUrl"], *shlex.split(line)[1:]]
        environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "PATH": "/usr/bin:/bin"}
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(answer.stdout)["executionArn"]

    def _outcome(self, arn: str) -> str:
        """How the execution ended, by its status alone."""
        deadline = time.monotonic() + _RUN_SECONDS_MAX
        states = self._stack.aws("stepfunctions")
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            self._scenario.meanwhile(self._stack, arn.rsplit(":", 1)[1])
            if time.monotonic() > deadline:
                states.stop_execution(executionArn=arn)
                return "unended"
            time.sleep(_POLL_SECONDS)
        if found["status"] == "SUCCEEDED":
            return "recovered"
        error = found.get("error", found["status"])
        return {"Refused": "refused", "RolledBack": "rolledBack", "Stuck": "stuck"}.get(error, error)

    def _state(self) -> State:
        return look(self._stack, self._names, self._mode)

    def _journals(self) -> list[dict]:
        """Of every run of this workload."""
        return [entry for run_id in self._runs for entry in self._stack.journal(run_id)]

    def _served_by(self) -> list[str]:
        """Mend the primary, let it come up, and see who takes the client's orders."""
        if self._mode.disaster:
            self._stack.control("POST", "/primary/up", workload=self._name)
        return self._serving()

    def _serving(self) -> list[str]:
        """The Regions that took the client's newest orders; none if nobody does for long."""
        deadline = time.monotonic() + _SERVED_SECONDS_MAX
        confirmed = self._client()["acked"]
        while time.monotonic() < deadline:
            seen = self._client()
            if seen["acked"] >= confirmed + _ORDERS:
                # An order that failed was taken by nobody.
                return [region for region in seen["lastRegions"] if region][-_ORDERS:]
            time.sleep(_POLL_SECONDS)
        return []

    def _lost(self) -> int | None:
        """How many confirmed orders cannot be read; `None` if nothing can be for long, or a disaster may lose some."""
        if self._mode.disaster:
            return None
        deadline = time.monotonic() + _SERVED_SECONDS_MAX
        while (lost := self._client()["lost"]) is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return lost

    def _client(self) -> dict:
        return self._stack.control("GET", "/client", workload=self._name)
