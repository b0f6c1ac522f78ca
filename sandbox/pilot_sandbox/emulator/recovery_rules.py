"""Application Recovery Controller: routing controls, and whether safety rules allow a change of their states.

Pure: no request, no clock of its own. After the developer guide's "Creating safety rules": an assertion rule looks at
the states as they would be after the change, a gating rule at the gating controls as they are before it. `Inverted`
turns a rule round. For `WaitPeriodMs` after a change of a rule's controls every other change is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class RoutingControl:
    """A switch; `Off` when it is made."""

    arn: str
    name: str
    control_panel_arn: str
    state: str = "Off"


@dataclass
class SafetyRule:
    """An assertion rule, or a gating rule if it has gating controls."""

    arn: str
    name: str
    control_panel_arn: str
    kind: str
    """`ATLEAST`, `AND` or `OR`."""
    threshold: int
    inverted: bool
    wait_period_ms: int
    targets: list[str]
    """The controls whose changes the rule looks at: asserted controls, or target controls."""
    gating: list[str] = field(default_factory=list)
    changed_at: float | None = None
    """When a target last changed, by the clock that `violated` is given."""

    def is_met(self, states: dict[str, str]) -> bool:
        """Whether the rule's controls are as its configuration asks, in these states."""
        on = [states[arn] == "On" for arn in (self.gating or self.targets)]
        met = {"ATLEAST": sum(on) >= self.threshold, "AND": all(on), "OR": any(on)}[self.kind]
        return met != self.inverted


def violated(
    rules: Iterable[SafetyRule], states: dict[str, str], change: dict[str, str], now: float
) -> tuple[SafetyRule, str] | None:
    """The first rule that does not allow the change, and why; `now` in seconds of a clock that never goes back."""
    after = states | change
    changed = {arn for arn in change if states[arn] != change[arn]}
    for rule in rules:
        if not set(rule.targets) & change.keys():
            continue
        waits_seconds = rule.wait_period_ms / 1000
        if changed & set(rule.targets) and rule.changed_at is not None and now - rule.changed_at < waits_seconds:
            return rule, f"its controls changed less than {rule.wait_period_ms} ms ago"
        if not rule.is_met(states if rule.gating else after):
            return rule, "its gating controls do not allow a change" if rule.gating else "its criteria would not be met"
    return None
