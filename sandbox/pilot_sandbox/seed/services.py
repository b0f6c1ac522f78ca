"""ECS services on Fargate of the same name in both Regions, their count owned by Application Auto Scaling."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from ..naming import ACCOUNT_ID
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors
from .groups import Sizes

_SCALED = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
_GONE = ("ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException", "ObjectNotFoundException")


@dataclass(frozen=True)
class Services:
    """Makes the services in these sizes; see `Part`."""

    primary: Sizes
    recovery: Sizes

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create cluster, task definition, service and scalable target in both Regions."""
        names = context.names
        for region in context.regions:
            smallest, largest, desired = self._sizes(context, region)
            ecs, scaling = clients.client("ecs", region), clients.client("application-autoscaling", region)
            ecs.create_cluster(clusterName=names.ecs_cluster)  # of a cluster that is there, AWS returns the cluster
            if not self._described(ecs, context):
                self._create_service(clients, context, region, desired)
            scaling.register_scalable_target(
                **_SCALED, ResourceId=_resource(context), MinCapacity=smallest, MaxCapacity=largest
            )

    def _create_service(self, clients: AwsClients, context: SeedContext, region: str, desired: int) -> None:
        names, ecs = context.names, clients.client("ecs", region)
        task = ecs.register_task_definition(
            family=names.service,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/ecs-task-execution",
            containerDefinitions=[
                {"name": "app", "image": "orders:1", "essential": True, "portMappings": [{"containerPort": 8080}]}
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        subnets = clients.client("ec2", region).describe_subnets(
            Filters=[{"Name": "default-for-az", "Values": ["true"]}]
        )["Subnets"]
        ecs.create_service(
            cluster=names.ecs_cluster,
            serviceName=names.service,
            taskDefinition=task,
            desiredCount=desired,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet["SubnetId"] for subnet in subnets]}},
        )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait until every wanted task runs and every deployment is complete."""
        for region in context.regions:
            self._wait_for_service(clients, context, region)

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete scalable targets, services with their tasks, task definitions and clusters."""
        names = context.names
        for region in context.regions:
            ecs = clients.client("ecs", region)
            with unless(*_GONE):
                clients.client("application-autoscaling", region).deregister_scalable_target(
                    **_SCALED, ResourceId=_resource(context)
                )
            with unless(*_GONE):
                ecs.delete_service(cluster=names.ecs_cluster, service=names.service, force=True)
            for arn in ecs.list_task_definitions(familyPrefix=names.service)["taskDefinitionArns"]:
                ecs.deregister_task_definition(taskDefinition=arn)
            wait(lambda ecs=ecs: _still_there(ecs, context))
            with unless(*_GONE):
                ecs.delete_cluster(cluster=names.ecs_cluster)

    def _sizes(self, context: SeedContext, region: str) -> Sizes:
        return self.primary if region == context.regions.primary else self.recovery

    @staticmethod
    def _described(ecs, context: SeedContext) -> dict | None:
        found = ecs.describe_services(cluster=context.names.ecs_cluster, services=[context.names.service])["services"]
        return next((service for service in found if service["status"] == "ACTIVE"), None)

    def _wait_for_service(self, clients: AwsClients, context: SeedContext, region: str) -> None:
        ecs, wanted = clients.client("ecs", region), self._sizes(context, region)[2]

        def steady() -> str | None:
            service = self._described(ecs, context)
            if service is None:
                return f"service {context.names.service} in {region} is not active"
            count, deployments = service["runningCount"], len(service["deployments"])
            if (count, deployments) == (wanted, 1):
                return None
            return (
                f"service {context.names.service} in {region} has {count} of {wanted} tasks, {deployments} deployments"
            )

        wait(steady)


def _resource(context: SeedContext) -> str:
    return f"service/{context.names.ecs_cluster}/{context.names.service}"


def _still_there(ecs, context: SeedContext) -> str | None:
    """AWS deletes no cluster whose service still drains its tasks."""
    names, found = context.names, []
    with unless(*_GONE):
        found = ecs.describe_services(cluster=names.ecs_cluster, services=[names.service])["services"]
    left = [service["status"] for service in found if service["status"] != "INACTIVE"]
    return f"service {names.service} is {left[0]}" if left else None
