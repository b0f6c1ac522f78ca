"""Names of everything that belongs to one workload, in both Regions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

#: The Regions of `pilot-light`. What works for any topology asks the workload's `Names.regions` instead.
PRIMARY_REGION = "ap-southeast-2"
RECOVERY_REGION = "ap-southeast-1"
ACCOUNT_ID = "000000000000"
STACK_NAME = "pilot-light"

# RDS identifiers allow 63 characters; the longest suffix used here is "-aurora-recovery-1".
_WORKLOAD_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_LOAD_BALANCING_NAME_MAX = 32
_CACHE_NAME_MAX = 40


class InvalidName(ValueError):
    """A workload's or a sandbox's name cannot be used in resource names."""


def check_name(name: str) -> str:
    """Return `name` if it can stand in RDS, Auto Scaling, DNS and file names; raise InvalidName otherwise."""
    if not _WORKLOAD_NAME.fullmatch(name) or "--" in name:
        raise InvalidName(
            f"{name!r} is not a usable name: 2 to 40 lower-case letters, digits and single hyphens, a letter first"
        )
    return name


@dataclass(frozen=True)
class Regions:
    """The pair of Regions that a workload lives in; the roles are those of the beginning, whoever serves now."""

    primary: str
    recovery: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.primary, self.recovery))

    def __len__(self) -> int:
        return 2


PILOT_LIGHT_REGIONS = Regions(PRIMARY_REGION, RECOVERY_REGION)


@dataclass(frozen=True)
class Names:
    """The resource names of one workload; pure text, nothing is looked up."""

    workload: str
    regions: Regions = PILOT_LIGHT_REGIONS

    def __post_init__(self) -> None:
        check_name(self.workload)

    def role(self, region: str) -> str:
        """`primary` or `recovery`; raises InvalidName for a Region that is not the workload's."""
        if region not in self.regions:
            raise InvalidName(f"workload {self.workload} is in {' and '.join(self.regions)}, not in {region}")
        return "primary" if region == self.regions.primary else "recovery"

    @property
    def zone(self) -> str:
        """Hosted zone, with the closing dot as Route 53 writes it."""
        return f"{self.workload}.test."

    @property
    def shop(self) -> str:
        """The failover record pair that users call."""
        return f"shop.{self.zone}"

    @property
    def api(self) -> str:
        """The simple record that the route53Records method rewrites."""
        return f"api.{self.zone}"

    def load_balancer(self, region: str) -> str:
        """DNS name of one Region's load balancer."""
        return f"{self.role(region)}-lb.{self.zone}"

    @property
    def load_balancer_name(self) -> str:
        """Elastic Load Balancing's name of the primary's load balancer, in the 32 characters that it allows."""
        return self._short("lb")

    @property
    def target_group(self) -> str:
        """Elastic Load Balancing's name of the target group behind it, as short as a load balancer's."""
        return self._short("tg")

    def _short(self, ending: str, longest: int = _LOAD_BALANCING_NAME_MAX) -> str:
        name = f"{self.workload}-{ending}"
        if len(name) <= longest:
            return name
        digest = sha256(self.workload.encode()).hexdigest()[:8]
        return f"{self.workload[:20].rstrip('-')}-{digest}-{ending}"

    def security_group(self, of: str, *, closed: bool) -> str:
        """Security group of a Region's load balancer (`lb`) or database (`db`)."""
        return f"{self.workload}-{of}-{'closed' if closed else 'open'}"

    def database(self, region: str) -> str:
        """RDS identifier: the primary instance or its cross-Region replica."""
        return f"{self.workload}-db" if self.role(region) == "primary" else f"{self.workload}-db-replica"

    def database_arn(self, region: str) -> str:
        """ARN of one Region's database instance."""
        return f"arn:aws:rds:{region}:{ACCOUNT_ID}:db:{self.database(region)}"

    @property
    def parameter_group(self) -> str:
        """RDS parameter group of instances, of the same name in both Regions."""
        return f"{self.workload}-parameters"

    @property
    def cluster_parameter_group(self) -> str:
        """RDS parameter group of clusters, of the same name in both Regions."""
        return f"{self.workload}-cluster-parameters"

    @property
    def global_cluster(self) -> str:
        """Aurora global database."""
        return f"{self.workload}-global"

    def cluster(self, region: str) -> str:
        """DB cluster of one Region, a member of the global database."""
        return f"{self.workload}-aurora-{self.role(region)}"

    def cluster_arn(self, region: str) -> str:
        """ARN of one Region's DB cluster."""
        return f"arn:aws:rds:{region}:{ACCOUNT_ID}:cluster:{self.cluster(region)}"

    def cluster_instance(self, region: str, number: int = 1) -> str:
        """An instance in one Region's DB cluster; the first is the writer's to begin with."""
        return f"{self.cluster(region)}-{number}"

    @property
    def restored_cluster(self) -> str:
        """DB cluster that is restored beside the primary Region's own."""
        return f"{self.workload}-aurora-restored"

    def restored_instance(self, number: int) -> str:
        """An instance in it."""
        return f"{self.restored_cluster}-{number}"

    @property
    def table(self) -> str:
        """DynamoDB table in the primary Region."""
        return f"{self.workload}-carts"

    @property
    def table_arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:dynamodb:{self.regions.primary}:{ACCOUNT_ID}:table/{self.table}"

    @property
    def restored_table(self) -> str:
        """DynamoDB table that is restored beside it."""
        return f"{self.table}-restored"

    @property
    def function(self) -> str:
        """Lambda function that is the application."""
        return f"{self.workload}-api"

    @property
    def cache(self) -> str:
        """ElastiCache replication group, of the same name in both Regions, in the 40 characters that it allows."""
        return self._short("cache", _CACHE_NAME_MAX)

    def cache_member(self, region: str) -> str:
        """ElastiCache replication group of one Region, a member of the global datastore."""
        return self.cache if self.role(region) == "primary" else self._short("cache-dr", _CACHE_NAME_MAX)

    @property
    def global_cache_suffix(self) -> str:
        """What the owner chose of the global datastore's id; ElastiCache puts a prefix before it."""
        return f"{self.workload}-sessions"

    def bucket(self, region: str) -> str:
        """The frontend's bucket in one Region."""
        return f"{self.workload}-frontend-{region}"

    @property
    def build_source_bucket(self) -> str:
        """The bucket in the recovery Region that holds the owner's infrastructure code."""
        return f"{self.workload}-infrastructure"

    def build_project(self, of: str) -> str:
        """CodeBuild project in the recovery Region that runs the owner's infrastructure code."""
        return f"{self.workload}-{of}"

    def role_arn(self, of: str) -> str:
        """ARN of an IAM role of the owner's."""
        return f"arn:aws:iam::{ACCOUNT_ID}:role/{self.workload}-{of}"

    @property
    def group(self) -> str:
        """Auto Scaling group, of the same name in both Regions."""
        return f"{self.workload}-app"

    @property
    def launch_template(self) -> str:
        """Launch template, of the same name in both Regions."""
        return f"{self.workload}-app"

    @property
    def ecs_cluster(self) -> str:
        """ECS cluster, of the same name in both Regions."""
        return f"{self.workload}-cluster"

    @property
    def service(self) -> str:
        """ECS service, and the family of its task definition, of the same name in both Regions."""
        return f"{self.workload}-app"

    @property
    def canary_alarm(self) -> str:
        """Alarm on what the outside client sees."""
        return f"{self.workload}-canary"

    def alarm(self, on: str) -> str:
        """Another alarm, of the same name in every Region that has it."""
        return f"{self.workload}-{on}"

    @property
    def vault(self) -> str:
        """Backup vault in the recovery Region."""
        return f"{self.workload}-vault"

    def plan(self, ending: str = "") -> str:
        """Name of the workload's plan, or of another plan of the same workload."""
        return f"{self.workload}-{ending}" if ending else self.workload

    def plan_key(self, ending: str = "") -> str:
        """Key of a plan document in the artifacts bucket."""
        return f"plans/{self.plan(ending)}.yaml"

    @property
    def stop_key(self) -> str:
        """Key of the object whose presence moves traffic away from the primary."""
        return f"stop/{self.workload}"
