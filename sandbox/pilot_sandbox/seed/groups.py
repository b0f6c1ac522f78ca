"""Auto Scaling groups of the same name in both Regions, with their launch templates."""

from dataclasses import dataclass

from ..aws_clients import AwsClients
from .context import SeedContext, unless, wait
from .doors import PrimaryDoors

#: Minimum, maximum and desired capacity.
Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Groups:
    """Makes the groups in these sizes; see `Part`."""

    primary: Sizes
    #: None: there is none in the recovery Region until somebody deploys it.
    recovery: Sizes | None

    def seed(self, clients: AwsClients, context: SeedContext, _: PrimaryDoors) -> None:
        """Create launch template and group in both Regions."""
        names = context.names
        for region in context.regions:
            if (sizes := self._sizes(context, region)) is None:
                continue
            with unless("InvalidLaunchTemplateName.AlreadyExistsException"):
                clients.client("ec2", region).create_launch_template(
                    LaunchTemplateName=names.launch_template,
                    LaunchTemplateData={"ImageId": "ami-00000000000000001", "InstanceType": "t4g.small"},
                )
            smallest, largest, desired = sizes
            with unless("AlreadyExists", "AlreadyExistsFault"):
                clients.client("autoscaling", region).create_auto_scaling_group(
                    AutoScalingGroupName=names.group,
                    MinSize=smallest,
                    MaxSize=largest,
                    DesiredCapacity=desired,
                    AvailabilityZones=[f"{region}a", f"{region}b"],
                    LaunchTemplate={"LaunchTemplateName": names.launch_template, "Version": "$Latest"},
                )

    def settle(self, clients: AwsClients, context: SeedContext) -> None:
        """Wait until every wanted instance is in service."""
        for region in context.regions:
            if (sizes := self._sizes(context, region)) is not None:
                self._wait_for_group(clients, context, region, wanted=sizes[2])

    def remove(self, clients: AwsClients, context: SeedContext) -> None:
        """Delete groups, with their instances, and launch templates."""
        names = context.names
        for region in context.regions:
            with unless("ValidationError"):
                clients.client("autoscaling", region).delete_auto_scaling_group(
                    AutoScalingGroupName=names.group, ForceDelete=True
                )
            with unless("InvalidLaunchTemplateName.NotFoundException", "InvalidLaunchTemplateId.NotFoundException"):
                clients.client("ec2", region).delete_launch_template(LaunchTemplateName=names.launch_template)

    def _sizes(self, context: SeedContext, region: str) -> Sizes | None:
        return self.primary if region == context.regions.primary else self.recovery

    def _wait_for_group(self, clients: AwsClients, context: SeedContext, region: str, *, wanted: int) -> None:
        autoscaling, group = clients.client("autoscaling", region), context.names.group

        def in_service() -> str | None:
            groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])
            count = sum(i["LifecycleState"] == "InService" for i in groups["AutoScalingGroups"][0]["Instances"])
            return None if count == wanted else f"group {group} in {region} has {count} of {wanted} InService"

        wait(in_service)
