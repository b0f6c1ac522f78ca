"""The primary can be fenced over the AWS API: what really serves follows its group, its doors, and their undoing."""

from __future__ import annotations

from dataclasses import dataclass

import psutil
import psycopg
import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION, Names
from pilot_sandbox.outside_proof import call
from whole_sandbox import Sandbox, eventually

_NAMES = Names("pilot-light")
_ORDER = 2_000_000_001


@dataclass
class Primary:
    """The primary of a sandbox's first workload, as AWS and its clients see it."""

    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.clients = AwsClients(self.sandbox.content["endpointUrl"])
        addresses = self.sandbox.content["workloads"][_NAMES.workload]
        self.url, self.probe_url = addresses["primaryLoadBalancerUrl"], addresses["probePrimaryUrl"]

    def client(self, service: str, region: str = PRIMARY_REGION):
        return self.clients.client(service, region)

    def group(self) -> dict:
        groups = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[_NAMES.group])
        return groups["AutoScalingGroups"][0]

    def in_service(self) -> int:
        return sum(instance["LifecycleState"] == "InService" for instance in self.group()["Instances"])

    def resize(self, smallest: int, largest: int, desired: int) -> None:
        self.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=_NAMES.group, MinSize=smallest, MaxSize=largest, DesiredCapacity=desired
        )

    def applications(self) -> list[psutil.Process]:
        children = psutil.Process(self.sandbox.process.pid).children(recursive=True)
        return [child for child in children if _is_application(child)]

    def load_balancer(self) -> dict:
        found = self.client("elbv2").describe_load_balancers(Names=[_NAMES.load_balancer_name])
        return found["LoadBalancers"][0]

    def database(self, region: str = PRIMARY_REGION) -> dict:
        found = self.client("rds", region).describe_db_instances(DBInstanceIdentifier=_NAMES.database(region))
        return found["DBInstances"][0]

    def connect(self, region: str = PRIMARY_REGION) -> psycopg.Connection:
        """A new client of a database, with the password that the applications have."""
        password = self.applications()[0].environ()["ORDERS_DATABASE_PASSWORD"]
        endpoint = self.database(region)["Endpoint"]
        return psycopg.connect(
            host=endpoint["Address"],
            port=endpoint["Port"],
            user="postgres",
            password=password,
            dbname="postgres",
            connect_timeout=60,
        )

    def closed_group(self, of: str) -> str:
        name = _NAMES.security_group(of, closed=True)
        found = self.client("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])
        assert found["SecurityGroups"][0]["IpPermissions"] == []
        return found["SecurityGroups"][0]["GroupId"]

    def set_database_groups(self, groups: list[str]) -> None:
        """Returns once RDS says that the groups are in force."""
        self.client("rds").modify_db_instance(
            DBInstanceIdentifier=_NAMES.database(PRIMARY_REGION), VpcSecurityGroupIds=groups, ApplyImmediately=True
        )
        eventually(lambda: _memberships(self.database()) == {group: "active" for group in groups}, "groups active")


def _is_application(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return "pilot_sandbox.workload.application" in command and PRIMARY_REGION in command


def _memberships(instance: dict) -> dict[str, str]:
    return {group["VpcSecurityGroupId"]: group["Status"] for group in instance["VpcSecurityGroups"]}


def _refuses(url: str) -> bool:
    try:
        call(f"{url}/lb-live")
    except OSError as error:
        return "refused" in str(error)
    return False


@pytest.fixture(scope="module")
def primary(sandbox: Sandbox) -> Primary:
    sandbox.control("/delays", {"launchSeconds": 0.2})
    return Primary(sandbox)


def test_a_group_at_zero_has_no_application_and_back_it_serves(primary: Primary) -> None:
    before = primary.group()
    assert (before["MinSize"], before["MaxSize"], before["DesiredCapacity"]) == (2, 4, 2)
    assert len(primary.applications()) == 2
    primary.resize(0, 0, 0)
    eventually(lambda: primary.applications() == [], "no application process")
    assert call(f"{primary.url}/live").status == 503
    eventually(lambda: primary.group()["Instances"] == [], "no instance")

    primary.resize(2, 4, 2)
    eventually(lambda: primary.in_service() == 2, "two in service")
    assert len(primary.applications()) == 2
    assert call(f"{primary.url}/health").status == 200


def test_a_mend_starts_what_the_group_has_and_nothing_else(primary: Primary) -> None:
    primary.sandbox.control("/primary/app/down", {})
    primary.resize(0, 0, 0)
    eventually(lambda: primary.group()["Instances"] == [], "no instance")
    primary.sandbox.control("/primary/app/up", {})
    assert primary.applications() == []
    assert call(f"{primary.url}/live").status == 503

    primary.sandbox.control("/primary/app/down", {})
    primary.resize(2, 4, 2)
    eventually(lambda: primary.in_service() == 2, "two machines, with an application that is broken")
    assert primary.applications() == []
    primary.sandbox.control("/primary/app/up", {})
    assert len(primary.applications()) == 2
    assert call(f"{primary.url}/health").status == 200


def test_a_load_balancer_whose_groups_admit_nobody_refuses_everybody(primary: Primary) -> None:
    balancer = primary.load_balancer()
    arn, before = balancer["LoadBalancerArn"], balancer["SecurityGroups"]
    elbv2 = primary.client("elbv2")
    elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[primary.closed_group("lb")])
    eventually(lambda: _refuses(primary.url) and _refuses(primary.probe_url), "nobody gets in")
    # The users' gateway kept a connection: it is thrown out too.
    eventually(lambda: call(f"{primary.sandbox.content['clientUrl']}/health").status == 502, "no way in for users")

    # Whatever is mended meanwhile, the door stays shut.
    primary.sandbox.control("/primary/network/down", {})
    primary.sandbox.control("/primary/network/up", {})
    primary.sandbox.control("/probe/network/up", {})
    assert _refuses(primary.url) and _refuses(primary.probe_url)

    acked = primary.sandbox.control("/client")["acked"]
    elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=before)
    eventually(lambda: not _refuses(primary.url) and not _refuses(primary.probe_url), "everybody gets in")
    assert call(f"{primary.probe_url}/health").status == 200
    eventually(lambda: primary.sandbox.control("/client")["acked"] > acked, "users order again")


