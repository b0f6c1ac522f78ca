"""Systems Manager Automation: a runbook of schema 0.3 - its parameters, its steps, and the words in double braces.

Pure. Known are the actions `aws:executeAwsApi` and `aws:invokeLambdaFunction`; a runbook with another one is refused
when it is created, so that no execution is a success of steps that nobody ran.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import yaml

ACTIONS = ("aws:executeAwsApi", "aws:invokeLambdaFunction")
_STEP_NAME = re.compile(r"[a-zA-Z0-9_]{3,128}")
_WORD = re.compile(r"\{\{\s*([A-Za-z0-9_:.]+)\s*\}\}")
_SELECTOR_PART = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
_TYPES = ("String", "StringList", "Boolean", "Integer", "StringMap", "MapList")
_PYTHON_TYPES = {"Boolean": bool, "Integer": int, "StringMap": dict}
_TIMEOUT_SECONDS = 3600


class RunbookError(ValueError):
    """The content is no runbook that can be run here."""


class SchemaVersionError(RunbookError):
    """The content is of a schema version that Automation does not have."""


class ParametersError(ValueError):
    """An execution was asked for with parameters that its runbook does not take."""


@dataclass(frozen=True)
class Step:
    """One entry of `mainSteps`."""

    name: str
    action: str
    inputs: dict
    outputs: tuple[dict, ...] = ()
    on_failure: str = "Abort"
    """`Abort`, `Continue` or `step:` and a step's name."""
    is_critical: bool = True
    is_end: bool = False
    next_step: str | None = None
    max_attempts: int = 1
    timeout_seconds: float = _TIMEOUT_SECONDS


@dataclass(frozen=True)
class Runbook:
    """A runbook that can be run."""

    description: str
    parameters: dict[str, dict]
    steps: dict[str, Step]
    """By name, in order."""
    outputs: tuple[str, ...] = field(default=())

    def after(self, step: Step, *, failed: bool) -> Step | None:
        """The step that follows, or None at the end."""
        if failed and step.on_failure == "Abort":
            return None
        if failed and step.on_failure.startswith("step:"):
            return self.steps[step.on_failure.removeprefix("step:")]
        if step.is_end:
            return None
        if step.next_step is not None:
            return self.steps[step.next_step]
        names = list(self.steps)
        following = names.index(step.name) + 1
        return self.steps[names[following]] if following < len(names) else None


def parse(content: str, document_format: str) -> Runbook:
    """Read a runbook; raises RunbookError with what is wrong with it."""
    try:
        document = json.loads(content) if document_format == "JSON" else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError) as error:
        raise RunbookError(f"the content is no {document_format}: {error}") from None
    if not isinstance(document, dict):
        raise RunbookError("the content is no object")
    if document.get("schemaVersion") != "0.3":
        raise SchemaVersionError(f"a runbook's schemaVersion is 0.3, not {document.get('schemaVersion')!r}")
    parameters = document.get("parameters") or {}
    for name, parameter in parameters.items():
        if parameter.get("type") not in _TYPES:
            raise RunbookError(f"parameter {name} has type {parameter.get('type')!r}; known are {', '.join(_TYPES)}")
    given = document.get("mainSteps")
    if not isinstance(given, list) or not given:
        raise RunbookError("the runbook has no mainSteps")
    steps = [_step(each) for each in given]
    by_name = {step.name: step for step in steps}
    if len(by_name) < len(steps):
        raise RunbookError("two steps have the same name")
    for step in steps:
        targets = [step.next_step, step.on_failure.removeprefix("step:") if ":" in step.on_failure else None]
        unknown = [target for target in targets if target is not None and target not in by_name]
        if unknown:
            raise RunbookError(f"step {step.name} leads to {unknown[0]}, which is no step")
    return Runbook(document.get("description", ""), parameters, by_name, tuple(document.get("outputs") or ()))


