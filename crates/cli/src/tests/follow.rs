//! Following a run to its end.

use std::cell::RefCell;
use std::time::Duration;

use pilot_core::contract::Mode;
use pilot_core::journal::StepRecord;
use serde_json::{Value, json};

use super::fake::{EXECUTION, Fake, Look, RUN, failed, of, running, succeeded, unreachable};
use super::screens::Recorded;
use super::told;
use crate::answer::Verdict;
use crate::run_follow::{Followed, to_the_end};

const DESCRIBE: &str = "states:DescribeExecution";
const REPORT: &str = "s3://artifacts/runs/shop/shop-20260314T092653Z/report.json";

async fn followed(stack: &Fake) -> (Recorded, String, Verdict) {
    let mut screen = Recorded::default();
    let run = Followed { run_id: RUN, execution_arn: EXECUTION };
    let answer = to_the_end(stack, &mut screen, &run, Duration::from_millis(1)).await;
    assert!(screen.done, "the spinner is left on the screen");
    let text = told(&screen, &answer);
    (screen, text, answer.verdict)
}

fn closed(outcome: &str, reason: &str) -> Value {
    json!({"runId": RUN, "outcome": outcome, "reason": reason, "report": REPORT})
}

fn step(name: &str, outcome: &str, component: Value) -> StepRecord {
    of(json!({"name": name, "startedAt": "2026-03-14T09:27:00Z", "outcome": outcome, "components": [component]}))
}

fn seen(looks: Vec<Look>, steps: Vec<Vec<StepRecord>>) -> Fake {
    Fake { steps: RefCell::new(steps.into()), ..Fake::with_run(Mode::Failover, looks) }
}

#[tokio::test]
async fn every_change_is_told_once_and_a_recovered_run_is_a_success() {
    let assess = |status: &str, detail: &str| {
        step("assess", status, json!({"name": "quorum", "status": status, "detail": detail}))
    };
    let wanted = "the plan wants every promotion approved";
    let gate = |status: &str, component: &str, detail: &str| {
        step("gate", status, json!({"name": component, "status": status, "detail": detail}))
    };
    let stack = seen(
        vec![
            running(),
            running(),
            running(),
            running(),
            running(),
            running(),
            succeeded(&closed("recovered", "eu-west-1 serves")),
        ],
        vec![
            vec![],
            vec![assess("inProgress", "2 of 3 fates fail, for 10 s")],
            vec![assess("inProgress", "2 of 3 fates fail, for 20 s")],
            vec![assess("done", "down"), gate("inProgress", "approval", wanted)],
            vec![assess("done", "down"), gate("inProgress", "approval", wanted)],
            vec![assess("done", "down"), gate("inProgress", "approval", "bob is none of the plan's approvers (ada)")],
            vec![assess("done", "down"), gate("done", "gate", "approved by ada")],
        ],
    );
    let (screen, text, verdict) = followed(&stack).await;
    insta::assert_snapshot!(text);
    assert_eq!(verdict, Verdict::Ok);
    assert_eq!(screen.waited_for[2], "assess quorum: 2 of 3 fates fail, for 20 s", "the spinner shows no detail");
}

#[tokio::test]
async fn a_stuck_run_is_no_success_and_its_report_says_what_is_next() {
    let mut stack =
        seen(vec![failed("Stuck", &closed("stuck", "ComputeFailed: no capacity [shop-app]").to_string())], vec![]);
    insta::assert_snapshot!("a_stuck_run_whose_report_cannot_be_read", followed(&stack).await.1);
    let mut report: Value = serde_json::from_str(include_str!("../../tests/data/report.json")).unwrap();
    report["next"] = json!("raise the quota; then go on with it: pilot resume shop-20260314T092653Z");
    stack.reports.insert(REPORT.into(), report.to_string().into_bytes());
    let (_, text, verdict) = followed(&stack).await;
    insta::assert_snapshot!(text);
    assert_eq!(verdict, Verdict::Problems);
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_have_done() {
    let mut output = closed("dryRun", "the whole way was walked, nothing was changed");
    output["decisions"] = json!([
        {"step": "promote-data", "component": "shop-db", "action": "promote-read-replica", "resource": "shop-db-replica",
         "detail": "would be promoted", "irreversible": true, "at": "2026-03-14T09:27:26Z"},
        {"step": "scale-compute", "component": "web", "action": "resize-group", "resource": "shop-app",
         "detail": "0 to 2", "at": "2026-03-14T09:27:26Z"},
    ]);
    let (_, text, verdict) = followed(&seen(vec![succeeded(&output)], vec![])).await;
    insta::assert_snapshot!(text);
    assert_eq!(verdict, Verdict::Ok);
}

#[tokio::test]
async fn a_run_that_did_not_close_itself_is_told() {
    let (_, text, verdict) = followed(&seen(vec![failed("States.Timeout", "the run took too long")], vec![])).await;
    insta::assert_snapshot!(text);
    assert_eq!(verdict, Verdict::Problems);
}

#[tokio::test]
async fn some_blind_looks_are_borne() {
    let mut looks: Vec<Look> = vec![Err(unreachable(DESCRIBE)); 9];
    looks.push(running());
    looks.extend(vec![Err(unreachable(DESCRIBE)); 9]);
    looks.push(succeeded(&closed("recovered", "eu-west-1 serves")));
    assert_eq!(followed(&seen(looks, vec![])).await.2, Verdict::Ok);
}

#[tokio::test]
async fn a_run_out_of_sight_is_told_to_go_on() {
    let (_, text, verdict) = followed(&seen(vec![Err(unreachable(DESCRIBE))], vec![])).await;
    insta::assert_snapshot!(text);
    assert_eq!(verdict, Verdict::Unusable);
}
