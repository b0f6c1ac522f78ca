"""What template.yaml says of the functions: which there are, and the environment each one gets."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Function:
    """One function as the template deploys it."""

    name: str
    binary: Path
    environment: dict[str, str]


class _TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as None: a value that only a deployment knows."""


_TemplateLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def functions(template_file: Path) -> list[Function]:
    """Every function of the template, with stand-ins for what only a deployment knows."""
    template = yaml.load(template_file.read_text(), Loader=_TemplateLoader)
    shared = _variables(template.get("Globals", {}).get("Function", {}))
    found = []
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        folder = Path(properties["CodeUri"])
        environment = {name: _stand_in(name, value) for name, value in (shared | _variables(properties)).items()}
        found.append(Function(folder.name, template_file.parent / folder / "bootstrap", environment))
    return sorted(found, key=lambda function: function.name)


def _variables(properties: dict) -> dict:
    return properties.get("Environment", {}).get("Variables", {})


def _stand_in(name: str, value: object) -> str:
    if value is not None:
        return str(value)
    if name.endswith("_ARN"):
        return "arn:aws:sns:ap-southeast-1:000000000000:qemu-topic"
    return "qemu-" + name.lower().replace("_", "-")
