"""From the calls of a recorded run to the cases, and from a request to the name of its call."""

from microburst.core.context import RequestContext
from pilot_sandbox.faults.calls import cases_of, random_kills, site_name
from pilot_sandbox.faults.kinds import KINDS, ONE_CALL
from pilot_sandbox.wire.naming import site_of, workload_of


def _call(function: str, operation: str, item: str = "", nth: int = 1) -> dict:
    return {"function": function, "operation": operation, "item": item, "nth": nth}


RECORDED = [
    _call("outside", "dynamodb.GetItem"),
    _call("promote-db", "rds.PromoteReadReplica"),
    _call("promote-db", "rds.DescribeDBInstances", nth=1),
    _call("promote-db", "rds.DescribeDBInstances", nth=2),
    *(_call("validate", "s3.GetObject", "plan", nth) for nth in (1, 2, 3, 4)),
]


def test_every_call_gets_every_fault() -> None:
    """A call that is made often is one call, but for the function that serves three steps."""
    cases = cases_of("failover", RECORDED, None)
    assert len(set(cases)) == len(cases)
    of_promotion = [case.fault for case in cases if case.call == "promote-db rds.PromoteReadReplica"]
    assert sorted(of_promotion) == sorted(KINDS)
    assert {case.nth for case in cases if case.function == "validate"} == {1, 2, 3}
    assert len(cases) == 3 * len(KINDS) + 2 * len(ONE_CALL)
    assert {case.function for case in cases_of("failover", RECORDED, frozenset({"validate"}))} == {"validate"}


def test_random_kills_are_the_same_for_one_seed() -> None:
    """What was found once can be found again."""
    assert (
        random_kills("failover", RECORDED, 20, 7)
        == random_kills("failover", RECORDED, 20, 7)
        != random_kills("failover", RECORDED, 20, 8)
    )
    made = {site_name(call) for call in RECORDED[1:]}
    assert {case.call for case in random_kills("failover", RECORDED, 50, 1)} <= made


def _context(service: str, operation: str, path: str = "/", agent: str = "") -> RequestContext:
    context = RequestContext(
        method="POST",
        path=path,
        query={},
        headers={"User-Agent": agent},
        body=None,
        service=service,
        region="here",
        access_key="test",
        protocol=None,
        query_compat=False,
    )
    context.operation = operation
    return context


def test_a_call_is_named_by_function_operation_and_item() -> None:
    """Ids differ from run to run; names do not."""
    agent = "aws-sdk-rust/1.3 app/promote-db lang/rust"
    body = '{"TableName":"t","Key":{"pk":{"S":"run#fx1-run"},"sk":{"S":"act#promote-data#db#promote-read-replica"}}}'
    site = site_of(_context("dynamodb", "UpdateItem", agent=agent), body)
    assert str(site) == "promote-db dynamodb.UpdateItem act#promote-data#db#promote-read-replica"
    site = site_of(_context("s3", "PutObject", path="/bucket/runs/fx1/fx1-run/report.json"), "")
    assert str(site) == "outside s3.PutObject report.json"


def test_whose_a_call_is() -> None:
    """The longest name, and never by the stack's own resources, which are called like the first workload."""
    known = ["shop", "shop-two", "pilot-light"]
    context = _context("dynamodb", "GetItem")
    assert workload_of(context, '{"S":"workload#shop-two"}', known) == "shop-two"
    assert workload_of(context, '{"TableName":"pilot-light-StateTable-1A2B","S":"workload#shop"}', known) == "shop"
    assert workload_of(context, '{"TableName":"pilot-light-StateTable-1A2B"}', known) is None
    assert workload_of(context, '{"S":"workload#pilot-light"}', known) == "pilot-light"
