"""Auto Scaling: capacity that takes time, can fail, and is real.

ministack makes instances appear InService at once. Here each instance is an application process that the world starts
and ends, and a group moves towards its desired capacity the way AWS does: Pending, InService, Terminating, gone.
"""

from __future__ import annotations

import threading
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region
from ministack.services import autoscaling

from .autoscaling_engine import GroupKey, ScalingEngine
from .world_hooks import World


class GroupShim:
    """Replaces the calls that change a group, and those that tell what became of the change."""

    def __init__(self, world: World) -> None:
        self._engine = ScalingEngine(world)
        self._create = autoscaling._create_asg
        self._update = autoscaling._update_asg
        self._set_desired = autoscaling._set_desired_capacity
        self._delete = autoscaling._delete_asg
        # One change of bounds at a time: each is a read, a check and a write.
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put the shim in place and start moving groups towards their desired capacity."""
        # ministack's own reconciliation would make instances appear at once; the engine below does it over time.
        autoscaling._reconcile_instances = lambda group: None
        autoscaling._ACTION_MAP.update(
            CreateAutoScalingGroup=self.create,
            UpdateAutoScalingGroup=self.update,
            SetDesiredCapacity=self.set_desired,
            DeleteAutoScalingGroup=self.delete,
            DescribeScalingActivities=self.describe_activities,
        )
        self._engine.start()

    def create(self, params: dict) -> tuple:
        """CreateAutoScalingGroup."""
        minimum, maximum = _number(params, "MinSize", 0), _number(params, "MaxSize", 0)
        refusal = _refuse_bounds(minimum, maximum, _number(params, "DesiredCapacity", minimum))
        return refusal or self._create(params)

    def update(self, params: dict) -> tuple:
        """UpdateAutoScalingGroup: bounds and desired capacity are checked together, before anything is changed."""
        with self._lock:
            group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
            if group is None:
                return _not_found()
            minimum = _number(params, "MinSize", group["MinSize"])
            maximum = _number(params, "MaxSize", group["MaxSize"])
            if autoscaling._p(params, "DesiredCapacity"):
                desired = _number(params, "DesiredCapacity", 0)
            else:
                # AWS moves the desired capacity along when a new bound leaves it outside.
                desired = min(max(group["DesiredCapacity"], minimum), maximum)
            refusal = _refuse_bounds(minimum, maximum, desired)
            return refusal or self._update({**params, "DesiredCapacity": str(desired)})

    def set_desired(self, params: dict) -> tuple:
        """SetDesiredCapacity."""
        with self._lock:
            group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
            if group is None:
                return _not_found()
            desired = _number(params, "DesiredCapacity", group["DesiredCapacity"])
            for bound, side, wrong in (
                ("MaxSize", "above max", desired > group["MaxSize"]),
                ("MinSize", "below min", desired < group["MinSize"]),
            ):
                if wrong:
                    message = f"New SetDesiredCapacity value {desired} is {side} value {group[bound]} for the"
                    return autoscaling._error("ValidationError", f"{message} AutoScalingGroup.")
            return self._set_desired(params)

    def delete(self, params: dict) -> tuple:
        """DeleteAutoScalingGroup: refused while instances run, unless ForceDelete."""
        name = autoscaling._p(params, "AutoScalingGroupName")
        group = autoscaling._asgs.get(name)
        if group is None:
            return _not_found()
        if group["Instances"] and autoscaling._p(params, "ForceDelete") != "true":
            message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot"
            return autoscaling._error("ResourceInUse", f"{message} instance request(s) still in the group.")
        self._engine.end_group(_key(name), group)
        return self._delete(params)

    def describe_activities(self, params: dict) -> tuple:
        """DescribeScalingActivities, newest first."""
        name = autoscaling._p(params, "AutoScalingGroupName")
        wanted = autoscaling._parse_member_list(params, "ActivityIds")
        activities = self._engine.activities(get_account_id(), get_region(), name or None)
        members = "".join(
            _activity_xml(activity) for activity in activities if not wanted or activity["ActivityId"] in wanted
        )
        result = f"<Activities>{members}</Activities>"
        inner = f"<DescribeScalingActivitiesResult>{result}</DescribeScalingActivitiesResult>"
        return autoscaling._xml(200, "DescribeScalingActivitiesResponse", inner)


def _refuse_bounds(minimum: int, maximum: int, desired: int) -> tuple | None:
    if minimum > maximum:
        message = f"Max bound, {maximum}, must be greater than or equal to min bound, {minimum}"
        return autoscaling._error("ValidationError", message)
    if not minimum <= desired <= maximum:
        message = f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        return autoscaling._error("ValidationError", message)
    return None


def _not_found() -> tuple:
    return autoscaling._error("ValidationError", "AutoScalingGroup name not found - null")


def _number(params: dict, name: str, default: int) -> int:
    raw = autoscaling._p(params, name)
    return int(raw) if raw else default


def _key(name: str) -> GroupKey:
    return get_account_id(), get_region(), name


def _activity_xml(activity: dict) -> str:
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in activity.items() if value is not None)
    return f"<member>{fields}</member>"