def test_a_database_whose_groups_admit_nobody_goes_on_for_those_who_are_in(primary: Primary) -> None:
    before = list(_memberships(primary.database()))
    with primary.connect() as kept, primary.connect(RECOVERY_REGION) as standby:
        kept.autocommit = standby.autocommit = True
        primary.set_database_groups([primary.closed_group("db")])
        with pytest.raises(psycopg.OperationalError, match="refused"):
            primary.connect()

        kept.execute("INSERT INTO orders (number, region) VALUES (%s, 'kept')", (_ORDER,))
        arrived = "SELECT region FROM orders WHERE number = %s"
        eventually(lambda: standby.execute(arrived, (_ORDER,)).fetchall() == [("kept",)], "replication goes on")
        assert primary.database(RECOVERY_REGION)["StatusInfos"][0]["Status"] == "replicating"
        assert primary.database()["DBInstanceStatus"] == "available"

        primary.set_database_groups(before)
        primary.connect().close()


def test_a_dead_primary_s_api_answers_unless_the_network_was_cut(primary: Primary) -> None:
    def answers() -> bool:
        try:
            AwsClients(primary.sandbox.content["faultUrl"]).client("elbv2", PRIMARY_REGION).describe_load_balancers()
        except Exception as error:
            assert any(word in str(error) for word in ("closed", "connect", "reset")), error
            return False
        return True

    primary.sandbox.control("/primary/down", {})
    assert answers()
    primary.sandbox.control("/primary/network/down", {})
    assert not answers()
    primary.sandbox.control("/primary/up", {})
    assert answers()
    eventually(lambda: call(f"{primary.url}/health").status == 200, "the primary serves again")
