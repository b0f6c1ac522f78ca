"""The buildspec of a CodeBuild project, version 0.2: what is run, in which phase, with which variables.

Refused is what the sandbox would not do as CodeBuild does: `on-failure`, `proxy`, `batch`, variables out of a store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_UNSUPPORTED = ("proxy", "batch")
_UNSUPPORTED_ENVIRONMENT = ("parameter-store", "secrets-manager")


class BuildspecError(ValueError):
    """CodeBuild, or this sandbox, would not run this buildspec."""


@dataclass(frozen=True)
class Phase:
    """The commands of one phase."""

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    """Run after the commands, also if one of them failed."""


@dataclass(frozen=True)
class Buildspec:
    """A buildspec that can be run."""

    shell: str = "sh"
    variables: dict[str, str] = field(default_factory=dict)
    exported_variables: tuple[str, ...] = ()
    phases: dict[str, Phase] = field(default_factory=dict)
    """By name; a phase that the buildspec does not have is missing."""


def parse(text: str) -> Buildspec:
    """Read a buildspec; raises BuildspecError with what is wrong with it."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"the buildspec is no YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("phases"), dict):
        raise BuildspecError("the buildspec has no phases")
    if str(document.get("version")) != "0.2":
        raise BuildspecError(f"the buildspec's version is {document.get('version')!r}; the sandbox runs 0.2")
    _refuse(document, _UNSUPPORTED, "the buildspec")
    environment = document.get("env") or {}
    _refuse(environment, _UNSUPPORTED_ENVIRONMENT, "env")
    if environment.get("shell", "sh") not in ("sh", "bash", "/bin/sh"):
        raise BuildspecError(f"env.shell is {environment['shell']!r}; the sandbox has sh and bash")
    unknown = document["phases"].keys() - set(PHASES)
    if unknown:
        raise BuildspecError(f"unknown phases {sorted(unknown)}; CodeBuild has {', '.join(PHASES)}")
    return Buildspec(
        shell="bash" if environment.get("shell") == "bash" else "sh",
        variables={name: str(value) for name, value in (environment.get("variables") or {}).items()},
        exported_variables=tuple(environment.get("exported-variables") or ()),
        phases={name: _phase(name, document["phases"][name] or {}) for name in PHASES if name in document["phases"]},
    )


def _phase(name: str, phase: dict) -> Phase:
    _refuse(phase, ("on-failure", "run-as"), f"phases.{name}")
    return Phase(_commands(name, phase, "commands"), _commands(name, phase, "finally"))


def _commands(name: str, phase: dict, member: str) -> tuple[str, ...]:
    commands = phase.get(member) or []
    if not isinstance(commands, list) or not all(isinstance(command, str) for command in commands):
        raise BuildspecError(f"phases.{name}.{member} must be a list of strings")
    return tuple(commands)


def _refuse(part: dict, members: tuple[str, ...], where: str) -> None:
    for member in members:
        if member in part:
            raise BuildspecError(f"{where} has {member!r}, which the sandbox does not know")
