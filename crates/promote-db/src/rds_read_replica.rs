//! An RDS cross-Region read replica: observe, decide, promote, set what the plan says.
//!
//! **There is no undo.** `PromoteReadReplica` cannot be taken back; this is the pivot, after which a run only goes forward. What was
//! the source has to be rebuilt as a replica of the new primary, which is a run of its own.

use pilot_core::decide::promoted::Wanted;
use pilot_core::decide::replica::{ACCEPTED_GRACE_SECONDS, Decision, decide};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::ReplicaObserved;
use pilot_core::plan::RdsReadReplica;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{Replicas, RestoredDatabases};
use pilot_shell::waves::{Progress, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

use crate::promoted::{Promoted, then_set};

/// How long a promotion whose answer was lost may stay unseen before it is asked for again. Asking again is safe: RDS itself refuses
/// to promote what is being promoted or is no replica any more, so there are never two promotions. Waiting first is kinder: most lost
/// answers belong to calls that were carried out, and those show within seconds.
pub const UNANSWERED_GRACE_SECONDS: i64 = ACCEPTED_GRACE_SECONDS / 3;

/// Brings one replica a step on towards being a primary.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, R: Replicas, D: RestoredDatabases>(
    context: &StepContext<'_, L>,
    (replicas, databases): (&R, &D),
    component: &RdsReadReplica,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let identifier = component.replica_identifier.as_str();
    let observed = observe(replicas, identifier).await?;
    let earlier = context.earlier(&component.name, Action::PromoteReadReplica).await?;
    let accepted_seconds_ago =
        earlier.as_ref().and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now()));
    match decide(identifier, observed.as_ref(), accepted_seconds_ago) {
        Decision::Done => {
            context.settle(earlier.as_ref(), "its answer was lost; seen to be promoted").await?;
            let wanted = Wanted::of_replica(component);
            let (component, instances) = (component.name.as_str(), Vec::new());
            let promoted = Promoted { context, databases, component, wanted, instances, allowed_seconds };
            promoted.step("no replica any more, and available".into()).await
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(identifier, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Fail(failure) => Err(*failure),
        Decision::Promote => {
            context.check_deadline(identifier, "it can be promoted only now", allowed_seconds)?;
            promote(context, replicas, component, observed.as_ref(), earlier.as_ref()).await
        }
    }
}

async fn observe<R: Replicas>(replicas: &R, identifier: &str) -> Result<Option<ReplicaObserved>, Failure> {
    let observed = replicas.describe(identifier).await;
    observed.map_err(|error| error.into_failure("rds:DescribeDBInstances", identifier))
}

async fn promote<L: Ledger, R: Replicas>(
    context: &StepContext<'_, L>,
    replicas: &R,
    component: &RdsReadReplica,
    observed: Option<&ReplicaObserved>,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let identifier = component.replica_identifier.as_str();
    let act = Act {
        component: component.name.clone(),
        action: Action::PromoteReadReplica,
        resource: identifier.to_owned(),
        irreversible: true,
        before: before(observed),
        intention: format!("promoted, which cannot be undone{}", then_set(&Wanted::of_replica(component))),
    };
    let call = || async {
        replicas.promote(identifier, component.backup_retention_days).await.map(|()| "promotion accepted".to_owned())
    };
    match context.act(act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => Ok(in_progress(&component.name, "RDS accepted the promotion", 2)),
        Acted::Failed(CallError::Refused { code, message }) => {
            refused(replicas, component, earlier, &format!("{code}: {message}"), is_wrong_state(&code)).await
        }
        Acted::Failed(error) => Err(error.into_failure("rds:PromoteReadReplica", identifier)),
    }
}

fn before(observed: Option<&ReplicaObserved>) -> Value {
    observed.map_or(Value::Null, |replica| {
        json!({
            "status": replica.status,
            "source": replica.source,
            "replication": replica.replication,
            "backupRetentionDays": replica.backup_retention_days,
        })
    })
}

/// The shape is called `...Fault` in the service model, the code on the wire is not; emulators and older endpoints write either.
fn is_wrong_state(code: &str) -> bool {
    matches!(code, "InvalidDBInstanceState" | "InvalidDBInstanceStateFault")
}

/// RDS refused. In the wrong state that may be a wait (a backup began between the look and the call) or a promotion that is under way
/// already (its answer was lost): a fresh look tells.
async fn refused<R: Replicas>(
    replicas: &R,
    component: &RdsReadReplica,
    earlier: Option<&Entry>,
    said: &str,
    wrong_state: bool,
) -> Result<Progress, Failure> {
    let identifier = component.replica_identifier.as_str();
    let may_be_under_way = earlier.is_some_and(|e| !matches!(e.outcome, Some(EntryOutcome::NotDone { .. })));
    if wrong_state {
        let now = observe(replicas, identifier).await?;
        let seen = now.as_ref().map(|replica| (replica.source.is_some(), replica.status.as_str()));
        match seen {
            Some((false, status)) => {
                return Ok(in_progress(&component.name, format!("no replica any more, now `{status}`"), 2));
            }
            Some((true, status)) if status != "available" => {
                return Ok(in_progress(&component.name, format!("RDS said {said}; now `{status}`"), 3));
            }
            Some((true, _)) if may_be_under_way => {
                let detail = format!("RDS said {said}; an earlier promotion, whose answer was lost, may be under way");
                return Ok(in_progress(&component.name, detail, 5));
            }
            _ => {}
        }
    }
    let now_true = if may_be_under_way {
        "it was still a replica when last seen, but an earlier try went unanswered and may yet be carried out"
    } else {
        "it is still a replica; nothing was promoted"
    };
    Err(Failure::new(FailureName::PromotionRefused, identifier, format!("RDS refused the promotion with {said}"))
        .now(now_true)
        .next("see the instance's state and events in the RDS console and promote-db's role; then start the run again"))
}
