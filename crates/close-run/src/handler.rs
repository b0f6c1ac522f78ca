//! The handler: report, then notification, then the lease.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use pilot_core::approval::ASKED;
use pilot_core::contract::{CloseRun, ClosedRun, Mode, Outcome, Run, read_event};
use pilot_core::journal::{Entry, Lease, LeasePhase, Unfinished};
use pilot_core::plan::{Policy, RecoveryPlan};
use pilot_core::report::{Facts, Report, build};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::Clock;
use pilot_shell::ledger::Ledger;
use pilot_shell::plans::PlanStore;
use pilot_shell::telemetry;
use serde_json::{Value, json};

use crate::door::{self, Asked};
use crate::ports::{Notifier, ReportStore};
use crate::{html, metrics, page};

/// The function's name.
pub const FUNCTION: &str = "close-run";

/// The mark that people were told, kept with the run's evidence: a second try does not tell them twice.
pub const NOTIFIED: &str = "notified";
/// Step Functions carries 256 KiB: so many decisions are handed over, the report holds all.
const DECISIONS_MAX: usize = 100;
/// The evidence that is the run itself; the report says all of it in its own words.
const RUN: &str = "run";

/// What closing works with.
#[derive(Debug)]
pub struct Closer<'a, L, P, R, N> {
    /// The state table.
    pub ledger: &'a L,
    /// The plans.
    pub plans: &'a P,
    /// Where the report goes.
    pub reports: &'a R,
    /// Who is told.
    pub notifier: &'a N,
    /// The metrics' namespace.
    pub metrics_namespace: &'a str,
    /// The clock.
    pub clock: Clock,
}

/// Closes a run. Any number of times is the same as once, but for the time in the report.
///
/// # Errors
/// `EventInvalid`, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn handle<L, P, R, N>(event: Value, closer: &Closer<'_, L, P, R, N>) -> Result<ClosedRun, Failure>
where
    L: Ledger,
    P: PlanStore,
    R: ReportStore,
    N: Notifier,
{
    let closing: CloseRun = read_event(FUNCTION, event)?;
    // Boxed: the SDK's futures nested in all of ours are deeper than the compiler computes a layout for.
    match closing.run.clone() {
        Some(run) => Box::pin(closer.close(&run, &closing)).await,
        None => Box::pin(closer.refuse_at_door(&closing)).await,
    }
}

