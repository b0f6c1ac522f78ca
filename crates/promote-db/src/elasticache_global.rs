//! An ElastiCache global datastore: observe, decide, fail over to the recovery group; and its undo.
//!
//! **This is no pivot.** A cache holds no record, and the same call leads back: a run that is rolled back fails the datastore over again, to
//! the group that was primary before. What was written in between may be lost. Where the old primary cannot take it back - it is no member any
//! more, or ElastiCache refuses - the rollback ends as `RollbackIncomplete`, which pages a person.

use jiff::Timestamp;
use pilot_core::decide::cache_global::{Decision, UNSEEN_GRACE_SECONDS, Undo, decide, decide_undo, is_settled_primary};
use pilot_core::decide::deadline::seconds_between;
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::DatastoreObserved;
use pilot_core::plan::{Database, ElastiCacheGlobal, RecoveryPlan};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{GlobalCacheReads, GlobalCaches};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

const FAIL_OVER: &str = "elasticache:FailoverGlobalReplicationGroup";
/// What the journal's values before call the group that was primary, and its Region.
const GROUP: &str = "primaryReplicationGroupId";
const REGION: &str = "primaryRegion";
/// ElastiCache takes about a minute.
const LOOK_AGAIN_SECONDS: u32 = 3;

/// Brings one global datastore a step on towards having its primary in the recovery Region. A planned run makes the same call: ElastiCache has
/// no other.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: GlobalCaches>(
    context: &StepContext<'_, L>,
    caches: &C,
    component: &ElastiCacheGlobal,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (id, region) = (component.global_replication_group_id.as_str(), context.plan.regions.recovery.as_str());
    let observed = observe(caches, component).await?;
    let earlier = context.earlier(&component.name, Action::FailoverGlobalCache).await?;
    let accepted_seconds_ago =
        earlier.as_ref().and_then(|entry| entry.on_its_way_seconds(UNSEEN_GRACE_SECONDS, context.now()));
    match decide(component, region, observed.as_ref(), accepted_seconds_ago) {
        Decision::Done => {
            context.settle(earlier.as_ref(), "its answer was lost; seen to be primary").await?;
            let recovery = &component.recovery_replication_group_id;
            Ok(done(&component.name, format!("{recovery} is the primary of {id}, which is settled")))
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Fail(failure) => Err(*failure),
        Decision::FailOver => {
            context.check_deadline(id, "it can be failed over only now", allowed_seconds)?;
            let recovery = component.recovery_replication_group_id.as_str();
            let call = || async {
                let asked = caches.fail_over_datastore(id, region, recovery).await;
                asked.map(|()| "failover accepted".to_owned())
            };
            let acted = context.act(act(component, observed.as_ref()), earlier.as_ref(), call).await?;
            after(caches, component, region, earlier.as_ref(), acted).await
        }
    }
}

async fn observe<C: GlobalCacheReads>(
    caches: &C,
    component: &ElastiCacheGlobal,
) -> Result<Option<DatastoreObserved>, Failure> {
    let id = component.global_replication_group_id.as_str();
    let observed = caches.datastore(id, &component.recovery_replication_group_id).await;
    observed.map_err(|error| {
        error.into_failure("elasticache:DescribeGlobalReplicationGroups or elasticache:DescribeReplicationGroups", id)
    })
}

fn act(component: &ElastiCacheGlobal, observed: Option<&DatastoreObserved>) -> Act {
    let before = observed.and_then(DatastoreObserved::primary);
    Act {
        component: component.name.clone(),
        action: Action::FailoverGlobalCache,
        resource: component.global_replication_group_id.clone(),
        irreversible: false,
        before: before.map_or(Value::Null, |old| json!({GROUP: old.replication_group_id, REGION: old.region})),
        intention: format!(
            "failed over to {}; what had not arrived there is lost, and a cache has no records",
            component.recovery_replication_group_id
        ),
    }
}

