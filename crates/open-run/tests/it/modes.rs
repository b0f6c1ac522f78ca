//! Opening the runs that lead there and back: where they lead, and what is refused before the lease is taken.

use open_run::handler::handle;
use pilot_core::FailureName;
use pilot_core::contract::{Mode, Run};
use pilot_shell::ledger::Ledger;
use pilot_testkit::{FakeLedger, FakePlans, fixture, now};
use serde_json::json;

const REGION: &str = "ap-southeast-1";
const MODES: [Mode; 5] = [Mode::Failover, Mode::DryRun, Mode::Switchover, Mode::Protect, Mode::Failback];

async fn open(ledger: &FakeLedger, plan_yaml: &str, mode: Mode) -> Result<Run, pilot_core::Failure> {
    let plans = FakePlans::new();
    plans.put(fixture::PLAN, plan_yaml);
    let event = json!({
        "runId": "run-1",
        "executionArn": format!("arn:aws:states:{REGION}:111122223333:execution:pilot-light:run-1"),
        "startedAt": now().to_string(),
        "request": {"plan": fixture::PLAN, "mode": mode, "reason": "a test"},
    });
    handle(event, ledger, &plans, REGION, now).await
}

#[tokio::test]
async fn only_a_failback_leads_to_another_region() {
    for mode in MODES {
        let run = open(&FakeLedger::new(), &fixture::plan_yaml_with_home(), mode).await.unwrap();
        let expected = (mode == Mode::Failback).then(|| "ap-southeast-2".to_owned());
        assert_eq!((run.mode, run.target_region), (mode, expected));
    }
}

#[tokio::test]
async fn without_a_way_home_there_is_no_protect_and_no_failback_and_no_lease_is_taken() {
    for mode in MODES {
        let ledger = FakeLedger::new();
        let opened = open(&ledger, fixture::PLAN_YAML, mode).await;
        if !matches!(mode, Mode::Protect | Mode::Failback) {
            assert_eq!(opened.unwrap().target_region, None, "{mode:?}");
            continue;
        }
        let failure = opened.unwrap_err();
        assert_eq!(failure.name, FailureName::PlanInvalid);
        assert!(failure.what.starts_with("/home: is missing") && failure.what.contains(mode.as_str()), "{failure}");
        assert!(ledger.lease(fixture::PLAN, mode).await.unwrap().is_none());
        assert!(ledger.steps("run-1").await.unwrap().is_empty() && ledger.evidence("run-1").await.unwrap().is_empty());
    }
}