impl<L: Ledger, P: PlanStore, R: ReportStore, N: Notifier> Closer<'_, L, P, R, N> {
    /// A run that was opened: it has a journal and holds, or held, the lease.
    async fn close(&self, run: &Run, closing: &CloseRun) -> Result<ClosedRun, Failure> {
        let now = (self.clock)();
        let plan = self.pinned(run).await?;
        let mut evidence = self.ledger.evidence(&run.run_id).await?;
        let told_already = evidence.remove(NOTIFIED).is_some();
        evidence.remove(RUN);
        hide_token(&mut evidence);
        let report = build(Facts {
            run_id: run.run_id.clone(),
            execution_arn: run.execution_arn.clone(),
            plan: (&run.plan).into(),
            mode: Some(run.mode),
            trigger: run.trigger.clone(),
            resumes: run.resumes.clone(),
            started_at: run.started_at,
            outcome: closing.outcome,
            error: closing.error.as_ref(),
            assessment: closing.assessment.as_ref(),
            steps: self.ledger.steps(&run.run_id).await?,
            journal: self.ledger.entries(&run.run_id).await?,
            evidence,
            document: plan.as_ref(),
            now,
        });
        let location = self.put(&report).await?;
        // A dry run is for whoever started it.
        if !told_already && run.mode.acts() {
            self.tell(&report, &location.html).await?;
            let mark = json!({"at": now, "to": self.notifier.resource()});
            self.ledger.keep_evidence(&run.run_id, NOTIFIED, &mark).await?;
        }
        if run.mode.acts() {
            self.remember_unfinished(run, closing).await?;
        }
        let cooldown_until = cooldown_until(&report.journal, plan.as_ref(), now);
        if !self.ledger.release(run, cooldown_until).await? {
            tracing::warn!(run = %run.run_id, "the lease was another run's already");
        }
        Ok(self.closed(report, location))
    }

    /// A run that is stuck leaves its journal and assessment to the next one; any other end settles what was left, for such a run had gone on
    /// with it. A run that lost its lease says nothing here: the one that took it over does.
    async fn remember_unfinished(&self, run: &Run, closing: &CloseRun) -> Result<(), Failure> {
        let workload = &run.plan.name;
        let ours = self.ledger.lease(workload, run.mode).await?;
        if ours.is_none_or(|lease| (&lease.run_id, lease.generation) != (&run.run_id, run.generation)) {
            return Ok(());
        }
        let unfinished = match closing.outcome {
            Outcome::Stuck => Unfinished { run_id: run.run_id.clone(), finished_at: None },
            _ => match self.ledger.unfinished(workload).await? {
                Some(unfinished) => Unfinished { finished_at: Some((self.clock)()), ..unfinished },
                None => return Ok(()),
            },
        };
        self.ledger.set_unfinished(workload, &unfinished).await
    }

    /// A run that was refused before it was opened: what it asked for is all there is.
    async fn refuse_at_door(&self, closing: &CloseRun) -> Result<ClosedRun, Failure> {
        let now = (self.clock)();
        let asked = door::read(&closing.open, now)?;
        let error = closing.error.as_ref().map(|error| error.error.as_str());
        let report = build(Facts {
            run_id: asked.run_id.clone(),
            execution_arn: asked.execution_arn.clone(),
            plan: asked.plan.clone(),
            mode: asked.mode,
            trigger: asked.trigger.clone(),
            resumes: None,
            started_at: asked.started_at,
            outcome: closing.outcome,
            error: closing.error.as_ref(),
            assessment: None,
            steps: Vec::new(),
            journal: Vec::new(),
            evidence: BTreeMap::new(),
            document: None,
            now,
        });
        let location = self.put(&report).await?;
        if door::is_told(closing.outcome, error, false) {
            self.tell(&report, &location.html).await?;
        }
        if door::may_hold_lease(error) {
            self.release_unopened(asked).await;
        }
        Ok(self.closed(report, location))
    }

    /// `open-run` may have taken the lease and failed after it. Whether that can be seen now must not decide whether the run can be
    /// closed: a lease nobody prolongs runs out by itself.
    async fn release_unopened(&self, asked: Asked) {
        let Some(workload) = asked.workload.clone() else { return };
        let run_id = asked.run_id.clone();
        let released = match self.ledger.lease(&workload, asked.mode.unwrap_or(Mode::Failover)).await {
            Ok(Some(lease)) if lease.run_id == run_id && lease.phase != LeasePhase::Released => {
                self.release_for(asked, workload, &lease).await
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = released {
            tracing::warn!(run = %run_id, "the lease, if open-run took it, runs out by itself: {failure}");
        }
    }

    /// What the lease was taken over from is not forgotten with it: the next run goes on with that one.
    async fn release_for(&self, asked: Asked, workload: String, lease: &Lease) -> Result<(), Failure> {
        if let Some(dead) = lease.taken_over_from() {
            let unfinished = Unfinished { run_id: dead.to_owned(), finished_at: None };
            self.ledger.set_unfinished(&workload, &unfinished).await?;
        }
        let run = door::holder(asked, workload, lease.generation);
        self.ledger.release(&run, None).await.map(|_| ())
    }

    /// The pinned plan. A plan that cannot be had any more costs the report its objectives, not the run its end.
    async fn pinned(&self, run: &Run) -> Result<Option<RecoveryPlan>, Failure> {
        match self.plans.of_run(run).await {
            Ok(plan) => Ok(Some(plan)),
            Err(failure) if failure.name == FailureName::AwsUnavailable => Err(failure),
            Err(failure) => {
                tracing::warn!(run = %run.run_id, "closing without the plan: {failure}");
                Ok(None)
            }
        }
    }

    async fn put(&self, report: &Report) -> Result<Location, Failure> {
        let folder = format!("runs/{}/{}", report.plan.name, report.run_id);
        let json_key = format!("{folder}/report.json");
        let html_key = format!("{folder}/report.html");
        let unwritable = |what: String| {
            Failure::new(FailureName::JournalUnavailable, &json_key, format!("the report cannot be written: {what}"))
                .now("the run is over as its journal says; its lease runs out by itself")
                .next("read the run's items in the state table")
        };
        let json = serde_json::to_string_pretty(report).map_err(|error| unwritable(error.to_string()))?;
        let html = html::render(report).map_err(|error| unwritable(error.to_string()))?;
        let documents = [(&json_key, "application/json", json), (&html_key, "text/html; charset=utf-8", html)];
        for (key, content_type, body) in documents {
            let put = self.reports.put(key, content_type, body).await;
            put.map_err(|error| error.into_failure("s3:PutObject", &self.reports.location(key)))?;
        }
        Ok(Location { json: self.reports.location(&json_key), html: self.reports.location(&html_key) })
    }

    async fn tell(&self, report: &Report, location: &str) -> Result<(), Failure> {
        let page = page::of(report, location);
        let sent = self.notifier.publish(&page.subject, &page.message).await;
        sent.map_err(|error| error.into_failure("sns:Publish", self.notifier.resource()))
    }

    fn closed(&self, report: Report, location: Location) -> ClosedRun {
        for document in metrics::of(&report, self.metrics_namespace) {
            telemetry::publish(&document);
        }
        let Report { run_id, outcome, reason, mut decisions, .. } = report;
        decisions.truncate(DECISIONS_MAX);
        tracing::info!(run = %run_id, outcome = outcome.as_str(), report = %location.json, "closed");
        ClosedRun { run_id, outcome, reason, report: location.json, decisions }
    }
}

/// The task token let whoever had it answer for a person. It is used up by now, and none of a report's business.
fn hide_token(evidence: &mut BTreeMap<String, Value>) {
    if let Some(Value::Object(asked)) = evidence.get_mut(ASKED) {
        asked.remove("taskToken");
    }
}

struct Location {
    json: String,
    html: String,
}

/// Only a run that acted cools the workload down: a refused one changed nothing that could flap.
fn cooldown_until(journal: &[Entry], plan: Option<&RecoveryPlan>, now: Timestamp) -> Option<Timestamp> {
    if !journal.iter().any(Entry::may_have_changed) {
        return None;
    }
    let seconds = plan.map_or(Policy::default().cooldown_seconds, |plan| plan.policy.cooldown_seconds);
    now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok()
}