async fn after<C: GlobalCaches>(
    caches: &C,
    component: &ElastiCacheGlobal,
    region: &str,
    earlier: Option<&Entry>,
    acted: Acted,
) -> Result<Progress, Failure> {
    let id = component.global_replication_group_id.as_str();
    match acted {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => {
            Ok(in_progress(&component.name, format!("ElastiCache: {detail}"), LOOK_AGAIN_SECONDS))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => {
            // Under way already, by a call whose answer was lost or by somebody else's; or it got busy between look and call.
            let now = observe(caches, component).await?;
            let to = (component.recovery_replication_group_id.as_str(), region);
            if let Some(detail) = explained(&error, now.as_ref(), to, earlier.is_some_and(Entry::may_have_changed)) {
                return Ok(in_progress(&component.name, detail, LOOK_AGAIN_SECONDS));
            }
            Err(refused(id, &error))
        }
        Acted::Failed(error) => Err(error.into_failure(FAIL_OVER, id)),
    }
}

/// What explains a refusal and goes by itself: a datastore that is on the move, or there already.
fn explained(
    error: &CallError,
    now: Option<&DatastoreObserved>,
    (group, region): (&str, &str),
    may_be_under_way: bool,
) -> Option<String> {
    let code = error.code().filter(|code| is_of_its_state(code))?;
    let datastore = now?;
    if is_settled_primary(datastore, group, region) {
        return Some(format!("ElastiCache said {code}; now {group} is primary"));
    }
    if datastore.status != "available" {
        return Some(format!("ElastiCache said {code}; now the global datastore is `{}`", datastore.status));
    }
    may_be_under_way
        .then(|| format!("ElastiCache said {code}; an earlier call, whose answer was lost, may be under way"))
}

/// The codes on the wire carry `Fault` or not. `InvalidParameterValue`: the group is primary already.
fn is_of_its_state(code: &str) -> bool {
    matches!(code.trim_end_matches("Fault"), "InvalidGlobalReplicationGroupState" | "InvalidParameterValue")
}

fn refused(id: &str, error: &CallError) -> Failure {
    Failure::new(FailureName::PromotionRefused, id, format!("{FAIL_OVER} was {error}"))
        .now("the global datastore's primary is where it was")
        .next("see both replication groups in the ElastiCache console and promote-db's role; then start the run again")
}

/// The undo of [`reconcile`]: the datastore is failed over again, to the group that was primary before, and seen to be settled there. Asked in
/// the Region that the run led to, for the other one may be gone. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if the old primary cannot take it back, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<C: GlobalCaches>(
    caches: &C,
    plan: &RecoveryPlan,
    entry: &Entry,
    now: Timestamp,
) -> Result<Progress, Failure> {
    let (id, component) = (entry.resource.as_str(), component_of(plan, entry)?);
    let before = (text(entry, GROUP), text(entry, REGION));
    let (Some(group), Some(region)) = before else {
        return Err(incomplete(id, "the journal does not say which group was primary".into()));
    };
    let wait = |detail: String| Ok(in_progress(&entry.component, format!("{id}: {detail}"), LOOK_AGAIN_SECONDS));
    let asked_seconds_ago = seconds_between(entry.intent_at, now);
    match decide_undo(observe(caches, component).await?.as_ref(), (group, region), asked_seconds_ago) {
        Undo::Done(detail) => Ok(done(&entry.component, format!("{id}: {detail}"))),
        Undo::Wait(detail) => wait(detail),
        Undo::Fail(what) => Err(incomplete(id, what)),
        Undo::FailBack => match caches.fail_over_datastore(id, region, group).await {
            Ok(()) => wait(format!("its failover back to {group} of {region} was accepted")),
            Err(error @ CallError::Refused { .. }) => {
                let now = observe(caches, component).await?;
                match explained(&error, now.as_ref(), (group, region), false) {
                    Some(detail) => wait(detail),
                    None => Err(incomplete(id, format!("{FAIL_OVER} back to {group} of {region} was {error}"))),
                }
            }
            Err(error) => Err(error.into_failure(FAIL_OVER, id)),
        },
    }
}

fn text<'a>(entry: &'a Entry, key: &str) -> Option<&'a str> {
    entry.before.get(key).and_then(Value::as_str)
}

fn component_of<'a>(plan: &'a RecoveryPlan, entry: &Entry) -> Result<&'a ElastiCacheGlobal, Failure> {
    let named = plan.databases.iter().find_map(|database| match database {
        Database::ElastiCacheGlobal(component) if component.name == entry.component => Some(component),
        _ => None,
    });
    named.ok_or_else(|| incomplete(&entry.resource, "the pinned plan has no global datastore of that name".into()))
}

fn incomplete(id: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, id, what)
        .now("the global datastore's primary may be in the Region that the run led to")
        .next("fail it over in the ElastiCache console once the other Region can take it; until then let the application write where it is")
}