def _step(given: dict) -> Step:
    name = given.get("name", "")
    if not _STEP_NAME.fullmatch(name):
        raise RunbookError(f"{name!r} is no name of a step")
    if given.get("action") not in ACTIONS:
        message = f"step {name} has action {given.get('action')!r}; this sandbox knows {', '.join(ACTIONS)}"
        raise RunbookError(message)
    inputs = given.get("inputs") or {}
    needed = ("Service", "Api") if given["action"] == "aws:executeAwsApi" else ("FunctionName",)
    if missing := [each for each in needed if each not in inputs]:
        raise RunbookError(f"step {name} lacks the input {missing[0]}")
    on_failure = str(given.get("onFailure", "Abort"))
    if on_failure not in ("Abort", "Continue") and not on_failure.startswith("step:"):
        raise RunbookError(f"step {name} has onFailure {on_failure!r}")
    return Step(
        name=name,
        action=given["action"],
        inputs=inputs,
        outputs=tuple(given.get("outputs") or ()),
        on_failure=on_failure,
        is_critical=given.get("isCritical", True) in (True, "true"),
        is_end=given.get("isEnd", False) in (True, "true"),
        next_step=given.get("nextStep"),
        max_attempts=int(given.get("maxAttempts", 1)),
        timeout_seconds=float(given.get("timeoutSeconds", _TIMEOUT_SECONDS)),
    )


def parameter_values(runbook: Runbook, given: dict[str, list[str]]) -> dict[str, object]:
    """The value of every parameter, typed; raises ParametersError."""
    if unknown := given.keys() - runbook.parameters.keys():
        raise ParametersError(f"the runbook has no parameter {sorted(unknown)[0]}")
    values: dict[str, object] = {}
    for name, parameter in runbook.parameters.items():
        if name in given:
            values[name] = _typed(name, parameter["type"], given[name])
        elif "default" in parameter:
            values[name] = parameter["default"]
        else:
            raise ParametersError(f"the parameter {name} has no default and is not given")
        allowed = parameter.get("allowedValues")
        if allowed is not None and values[name] not in allowed:
            raise ParametersError(f"the parameter {name} is {values[name]!r}; allowed are {allowed}")
        pattern = parameter.get("allowedPattern")
        if pattern is not None and not re.fullmatch(pattern, str(values[name])):
            raise ParametersError(f"the parameter {name} is {values[name]!r}, which does not match {pattern}")
    return values


def _typed(name: str, kind: str, given: list[str]) -> object:
    if kind == "StringList":
        return list(given)
    if kind == "MapList":
        return [json.loads(each) for each in given]
    if len(given) != 1:
        raise ParametersError(f"the parameter {name} of type {kind} takes one value")
    if kind == "String":
        return given[0]
    try:
        value = json.loads(given[0])
    except ValueError:
        value = None
    if type(value) is not _PYTHON_TYPES[kind]:
        raise ParametersError(f"the parameter {name} is {given[0]!r}, no {kind}")
    return value


def fill(inputs: object, words: dict[str, object]) -> object:
    """The inputs with the words in double braces filled in; raises KeyError for a word that means nothing.

    A string that is one such word becomes its value, of whatever type; within a string it is written out.
    """
    if isinstance(inputs, dict):
        return {name: fill(value, words) for name, value in inputs.items()}
    if isinstance(inputs, list):
        return [fill(value, words) for value in inputs]
    if not isinstance(inputs, str):
        return inputs
    if whole := _WORD.fullmatch(inputs.strip()):
        return words[whole.group(1)]
    return _WORD.sub(lambda found: as_text(words[found.group(1)]), inputs)


def select(answer: object, selector: str) -> object:
    """What `$.A.B[0]` selects; raises LookupError."""
    if not selector.startswith("$"):
        raise LookupError(f"the selector {selector!r} does not begin with $")
    end = 1
    for part in _SELECTOR_PART.finditer(selector, 1):
        if part.start() != end:
            break
        end = part.end()
        name, index = part.groups()
        if not isinstance(answer, dict if name is not None else list):
            raise LookupError(f"{selector!r} selects nothing")
        answer = answer[name] if name is not None else answer[int(index)]
    if end != len(selector):
        raise LookupError(f"the sandbox cannot follow the selector {selector!r}")
    return answer


def as_text(value: object) -> str:
    """A value as Automation writes it in a string."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
