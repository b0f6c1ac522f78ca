"""The sandbox's plan document: the published example, with the sandbox's resources in place of real ones."""

from typing import TYPE_CHECKING

import yaml

from .naming import PRIMARY_REGION, RECOVERY_REGION
from .paths import REPOSITORY

if TYPE_CHECKING:
    from .seed import SeedContext
    from .seed_doors import PrimaryDoors

TEMPLATE = REPOSITORY / "examples" / "plans" / "pilot-light.yaml"
# What only a real-world value contains: none of it may be left in a sandbox's plan.
_REAL_WORLD = ("example.com", "111122223333", "192.0.2.", "sg-0a1b2c3d4e5f6")
#: Minutes are right for a real outage; in the sandbox the primary is dead as soon as it is killed.
SANDBOX_HOLD_SECONDS = 5


class PlanUnusable(RuntimeError):
    """The example plan could not be turned into the sandbox's."""


def plan_for(context: "SeedContext", doors: "PrimaryDoors") -> str:
    """Return the plan of one workload as YAML."""
    plan = yaml.safe_load(TEMPLATE.read_text())
    plan = _replace(plan, _values(context, doors), _prefixes(context))
    plan["metadata"]["name"] = context.names.workload
    plan["policy"]["holdSeconds"] = SANDBOX_HOLD_SECONDS
    left = [f"{path} = {value!r}" for path, value in _texts(plan) if any(word in value for word in _REAL_WORLD)]
    if left:
        raise PlanUnusable(f"{TEMPLATE} has values that the sandbox has no counterpart for: {'; '.join(left)}")
    return yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)


def _values(context: "SeedContext", doors: "PrimaryDoors") -> dict[str, str]:
    names = context.names
    real_balancer = "arn:aws:elasticloadbalancing:ap-southeast-2:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"
    real_replica = "arn:aws:rds:ap-southeast-1:111122223333:db:shop-db-replica"
    return {
        "shop-db": names.database(PRIMARY_REGION),
        "shop-db-replica": names.database(RECOVERY_REGION),
        real_replica: names.database_arn(RECOVERY_REGION),
        "shop-app": names.group,
        real_balancer: doors.load_balancer_arn,
        "sg-0a1b2c3d4e5f60001": doors.closed_load_balancer_group,
        "sg-0a1b2c3d4e5f60002": doors.closed_database_group,
        "shop-canary": names.canary_alarm,
        "shop-vault": names.vault,
        "pilot-light-stop-111122223333-ap-southeast-1": context.stop_bucket,
        "stop/pilot-light": names.stop_key,
        "shop.example.com": names.shop.rstrip("."),
        "recovery-lb.shop.example.com": names.load_balancer(RECOVERY_REGION).rstrip("."),
        "192.0.2.53:53": context.dns_address,
    }


def _prefixes(context: "SeedContext") -> dict[str, str]:
    # The functions probe over listeners of their own, so that their network can fail alone.
    return {
        "https://primary-lb.shop.example.com": context.probe_urls[PRIMARY_REGION],
        "https://recovery-lb.shop.example.com": context.probe_urls[RECOVERY_REGION],
    }


def _replace(node: object, values: dict[str, str], prefixes: dict[str, str]) -> object:
    match node:
        case dict():
            return {
                key: value if _is_label(key, value) else _replace(value, values, prefixes)
                for key, value in node.items()
            }
        case list():
            return [_replace(value, values, prefixes) for value in node]
        case str():
            for real, sandboxed in prefixes.items():
                if node.startswith(real):
                    return sandboxed + node.removeprefix(real)
            return values.get(node, node)
        case _:
            return node


def _is_label(key: str, value: object) -> bool:
    # A component's name is only a label within the plan; a DNS expectation's name is the real thing.
    return key == "name" and isinstance(value, str) and "." not in value


def _texts(node: object, path: str = "") -> list[tuple[str, str]]:
    match node:
        case dict():
            return [found for key, value in node.items() for found in _texts(value, f"{path}.{key}")]
        case list():
            return [found for index, value in enumerate(node) for found in _texts(value, f"{path}[{index}]")]
        case str():
            return [(path.lstrip("."), node)]
        case _:
            return []
