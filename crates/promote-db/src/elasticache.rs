//! An ElastiCache replication group: observe, decide, create; and its undo.
//!
//! **This is no pivot.** A cache holds no record: the group that a run created is deleted again if the run is rolled back. One that was there
//! before is found as it is and left.

use pilot_core::decide::cache::{ACCEPTED_GRACE_SECONDS, Decision, Undo, decide, decide_undo};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::CacheObserved;
use pilot_core::plan::ElastiCache;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{CacheReads, Caches};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

/// How long a creation whose answer was lost may stay unseen before it is asked for again. Asking again is safe: ElastiCache refuses a second
/// group of the same id.
pub const UNANSWERED_GRACE_SECONDS: i64 = ACCEPTED_GRACE_SECONDS / 4;

const CREATE: &str = "elasticache:CreateReplicationGroup";
const DELETE: &str = "elasticache:DeleteReplicationGroup";
/// What the journal's values before call the run whose tag the group gets.
const MADE_BY: &str = "madeBy";
/// Making and deleting take minutes.
const LOOK_AGAIN_SECONDS: u32 = 5;

/// Brings one group a step on towards being there, available and as the plan says.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: Caches>(
    context: &StepContext<'_, L>,
    caches: &C,
    component: &ElastiCache,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let id = component.replication_group_id.as_str();
    let observed = observe(caches, id).await?;
    let earlier = context.earlier(&component.name, Action::CreateCache).await?;
    match decide(
        component,
        observed.as_ref(),
        earlier.as_ref().and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now())),
    ) {
        Decision::Done => {
            context.settle(earlier.as_ref(), "its answer was lost; the group is seen to be there").await?;
            let whose = if earlier.as_ref().is_some_and(Entry::may_have_changed) { "created" } else { "there before" };
            Ok(done(
                &component.name,
                format!("{id} is available, every node group of it, and as the plan says ({whose})"),
            ))
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Fail(failure) => Err(*failure),
        Decision::Create => {
            context.check_deadline(id, "it can be created only now", allowed_seconds)?;
            // A run that goes on with another's journal goes on with its tag: the undo looks for the one that the journal tells.
            let run_id = earlier.as_ref().and_then(made_by).unwrap_or(&context.run.run_id).to_owned();
            let call =
                || async { caches.create_cache(component, &run_id).await.map(|()| "creation accepted".to_owned()) };
            let acted = context.act(act(component, &run_id), earlier.as_ref(), call).await?;
            after(component, earlier.as_ref(), acted)
        }
    }
}

async fn observe<C: CacheReads>(caches: &C, id: &str) -> Result<Option<CacheObserved>, Failure> {
    let call = "elasticache:DescribeReplicationGroups, DescribeCacheClusters or ListTagsForResource";
    caches.cache(id).await.map_err(|error| error.into_failure(call, id))
}

/// The group was not there before: else it would not be created.
fn act(component: &ElastiCache, run_id: &str) -> Act {
    let (id, engine, node_type) =
        (&component.replication_group_id, component.engine.as_str(), component.node_type.as_str());
    let nodes = component.num_node_groups.saturating_mul(component.replicas_per_node_group.saturating_add(1));
    Act {
        component: component.name.clone(),
        action: Action::CreateCache,
        resource: id.clone(),
        irreversible: false,
        before: json!({"exists": false, MADE_BY: run_id}),
        intention: format!("created as {engine} with {nodes} nodes of {node_type}, empty"),
    }
}

fn made_by(entry: &Entry) -> Option<&str> {
    entry.before.get(MADE_BY).and_then(Value::as_str)
}

fn after(component: &ElastiCache, earlier: Option<&Entry>, acted: Acted) -> Result<Progress, Failure> {
    let (name, id) = (&component.name, &component.replication_group_id);
    match acted {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(name, format!("ElastiCache: {detail}"), LOOK_AGAIN_SECONDS)),
        // By an earlier call of ours whose answer was lost, or by somebody else between look and call: the next look tells whether it will do.
        Acted::Failed(CallError::Refused { code, .. }) if is(&code, "ReplicationGroupAlreadyExists") => {
            Ok(in_progress(name, format!("ElastiCache said {code}: there is one now"), 1))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => {
            let now = if earlier.is_some_and(Entry::may_have_changed) {
                "the group was not there when last seen, but an earlier try went unanswered and may yet be carried out"
            } else {
                "the group was not created"
            };
            let next = "see promote-db's role, and the subnet group, parameter group and limits in that Region; then start the run again";
            Err(Failure::new(FailureName::PromotionRefused, id, format!("{CREATE} was {error}")).now(now).next(next))
        }
        Acted::Failed(error) => Err(error.into_failure(CREATE, id)),
    }
}

/// The codes on the wire carry `Fault` or not, emulators write either.
fn is(code: &str, name: &str) -> bool {
    code.trim_end_matches("Fault") == name
}

/// The undo of [`reconcile`]: the group that the run created is deleted, without a final snapshot, and seen to be gone. One that does not bear
/// the run's tag is left. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if it cannot be deleted, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<C: Caches>(caches: &C, entry: &Entry) -> Result<Progress, Failure> {
    let id = entry.resource.as_str();
    let made_by = made_by(entry).ok_or_else(|| incomplete(id, "the journal does not say which run made it".into()))?;
    let accepted = matches!(entry.outcome, Some(EntryOutcome::Accepted { .. }));
    let wait = |detail: String| Ok(in_progress(&entry.component, detail, LOOK_AGAIN_SECONDS));
    match decide_undo(observe(caches, id).await?.as_ref(), made_by, accepted) {
        Undo::Done(detail) => Ok(done(&entry.component, format!("{id}: {detail}"))),
        Undo::Wait(detail) => wait(format!("{id}: {detail}")),
        Undo::Fail(what) => Err(incomplete(id, what)),
        Undo::Delete => match caches.delete_cache(id).await {
            Ok(()) => wait(format!("{id}: its deletion was accepted")),
            // It went, or began to move, between look and call.
            Err(CallError::Refused { code, .. })
                if is(&code, "ReplicationGroupNotFound") || is(&code, "InvalidReplicationGroupState") =>
            {
                wait(format!("{id}: ElastiCache said {code}"))
            }
            Err(error @ CallError::Refused { .. }) => Err(incomplete(id, format!("{DELETE} was {error}"))),
            Err(error) => Err(error.into_failure(DELETE, id)),
        },
    }
}

fn incomplete(id: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, id, what)
        .now("the group may be there, and is paid for")
        .next("look at it in the ElastiCache console; delete it by hand if nobody uses it")
}
