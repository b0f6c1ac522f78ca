//! A restore from a recovery point: observe, decide, restore, create an Aurora cluster's instances, set what the plan says.
//!
//! **There is no undo.** A restore touches nothing that was there before, but from it on the run goes forward: it is the pivot. What was
//! restored stays and is named, also by a run that ends stuck.

mod metadata;

use futures::future::try_join;
use jiff::Timestamp;
use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::decide::data_loss::DataLoss;
use pilot_core::decide::restore_job::{Begun, Decision, Times, decide};
use pilot_core::decide::restored::{Next, Wanted};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::RestoreJobObserved;
use pilot_core::plan::{RestoreFromBackup, sha256_hex};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{Backups, NewRestore, RestoredDatabases};
use pilot_shell::waves::{Progress, done, in_progress};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::restored::{Afterwards, not_ours, seen};

/// The evidence that the gate keeps of what a component loses begins with this.
const DATA_LOSS: &str = "data-loss#";

/// What the journal keeps of a restore that is begun: with it a second try asks for exactly the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin {
    /// The recovery point.
    recovery_point_arn: String,
    /// When it was created.
    created_at: Timestamp,
    /// The token of the first try.
    idempotency_token: String,
}

/// What the plan wants of the restored database.
pub fn wanted(component: &RestoreFromBackup) -> Wanted<'_> {
    Wanted {
        kind: component.restored_kind(),
        identifier: &component.restored_identifier,
        instances: &component.instances,
        settings: &component.settings,
    }
}

/// Brings one restore a step on.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, B: Backups + RestoredDatabases>(
    context: &StepContext<'_, L>,
    backups: &B,
    component: &RestoreFromBackup,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let earlier = context.earlier(&component.name, Action::StartRestoreJob).await?;
    let wanted = wanted(component);
    let ((made, instances), known) =
        try_join(seen(backups, &wanted), known(backups, component, earlier.as_ref())).await?;
    let times = Times { now: context.now(), step_started_at: context.step.started_at };
    let restore = Restore { context, backups, component, earlier: earlier.as_ref(), allowed_seconds };
    match decide(&wanted, &known.begun(component), made.as_ref(), &instances, times) {
        Decision::Start(point) => restore.start(&point).await,
        Decision::AskAgain => restore.again(None).await,
        Decision::StartAnew { spent_job_id } => restore.again(Some(&spent_job_id)).await,
        Decision::Next(Next::Done) => Ok(done(&component.name, restore.done_detail()?)),
        Decision::Next(next) => {
            let afterwards =
                Afterwards { context, databases: backups, component: &component.name, wanted, allowed_seconds };
            afterwards.step(next, made.as_ref()).await
        }
    }
}

/// What is known of the restore, before it is decided upon.
enum Known {
    Not { points: Vec<RecoveryPointSeen> },
    Unanswered,
    Accepted { job_id: String, at: Timestamp, job: Option<RestoreJobObserved> },
}

impl Known {
    fn begun(&self, component: &RestoreFromBackup) -> Begun<'_> {
        match self {
            Known::Not { points } => Begun::Not { points, not_after: component.not_after() },
            Known::Unanswered => Begun::Unanswered,
            Known::Accepted { job_id, at, job } => Begun::Accepted { job_id, at: *at, job: job.as_ref() },
        }
    }
}

async fn known<B: Backups>(
    backups: &B,
    component: &RestoreFromBackup,
    earlier: Option<&Entry>,
) -> Result<Known, Failure> {
    match earlier.map(|entry| (entry, &entry.outcome)) {
        Some((_, Some(EntryOutcome::Accepted { at, detail }))) => {
            let job = backups.restore_job(detail).await;
            let job = job.map_err(|error| error.into_failure("backup:DescribeRestoreJob", detail))?;
            Ok(Known::Accepted { job_id: detail.clone(), at: *at, job })
        }
        Some((_, None)) => Ok(Known::Unanswered),
        Some((entry, Some(EntryOutcome::NotDone { .. }))) => {
            // The journal keeps what was asked for first: after a refusal the same recovery point is asked for again, or none.
            let first = begin_of(entry)?.recovery_point_arn;
            let mut points = points(backups, component).await?;
            points.retain(|point| point.arn == first);
            Ok(Known::Not { points })
        }
        None => Ok(Known::Not { points: points(backups, component).await? }),
    }
}

async fn points<B: Backups>(backups: &B, component: &RestoreFromBackup) -> Result<Vec<RecoveryPointSeen>, Failure> {
    let listed = backups.recovery_points(&component.vault_name, &component.resource_arn).await;
    listed.map_err(|error| {
        let resource = format!("{}/{}", component.vault_name, component.resource_arn);
        error.into_failure("backup:ListRecoveryPointsByBackupVault", &resource)
    })
}

fn begin_of(entry: &Entry) -> Result<Begin, Failure> {
    serde_json::from_value(entry.before.clone()).map_err(|error| {
        let what = format!("the journal's entry {} cannot be read: {error}", entry.key());
        Failure::new(FailureName::JournalUnavailable, &entry.resource, what)
            .now("a restore job may be on its way; no second one was begun")
            .next("look at the restore jobs in AWS Backup, and at the entry in the state table")
    })
}

/// One restore in one invocation.
struct Restore<'a, L, B> {
    context: &'a StepContext<'a, L>,
    backups: &'a B,
    component: &'a RestoreFromBackup,
    earlier: Option<&'a Entry>,
    allowed_seconds: u32,
}

