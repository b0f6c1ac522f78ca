"""The sandbox as a whole-run test sees it: `out/<name>/sandbox.json`, boto3, and the control server over HTTP."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import yaml
from boto3.dynamodb.conditions import Key
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parent.parent
_READY_TIMEOUT_SECONDS = 480
_POLL_SECONDS = 0.3


@dataclass
class Run:
    """A run of the state machine that has ended."""

    run_id: str
    status: str
    error: str | None
    cause: dict
    report: dict


@dataclass
class Workload:
    """One seeded workload and the names of its resources."""

    name: str
    sandbox: "SandboxUnderTest"
    killed_at: float | None = None

    @property
    def replica_id(self) -> str:
        return f"{self.name}-db-replica"

    @property
    def group_name(self) -> str:
        return f"{self.name}-app"

    @property
    def stop_key(self) -> str:
        return f"stop/{self.name}"

    def kill(self, part: str | None = None) -> None:
        """Break the primary, or one part of it (app, database, network)."""
        self.killed_at = time.time()
        self.sandbox.control("POST", f"/primary/{part}/down" if part else "/primary/down", workload=self.name)

    def mend(self, part: str | None = None) -> None:
        """Mend the primary, or one part of it."""
        self.sandbox.control("POST", f"/primary/{part}/up" if part else "/primary/up", workload=self.name)

    def probe_network(self, change: str) -> None:
        """Break (`down`) or mend (`up`) the observer's own network."""
        self.sandbox.control("POST", f"/probe/network/{change}", workload=self.name)

    def client(self) -> dict:
        """What the outside client wrote, and what of it cannot be read any more."""
        return self.sandbox.control("GET", "/client", workload=self.name)

    def acked_until(self, count: int, timeout_seconds: float = 60) -> None:
        """Wait until so many orders were confirmed."""
        deadline = time.monotonic() + timeout_seconds
        while (acked := self.client()["acked"]) < count:
            assert time.monotonic() < deadline, f"only {acked} of {count} orders were confirmed"
            time.sleep(_POLL_SECONDS)

    def client_until(self, region: str, timeout_seconds: float = 60) -> dict:
        """The client's report once its last orders were all confirmed by `region`."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            seen = self.client()
            if len(seen["lastRegions"]) >= 5 and set(seen["lastRegions"][-5:]) == {region} and seen["lost"] is not None:
                return seen
            assert time.monotonic() < deadline, f"the client is not served by {region}: {seen}"
            time.sleep(_POLL_SECONDS)

    def replica(self) -> dict:
        """The replica as RDS describes it."""
        rds = self.sandbox.aws("rds")
        return rds.describe_db_instances(DBInstanceIdentifier=self.replica_id)["DBInstances"][0]

    def assert_set(self, settings: dict, found: dict) -> None:
        """By boto3: an instance or a cluster is set as the plan says; security groups are in force."""
        tags = {tag["Key"]: tag["Value"] for tag in found["TagList"]}
        assert settings["tags"].items() <= tags.items()
        assert found["DeletionProtection"] is settings["deletionProtection"] is True
        groups = [(group["VpcSecurityGroupId"], group["Status"]) for group in found["VpcSecurityGroups"]]
        assert groups == [(group, "active") for group in settings["securityGroupIds"]]

    def global_members(self) -> dict[str, dict]:
        """The Aurora global database's members by cluster identifier, as RDS describes them in the recovery Region."""
        found = self.sandbox.aws("rds").describe_global_clusters(GlobalClusterIdentifier=f"{self.name}-global")
        members = found["GlobalClusters"][0]["GlobalClusterMembers"]
        return {member["DBClusterArn"].rsplit(":", 1)[1]: member for member in members}

    def datastore(self, region: str | None = None) -> dict:
        """The ElastiCache global datastore, as one Region describes it, the recovery Region unless told."""
        found = self.sandbox.aws("elasticache", region).describe_global_replication_groups(ShowMemberInfo=True)
        wanted = f"-{self.name}-sessions"
        return next(d for d in found["GlobalReplicationGroups"] if d["GlobalReplicationGroupId"].endswith(wanted))

    def datastore_settled(self, region: str | None = None, timeout_seconds: float = 60) -> dict:
        """The same, once nothing of it is on the move."""
        deadline = time.monotonic() + timeout_seconds
        while (found := self.datastore(region))["Status"] not in ("available", "primary-only"):
            assert time.monotonic() < deadline, f"the global datastore is still {found['Status']}"
            time.sleep(_POLL_SECONDS)
        return found

    def service(self, region: str | None = None) -> dict:
        """A Region's ECS service, of the recovery Region unless told."""
        ecs = self.sandbox.aws("ecs", region)
        return ecs.describe_services(cluster=f"{self.name}-cluster", services=[f"{self.name}-app"])["services"][0]

    def scalable_range(self, region: str | None = None) -> tuple[int, int]:
        """Between how many tasks Application Auto Scaling keeps that service."""
        targets = self.sandbox.aws("application-autoscaling", region).describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[f"service/{self.name}-cluster/{self.name}-app"]
        )["ScalableTargets"]
        return targets[0]["MinCapacity"], targets[0]["MaxCapacity"]

    def alarm_state(self, on: str, region: str) -> str:
        """The state of one of the workload's alarms."""
        alarms = self.sandbox.aws("cloudwatch", region).describe_alarms(AlarmNames=[f"{self.name}-{on}"])
        return alarms["MetricAlarms"][0]["StateValue"]

    def alarm_until(self, on: str, region: str, wanted: str, timeout_seconds: float = 90) -> None:
        """Wait until an alarm is in the wanted state."""
        deadline = time.monotonic() + timeout_seconds
        while (state := self.alarm_state(on, region)) != wanted:
            assert time.monotonic() < deadline, f"alarm {on} in {region} is {state}, never {wanted}"
            time.sleep(_POLL_SECONDS)

    def group(self) -> dict:
        """The recovery Region's Auto Scaling group."""
        autoscaling = self.sandbox.aws("autoscaling")
        return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.group_name])["AutoScalingGroups"][0]

    def sizes(self) -> tuple[int, int, int]:
        """Minimum, maximum and desired capacity of the recovery Region's group."""
        group = self.group()
        return group["MinSize"], group["MaxSize"], group["DesiredCapacity"]

    def primary_doors(self) -> dict:
        """What the fence changes, as the primary Region's AWS describes it, by item name."""
        region = self.sandbox.primary_region
        return {item["name"]: self._fenced(item, region) for item in yaml.safe_load(self.plan())["fence"]["items"]}

    def _fenced(self, item: dict, region: str) -> list:
        aws = self.sandbox.aws
        match item["kind"]:
            case "autoScalingGroup":
                found = aws("autoscaling", region).describe_auto_scaling_groups(
                    AutoScalingGroupNames=[item["groupName"]]
                )
                group = found["AutoScalingGroups"][0]
                return [group["MinSize"], group["MaxSize"], group["DesiredCapacity"]]
            case "ecsService":
                return [*self.scalable_range(region), self.service(region)["desiredCount"]]
            case "loadBalancer":
                found = aws("elbv2", region).describe_load_balancers(LoadBalancerArns=[item["loadBalancerArn"]])
                return sorted(found["LoadBalancers"][0]["SecurityGroups"])
            case "rdsInstance":
                found = aws("rds", region).describe_db_instances(DBInstanceIdentifier=item["identifier"])
                return sorted(g["VpcSecurityGroupId"] for g in found["DBInstances"][0]["VpcSecurityGroups"])
        raise AssertionError(f"a kind of fence that this test does not know: {item}")

    def change_plan(self, change: Callable[[dict], object]) -> None:
        """Let `change` work on the plan document."""
        plan = yaml.safe_load(self.plan())
        change(plan)
        self.put_plan(yaml.safe_dump(plan))

    def refuses(self, wrong: Mapping[str, Callable[[dict], object]], unchanged: Callable[[], None]) -> None:
        """Each wrong plan, by the words that its refusal must have: nothing is even tried, and `unchanged` holds.

        The primary must be down: a run that finds it well is refused before it looks at the recovery Region. The right
        plan is back afterwards.
        """
        right = self.plan()
        for words, change in wrong.items():
            self.change_plan(change)
            run = self.run(f"with {words}")
            assert (run.status, run.error) == ("FAILED", "Refused"), (words, run.cause)
            assert words in run.report["reason"]
            assert run.report["journal"] == []
            unchanged()
            self.put_plan(right)

    def stop_object_present(self) -> bool:
        """Whether the switch is thrown."""
        listed = self.sandbox.aws("s3").list_objects_v2(
            Bucket=self.sandbox.outputs["StopBucketName"], Prefix=self.stop_key
        )
        return any(entry["Key"] == self.stop_key for entry in listed.get("Contents", []))

    def plan(self) -> str:
        """The workload's plan document."""
        body = self.sandbox.aws("s3").get_object(Bucket=self.sandbox.outputs["ArtifactsBucketName"], Key=self.plan_key)
        return body["Body"].read().decode()

    def document(self) -> dict:
        """The same, read."""
        return yaml.safe_load(self.plan())

    def put_plan(self, document: str) -> None:
        """Replace the plan document."""
        self.sandbox.aws("s3").put_object(
            Bucket=self.sandbox.outputs["ArtifactsBucketName"], Key=self.plan_key, Body=document.encode()
        )

    @property
    def plan_key(self) -> str:
        return f"plans/{self.name}.yaml"

    def lease(self) -> dict:
        """The workload's lease item; empty if it never had one."""
        return self.sandbox.item(f"workload#{self.name}", "lease")

    def start(self, reason: str = "a whole-run test", **request: str) -> str:
        """Start a failover, or what `request` says, by hand; returns the execution's ARN."""
        return self.sandbox.aws("stepfunctions").start_execution(
            stateMachineArn=self.sandbox.outputs["RecoveryStateMachineArn"],
            input=json.dumps({"plan": self.name, "mode": "failover", "reason": reason, **request}),
        )["executionArn"]

    def run(self, reason: str = "a whole-run test", **request: str) -> Run:
        """Start a run by hand and wait for its end."""
        return self.sandbox.wait(self.start(reason, **request), self.name)

    def pages(self) -> "Pages":
        """Listen to the notifications that name this workload from now on."""
        return Pages.of(self)

    def look(self) -> dict:
        """What check-health sees right now, without writing anything down."""
        return self.sandbox.invoke("CheckHealthFunctionName", {"look": {"plan": self.name}})

    def verdict_until(self, wanted: str, timeout_seconds: float = 60) -> dict:
        """The first look whose verdict is the wanted one."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            seen = self.look()
            if seen["verdict"] == wanted:
                return seen
            assert time.monotonic() < deadline, f"the verdict never became {wanted}: {json.dumps(seen, indent=1)}"
            time.sleep(_POLL_SECONDS)


def with_database(field: str, identifier: str) -> Callable[[dict], None]:
    """Another name wherever the plan says its first database's: one that contradicts itself is refused for that."""

    def change(plan: dict) -> None:
        said = json.dumps(plan["databases"][0][field])
        changed = json.loads(json.dumps(plan).replace(said, json.dumps(identifier)))
        plan.clear()
        plan.update(changed)

    return change


