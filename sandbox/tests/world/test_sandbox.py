"""Whole sandboxes as processes: traffic, faults, two side by side, and nothing left behind however they end."""

from __future__ import annotations

import shutil
import signal
import socket
from pathlib import Path

import psutil
import pytest
from pilot_sandbox.aws_clients import AwsClients
from pilot_sandbox.naming import PRIMARY_REGION, RECOVERY_REGION
from pilot_sandbox.outside_proof import call
from whole_sandbox import Sandbox, eventually


def _assert_nothing_is_left(made: Sandbox) -> None:
    eventually(
        lambda: not [p for p in made.started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE],
        "all processes gone",
    )
    eventually(lambda: not Path(made.content["dataFolder"]).exists(), "data folder gone")
    for port in made.ports():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} still answers"
    shutil.rmtree(made.paths.folder)  # its logs: of interest only where this was not reached


def test_primary_serves_and_every_listener_is_on_loopback(sandbox: Sandbox) -> None:
    health = call(f"{sandbox.content['clientUrl']}/health")
    assert (health.status, health.region) == (200, PRIMARY_REGION)
    assert health.body == {"status": "ok", "region": PRIMARY_REGION, "role": "primary", "writable": True}
    processes = [psutil.Process(sandbox.process.pid), *sandbox.started]
    listening = {
        connection.laddr.ip
        for process in processes
        if process.is_running()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
    }
    assert listening == {"127.0.0.1"}


def test_each_part_of_the_primary_fails_in_its_own_way(sandbox: Sandbox) -> None:
    load_balancer = sandbox.content["workloads"]["pilot-light"]["primaryLoadBalancerUrl"]
    probe = sandbox.content["workloads"]["pilot-light"]["probePrimaryUrl"]
    rds = AwsClients(sandbox.content["endpointUrl"]).client("rds", PRIMARY_REGION)

    sandbox.control("/primary/app/down", {})
    assert (call(f"{load_balancer}/health").status, call(f"{load_balancer}/lb-live").status) == (503, 200)
    sandbox.control("/primary/app/up", {})
    assert call(f"{load_balancer}/health").status == 200

    sandbox.control("/primary/database/down", {})
    assert (call(f"{load_balancer}/health").status, call(f"{load_balancer}/live").status) == (503, 200)
    status = rds.describe_db_instances(DBInstanceIdentifier="pilot-light-db")["DBInstances"][0]["DBInstanceStatus"]
    assert status == "failed"
    sandbox.control("/primary/database/up", {})
    eventually(lambda: call(f"{load_balancer}/health").status == 200, "the database answers again")

    sandbox.control("/primary/network/down", {})
    with pytest.raises(OSError, match="refused"):
        call(f"{load_balancer}/health")
    assert call(f"{sandbox.content['clientUrl']}/health").status == 502
    sandbox.control("/primary/network/up", {})
    assert call(f"{load_balancer}/health").status == 200

    sandbox.control("/probe/network/down", {})
    with pytest.raises(OSError, match="refused"):
        call(f"{probe}/health")
    assert call(f"{load_balancer}/health").status == 200
    sandbox.control("/probe/network/up", {})
    assert call(f"{probe}/health").status == 200


def test_network_down_cuts_the_primary_regions_api_for_users_of_the_fault_proxy(sandbox: Sandbox) -> None:
    def describe(region: str) -> None:
        AwsClients(sandbox.content["faultUrl"]).client("rds", region).describe_db_instances()

    sandbox.control("/primary/network/down", {})
    with pytest.raises(Exception, match=r"Connection was closed|Could not connect|reset"):
        describe(PRIMARY_REGION)
    describe(RECOVERY_REGION)
    sandbox.control("/primary/network/up", {})
    describe(PRIMARY_REGION)