impl<L: Ledger, B: Backups + RestoredDatabases> Restore<'_, L, B> {
    /// Begins to restore this recovery point.
    async fn start(&self, point: &RecoveryPointSeen) -> Result<Progress, Failure> {
        let id = &self.component.restored_identifier;
        self.context.check_deadline(id, "it can be restored only now", self.allowed_seconds)?;
        self.not_older_than_the_gate_saw(point).await?;
        let begin = Begin {
            recovery_point_arn: point.arn.clone(),
            created_at: point.created_at,
            idempotency_token: self.token(point),
        };
        self.ask(&begin, None).await
    }

    /// AWS Backup hands back whatever job was started with a token, in the whole account and Region: so the token is made of all that tells
    /// this restore from every other one.
    fn token(&self, point: &RecoveryPointSeen) -> String {
        let (run, component) = (self.context.run, self.component);
        let parts = [&run.execution_arn, &run.run_id, &component.name, &component.restored_identifier, &point.arn];
        sha256_hex(parts.map(String::as_str).join("\n").as_bytes())
    }

    /// Asks once more for what the journal says: after a lost answer, or (`spent_job_id`) after a job that came to nothing. The token of a
    /// new job is made of the spent one's id, so that however often an answer is lost, each spent job is followed by one other.
    async fn again(&self, spent_job_id: Option<&str>) -> Result<Progress, Failure> {
        let id = &self.component.restored_identifier;
        self.context.check_deadline(id, "it can be restored only now", self.allowed_seconds)?;
        let Some(entry) = self.earlier else { return Err(not_ours(id)) };
        self.ask(&begin_of(entry)?, spent_job_id).await
    }

    async fn ask(&self, begin: &Begin, spent_job_id: Option<&str>) -> Result<Progress, Failure> {
        let (component, point) = (self.component, begin.recovery_point_arn.as_str());
        let given = self.backups.restore_metadata(&component.vault_name, point).await;
        let given = given.map_err(|error| error.into_failure("backup:GetRecoveryPointRestoreMetadata", point))?;
        let token = match spent_job_id {
            None => begin.idempotency_token.clone(),
            Some(spent) => sha256_hex(format!("{}\n{spent}", begin.idempotency_token).as_bytes()),
        };
        let restore = NewRestore {
            recovery_point_arn: point,
            role_arn: &component.restore_role_arn,
            resource_type: component.restored_kind().backup_type(),
            metadata: metadata::of(component, given),
            idempotency_token: &token,
        };
        let act = Act {
            component: component.name.clone(),
            action: Action::StartRestoreJob,
            resource: component.restored_identifier.clone(),
            irreversible: true,
            before: json!(begin),
            intention: format!(
                "restored from the recovery point {point} of {} as {}, which cannot be undone",
                begin.created_at, component.restored_identifier
            ),
        };
        let call = || async { self.backups.start_restore(&restore).await };
        let accepted = |job_id: &str| format!("restore job {job_id} of the recovery point of {}", begin.created_at);
        match self.context.act(act, self.earlier, call).await? {
            Acted::WouldDo(progress) => Ok(progress),
            Acted::Accepted(job_id) => Ok(in_progress(&component.name, accepted(&job_id), 3)),
            Acted::Failed(pilot_shell::CallError::Refused { code, message }) => Err(self.refused(&code, &message)),
            Acted::Failed(error) => Err(error.into_failure("backup:StartRestoreJob", &component.restored_identifier)),
        }
    }

    fn refused(&self, code: &str, message: &str) -> Failure {
        let what = format!("AWS Backup refused the restore with {code}: {message}");
        let now = if self.earlier.is_some_and(Entry::may_have_changed) {
            "no other database was touched; an earlier try went unanswered, and its job may be on its way"
        } else {
            "nothing was restored"
        };
        Failure::new(FailureName::PromotionRefused, &self.component.restored_identifier, what).now(now).next(
            "see the restore role, the vault's access policy and the plan's settings; mend it, then start the run again",
        )
    }

    /// The gate passed a loss that it measured. A recovery point may have been deleted since.
    async fn not_older_than_the_gate_saw(&self, point: &RecoveryPointSeen) -> Result<(), Failure> {
        let evidence = self.context.ledger.evidence(&self.context.run.run_id).await?;
        let passed = evidence.get(&format!("{DATA_LOSS}{}", self.component.name));
        let passed = passed.and_then(|loss| serde_json::from_value::<DataLoss>(loss.clone()).ok());
        match passed {
            Some(passed) if point.created_at < passed.recovery_point_at => {
                let what = format!(
                    "the newest usable recovery point is of {}, the gate passed one of {}: it is gone",
                    point.created_at, passed.recovery_point_at
                );
                Err(Failure::new(FailureName::PromotionRefused, &self.component.restored_identifier, what)
                    .now("nothing was restored")
                    .next(
                        "see what deletes recovery points in the vault; start again, the gate measures the loss anew",
                    ))
            }
            _ => Ok(()),
        }
    }

    fn done_detail(&self) -> Result<String, Failure> {
        let id = &self.component.restored_identifier;
        let Some(entry) = self.earlier else { return Ok(format!("{id} is restored")) };
        let begin = begin_of(entry)?;
        Ok(format!("{id} is restored from the recovery point of {} ({})", begin.created_at, begin.recovery_point_arn))
    }
}