@dataclass
class Pages:
    """The notifications topic, as a person's mailbox sees it."""

    workload: Workload
    queue: str
    seen: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, workload: Workload) -> "Pages":
        """Subscribe."""
        sandbox = workload.sandbox
        sqs, sns = sandbox.aws("sqs"), sandbox.aws("sns")
        queue = sqs.create_queue(QueueName=f"{workload.name}-pages")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(
            TopicArn=sandbox.outputs["NotificationsTopicArn"], Protocol="sqs", Endpoint=attributes["QueueArn"]
        )
        return cls(workload, queue)

    def about(self, *texts: str, timeout_seconds: float = 60) -> str:
        """The next page that holds all of these texts."""
        sqs = self.workload.sandbox.aws("sqs")
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                self.seen.append(json.loads(message["Body"])["Message"])
            found = [text for text in self.seen if all(part in text for part in texts)]
            if found:
                return found[-1]
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"no page with {texts}; pages seen: {self.seen}")


@dataclass
class SandboxUnderTest:
    """A running sandbox."""

    description: dict
    faults: list[dict] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(cls, name: str, topology: str = "pilot-light") -> Iterator["SandboxUnderTest"]:
        """Start a sandbox of a topology, with short delays; it ends with the block."""
        folder = REPOSITORY / "out" / name
        folder.mkdir(parents=True, exist_ok=True)
        described = folder / "sandbox.json"
        command = [sys.executable, "-m", "pilot_sandbox", "up", "--name", name, "--topology", topology]
        command += ["--promotion-seconds", "3", "--launch-seconds", "3"]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "sandbox")}
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=REPOSITORY)
        try:
            deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
            # A description left by a sandbox that was killed is of another process.
            while not described.exists() or json.loads(described.read_text())["pid"] != process.pid:
                text = (folder / "up.log").read_text()
                assert process.poll() is None, f"the sandbox ended while starting:\n{text}"
                assert time.monotonic() < deadline, f"the sandbox is not ready:\n{text}"
                time.sleep(_POLL_SECONDS)
            yield cls(json.loads(described.read_text()))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=90)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return self.description["outputs"]

    @property
    def topology(self) -> str:
        """Of which topology it is."""
        return self.description["topology"]

    @property
    def recovery_region(self) -> str:
        return self.description["recoveryRegion"]

    @property
    def primary_region(self) -> str:
        return self.description["primaryRegion"]

    def aws(self, service: str, region: str | None = None):
        """A boto3 client of the emulated AWS, past the fault proxy."""
        return boto3.client(
            service,
            region_name=region or self.recovery_region,
            endpoint_url=self.description["endpointUrl"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 2}),
        )

    def control(self, method: str, path: str, body: dict | None = None, workload: str | None = None) -> dict:
        """Call the control server."""
        query = f"?workload={workload}" if workload else ""
        return self._http(method, self.description["controlUrl"] + path + query, body)

    def add_fault(self, rule: dict) -> None:
        """Add a rule to the fault proxy that the functions' AWS calls go through."""
        self._http("PATCH", self.description["faultUrl"] + "/_microburst/rules", [rule])
        self.faults.append(rule)

    def clear_faults(self) -> None:
        """Remove the rules that were added here; those of the sandbox itself stay."""
        for rule in self.faults:
            self._http("DELETE", self.description["faultUrl"] + "/_microburst/rules", [rule])
        self.faults.clear()

    @staticmethod
    def _http(method: str, url: str, body: object) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as response:
            return json.loads(response.read() or b"{}")

    def create_workload(self, name: str) -> Workload:
        """Seed another workload in both Regions, with traffic on its primary."""
        self.control("POST", "/workloads", {"name": name})
        return self.workload(name)

    def workload(self, name: str) -> Workload:
        """A workload that is there."""
        found = Workload(name, self)
        found.client_until(self.primary_region)
        return found

    def remove_workload(self, name: str) -> None:
        """End a workload and remove its resources."""
        self.control("DELETE", f"/workloads/{name}")

    def invoke(self, function_output: str, event: dict) -> dict:
        """Invoke a function of the stack; an error of the function fails the test with its text."""
        answer = self.aws("lambda").invoke(
            FunctionName=self.outputs[function_output], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def item(self, pk: str, sk: str) -> dict:
        """One item of the state table, as plain values."""
        return self._table().get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True).get("Item", {})

    def items(self, pk: str, prefix: str) -> list[dict]:
        """The items of one partition whose sort key begins so."""
        wanted = Key("pk").eq(pk) & Key("sk").begins_with(prefix)
        return self._table().query(KeyConditionExpression=wanted, ConsistentRead=True)["Items"]

    def forget(self, pk: str, sk: str) -> None:
        """Remove an item of the state table: for a workload that is to be as new."""
        self._table().delete_item(Key={"pk": pk, "sk": sk})

    def _table(self):
        return boto3.resource(
            "dynamodb",
            region_name=self.recovery_region,
            endpoint_url=self.description["endpointUrl"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).Table(self.outputs["StateTableName"])

    def evidence(self, run_id: str, name: str) -> dict | None:
        """A piece of a run's evidence, as the state table holds it now."""
        return self.item(f"run#{run_id}", f"evidence#{name}").get("document")

    def evidence_until(self, run_id: str, name: str, timeout_seconds: float = 90) -> dict:
        """The same, once it is there."""
        deadline = time.monotonic() + timeout_seconds
        while not (found := self.evidence(run_id, name)):
            assert time.monotonic() < deadline, f"run {run_id} keeps no evidence {name!r}"
            time.sleep(_POLL_SECONDS)
        return found

    def pilot(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run the operator's command line against this sandbox."""
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.description["endpointUrl"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.recovery_region,
            "PILOT_STATE_MACHINE_ARN": self.outputs["RecoveryStateMachineArn"],
            "PILOT_STATE_TABLE": self.outputs["StateTableName"],
        }
        program = REPOSITORY / "target" / "debug" / "pilot"
        return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=120)

    def aws_cli(self, line: str) -> subprocess.CompletedProcess:
        """Run a line that a page tells to run, word for word, against this sandbox."""
        words = shlex.split(line)
        assert words[0] == "aws", line
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.recovery_region,
        }
        program = REPOSITORY / ".venv" / "tools" / "bin" / "aws"
        command = [program, "--endpoint-url", self.description["endpointUrl"], *words[1:]]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def wait(self, execution_arn: str, plan: str, timeout_seconds: float = 300) -> Run:
        """Wait for an execution's end and read its report."""
        stepfunctions = self.aws("stepfunctions")
        deadline = time.monotonic() + timeout_seconds
        while (found := stepfunctions.describe_execution(executionArn=execution_arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{execution_arn} still runs after {timeout_seconds} s"
            time.sleep(_POLL_SECONDS)
        run_id = execution_arn.rsplit(":", 1)[1]
        key = f"runs/{plan}/{run_id}/report.json"
        body = self.aws("s3").get_object(Bucket=self.outputs["ArtifactsBucketName"], Key=key)["Body"].read()
        cause = json.loads(found["cause"]) if found.get("cause") else {}
        return Run(run_id, found["status"], found.get("error"), cause, json.loads(body))

    def executions_of(self, plan: str) -> list[dict]:
        """Every execution whose input names this plan."""
        stepfunctions = self.aws("stepfunctions")
        pages = stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self.outputs["RecoveryStateMachineArn"]
        )
        listed = [execution for page in pages for execution in page["executions"]]
        described = [stepfunctions.describe_execution(executionArn=e["executionArn"]) for e in listed]
        return [e for e in described if json.loads(e["input"]).get("plan") == plan]
