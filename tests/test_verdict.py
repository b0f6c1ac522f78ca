"""Three different ways to fail, three different verdicts: nobody fails over a Region because the observer is blind."""

from sandbox_under_test import Workload


def test_verdicts(workload: Workload) -> None:
    """Healthy; application only; database only; the observer's own network only."""
    healthy = workload.verdict_until("healthy")
    assert set(healthy["judgement"]["fates"].values()) == {"healthy"}

    workload.kill("app")
    impaired = workload.verdict_until("impaired")
    assert impaired["judgement"]["fates"] == {"application": "failing", "database": "healthy"}
    workload.mend("app")
    workload.verdict_until("healthy")

    workload.kill("database")
    down = workload.verdict_until("down")
    assert down["judgement"]["fates"] == {"application": "failing", "database": "failing"}
    workload.mend("database")
    workload.verdict_until("healthy")

    workload.probe_network("down")
    unknown = workload.verdict_until("unknown")
    assert unknown["judgement"]["observerNetworkOk"] is False
    assert unknown["judgement"]["fates"]["database"] == "healthy"
    workload.probe_network("up")
    workload.verdict_until("healthy")
