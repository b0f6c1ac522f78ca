"""The sandbox's plan document: the published example, with the sandbox's resources in place of real ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from .seed.context import SeedContext
    from .seed.doors import PrimaryDoors
    from .topologies.topology import Topology

# What only a real-world value contains: none of it may be left in a sandbox's plan.
_REAL_WORLD = ("example.com", "111122223333", "192.0.2.", "sg-0a1b2c3d4e5f6", "EXAMPLE", "ldgnf-")
#: Minutes are right for a real outage; in the sandbox the primary is dead as soon as it is killed.
SANDBOX_HOLD_SECONDS = 5


class PlanUnusable(RuntimeError):
    """The example plan could not be turned into the sandbox's."""


def plan_for(
    topology: "Topology",
    context: "SeedContext",
    doors: "PrimaryDoors",
    looked_up: Mapping[str, str] | None = None,
    ending: str = "",
) -> str:
    """Return a plan of one workload as YAML: the topology's own, or another one of it.

    `looked_up` is what the topology looked up of the seeded resources.
    """
    example = topology.other_plan(ending) if ending else topology.plan
    plan = yaml.safe_load(example.read_text())
    plan = _replace(plan, _values(topology, context, doors) | dict(looked_up or {}), _prefixes(topology, context))
    plan["metadata"]["name"] = context.names.plan(ending)
    plan["policy"]["holdSeconds"] = SANDBOX_HOLD_SECONDS
    _scale(plan, topology)
    left = [f"{path} = {value!r}" for path, value in _texts(plan) if any(word in value for word in _REAL_WORLD)]
    if left:
        raise PlanUnusable(f"{example} has values that the sandbox has no counterpart for: {'; '.join(left)}")
    return yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)


def _scale(plan: dict, topology: "Topology") -> None:
    """Put the capacities of this machine in place of the real ones, in both Regions."""
    for component in plan.get("compute", []):
        if (here := topology.capacities.get(component["name"])) is not None:
            component |= {"capacity": dict(here.serving), "restingCapacity": dict(here.resting)}
    for component in plan.get("home", {}).get("compute", []):
        if (here := topology.capacities.get(component["name"])) is not None:
            component["capacity"] = dict(here.home)


def _values(topology: "Topology", context: "SeedContext", doors: "PrimaryDoors") -> dict[str, str]:
    names, example, (primary, recovery) = context.names, topology.example, topology.regions
    real_balancer = f"arn:aws:elasticloadbalancing:{primary}:111122223333:loadbalancer/app/{example}/50dc6c495c0c9188"
    return {
        **topology.identifiers(names),
        real_balancer: doors.load_balancer_arn,
        "sg-0a1b2c3d4e5f60001": doors.closed_load_balancer_group,
        "sg-0a1b2c3d4e5f60002": doors.closed_database_group,
        "sg-0a1b2c3d4e5f60003": doors.open_load_balancer_group,
        "sg-0a1b2c3d4e5f60004": doors.open_database_group,
        f"{example}-canary": names.canary_alarm,
        f"{example}-vault": names.vault,
        f"pilot-light-stop-111122223333-{recovery}": context.stop_bucket,
        f"stop/{topology.name}": names.stop_key,
        f"{example}.example.com": names.shop.rstrip("."),
        f"recovery-lb.{example}.example.com": names.load_balancer(recovery).rstrip("."),
        f"primary-lb.{example}.example.com": names.load_balancer(primary).rstrip("."),
        "192.0.2.53:53": context.dns_address,
    }


def _prefixes(topology: "Topology", context: "SeedContext") -> dict[str, str]:
    # The functions probe over listeners of their own, so that their network can fail alone.
    return {
        f"https://control.{topology.example}.example.com": context.probe_urls[topology.regions.recovery],
        **{
            f"https://{context.names.role(region)}-lb.{topology.example}.example.com": context.probe_urls[region]
            for region in topology.regions
        },
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
