"""No dependence on the dead: the primary Region and us-east-1 refuse or hang, and the failover completes."""

import pytest
from sandbox_under_test import Workload
from test_recovery import assert_recovered

_DEAD = ["ap-southeast-2", "us-east-1"]
# Longer than any call may take: the caller gives up, not the Region.
_FAULTS = {"refusing": {"reset": True}, "hanging": {"timeout_ms": 60_000}}


@pytest.mark.parametrize("how", sorted(_FAULTS))
def test_dead_regions(workload: Workload, how: str) -> None:
    """The whole way is gone without an answer from either Region, and what that cost is stated."""
    sandbox = workload.sandbox
    # First the kill: it sets the world's own rules for the primary Region, and one of these reads like ours.
    workload.kill()
    for region in _DEAD:
        sandbox.add_fault({"service": "*", "region": region, **_FAULTS[how]})
    run = workload.run()
    sandbox.clear_faults()
    assert_recovered(workload, run)
    fence = run.report["evidence"]["fence"]
    assert {item["state"] for item in fence["items"]} == {"unreachable"}
    assert not fence["achieved"]
    assert {item["looks"] for item in fence["items"]} == {2}, "given up after two looks"
    print(
        f"{how}: the fence cost {fence['seconds']} s, the decision to traffic {run.report['rtoFromDecisionSeconds']} s"
    )