def test_manual_failover_over_the_aws_api_loses_exactly_what_was_under_way(sandbox: Sandbox) -> None:
    name = "pl-manual"
    workload = sandbox.control("/workloads", {"name": name})
    sandbox.control("/delays", {"promotionSeconds": 0.5, "launchSeconds": 0.5})
    clients = AwsClients(sandbox.content["endpointUrl"])
    rds, autoscaling = clients.client("rds", RECOVERY_REGION), clients.client("autoscaling", RECOVERY_REGION)
    query = f"?workload={name}"
    sandbox.control(f"/replication/lag{query}", {"seconds": 2})
    eventually(lambda: sandbox.control(f"/client{query}")["acked"] > 25, "some traffic")

    sandbox.control(f"/primary/down{query}", {})
    rds.promote_read_replica(DBInstanceIdentifier=f"{name}-db-replica", BackupRetentionPeriod=7)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=f"{name}-app", MinSize=1, MaxSize=2, DesiredCapacity=1)
    balancer = workload["recoveryLoadBalancerUrl"]
    eventually(lambda: call(f"{balancer}/health").body.get("writable") is True, "recovery Region writable")
    clients.client("s3", RECOVERY_REGION).put_object(Bucket=f"{name}-stop", Key=f"stop/{name}", Body=b"")

    # At most the two seconds' interval of enough checkers, their own interval for the recovery endpoint, and the TTL.
    eventually(
        lambda: sandbox.control(f"/client{query}")["lastRegions"][-1] == RECOVERY_REGION, "traffic moved", seconds=25
    )
    seen = sandbox.control(f"/client{query}")
    assert seen["readRegion"] == RECOVERY_REGION
    assert 1.0 < seen["lossSeconds"] < 3.5
    assert 5 <= seen["lost"] <= 18
    instance = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-db-replica")["DBInstances"][0]
    assert not instance.get("ReadReplicaSourceDBInstanceIdentifier")
    sandbox.control(f"/workloads/{name}", method="DELETE")
    assert list(sandbox.control("/workloads")) == ["pilot-light"]


def test_control_refuses_with_a_reason(sandbox: Sandbox) -> None:
    control = sandbox.content["controlUrl"]
    assert call(f"{control}/primary/down?workload=nobody", {}).body["message"].startswith("no workload nobody")
    assert call(f"{control}/delays", {"promotionSeconds": -1}).status == 400
    assert call(f"{control}/workloads", {"name": "Not A Name"}).status == 400
    assert call(f"{control}/workloads", {"name": "pilot-light"}).status == 409


def test_an_endpoint_of_a_routing_control_cluster_is_put_out_of_order(sandbox: Sandbox) -> None:
    client = AwsClients(sandbox.content["endpointUrl"]).client("route53-recovery-cluster", "us-east-1")
    assert client.list_routing_controls()["RoutingControls"] == []
    assert sandbox.control("/recovery-endpoints/us-east-1/down", {}) == {"down": ["us-east-1"]}
    with pytest.raises(client.exceptions.EndpointTemporarilyUnavailableException):
        client.list_routing_controls()
    assert sandbox.control("/recovery-endpoints/us-east-1/up", {}) == {"down": []}
    assert client.list_routing_controls()["RoutingControls"] == []


def test_two_side_by_side_and_killed_outright_nothing_is_left(sandbox: Sandbox) -> None:
    other = Sandbox()
    assert not set(other.ports()) & set(sandbox.ports())
    # The supervisor has no chance to clean up: the kernel's signals and the janitor must.
    other.end(signal.SIGKILL)
    _assert_nothing_is_left(other)
    assert call(f"{sandbox.content['clientUrl']}/health").status == 200


def test_told_to_end_nothing_is_left(sandbox: Sandbox) -> None:
    sandbox.started = psutil.Process(sandbox.process.pid).children(recursive=True)
    sandbox.end(signal.SIGTERM)
    assert sandbox.process.returncode == 0
    _assert_nothing_is_left(sandbox)
    assert not sandbox.paths.description.exists()
