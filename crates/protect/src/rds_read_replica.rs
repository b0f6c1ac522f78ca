//! An RDS read replica made anew: observe both sides, decide, set the old primary aside, make the replica.
//!
//! **There is no undo.** Both acts leave the serving instance alone, and what was set aside keeps its data; a failure after either is gone on
//! with by the next run.

use pilot_core::decide::protect::{self, Decision, aside_identifier, decide, delete_commands};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::InstanceObserved;
use pilot_core::plan::RdsReadReplica;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::json;

use crate::ports::{Instances, NewReplica};

/// A new replica is a copy of the whole database over the ocean: the plan's time is for a promotion.
const TIMES_A_PROMOTION: u32 = 4;
/// A missing answer has no grace of its own: what it may have done is looked for until the step's deadline.
const UNANSWERED_GRACE_SECONDS: i64 = i64::MAX;
const LOOK_SECONDS: u32 = 3;

/// The two sides, as the component sees them: `primary_identifier` serves, `replica_identifier` is to follow.
#[derive(Debug)]
pub struct Pair<'a, I> {
    /// The Region that serves.
    pub serving: &'a I,
    /// The Region that is to follow.
    pub following: &'a I,
    /// That Region's name.
    pub following_region: &'a str,
    /// The component.
    pub component: &'a RdsReadReplica,
}

/// Brings one pair a step on towards replicating.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, I: Instances>(
    context: &StepContext<'_, L>,
    pair: &Pair<'_, I>,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let component = pair.component;
    let source = observe(pair.serving, &component.primary_identifier).await?;
    let follower = observe(pair.following, &component.replica_identifier).await?;
    let set_aside = context.earlier(&component.name, Action::SetAside).await?;
    let created = context.earlier(&component.name, Action::CreateReplica).await?;
    let allowed_seconds = allowed_seconds.saturating_mul(TIMES_A_PROMOTION);
    let decision = decide(&protect::Pair {
        source_identifier: &component.primary_identifier,
        source: source.as_ref(),
        follower_identifier: &component.replica_identifier,
        follower: follower.as_ref(),
        set_aside_seconds_ago: set_aside
            .as_ref()
            .and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now())),
        created_seconds_ago: created
            .as_ref()
            .and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now())),
    });
    match (decision, source) {
        (Decision::Done(detail), _) => {
            context.settle(created.as_ref(), "its answer was lost; seen to follow").await?;
            let kept = set_aside.map_or(String::new(), |entry| said_kept(pair.following_region, &kept_as(&entry)));
            Ok(done(&component.name, format!("{} {detail}{kept}", component.replica_identifier)))
        }
        (Decision::Wait { reason, after_seconds }, _) => {
            context.check_deadline(&component.replica_identifier, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        (Decision::SetAside, _) => {
            context.check_deadline(&component.replica_identifier, "the old primary has its name", allowed_seconds)?;
            rename(context, pair, follower.as_ref(), set_aside.as_ref()).await
        }
        (Decision::CreateReplica, Some(source)) => {
            context.settle(set_aside.as_ref(), "its answer was lost; seen to have another name").await?;
            context.check_deadline(&component.replica_identifier, "there is no replica yet", allowed_seconds)?;
            create(context, pair, &source, created.as_ref()).await
        }
        (Decision::Fail(failure), _) => Err(*failure),
        (Decision::CreateReplica, None) => {
            Ok(in_progress(&component.name, "the serving instance is not seen", LOOK_SECONDS))
        }
    }
}

async fn observe<I: Instances>(instances: &I, identifier: &str) -> Result<Option<InstanceObserved>, Failure> {
    let observed = instances.describe(identifier).await;
    observed.map_err(|error| error.into_failure("rds:DescribeDBInstances", identifier))
}

async fn rename<L: Ledger, I: Instances>(
    context: &StepContext<'_, L>,
    pair: &Pair<'_, I>,
    old: Option<&InstanceObserved>,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let (name, identifier) = (&pair.component.name, pair.component.replica_identifier.as_str());
    // The name of the first try: a second one under another name would hide what the first one did.
    let aside = earlier.map_or_else(|| aside_identifier(identifier, context.run.generation), kept_as);
    let act = Act {
        component: name.clone(),
        action: Action::SetAside,
        resource: identifier.to_owned(),
        irreversible: true,
        before: json!({
            "identifier": identifier,
            "setAsideAs": aside,
            "status": old.map(|old| old.state.status.clone()),
            "deleteWith": delete_commands(pair.following_region, &aside),
        }),
        intention: format!("renamed to {aside}, with its data"),
    };
    let call = || async { pair.following.rename(identifier, &aside).await.map(|()| aside.clone()) };
    concluded(context.act(act, earlier, call).await?, name, ("rds:ModifyDBInstance", identifier), "is being renamed")
}

/// The old primary, and how a person who has no use for it any more deletes it.
fn said_kept(region: &str, aside: &str) -> String {
    let [lift, delete] = delete_commands(region, aside);
    format!(
        "; the old primary is kept as {aside} and costs what it did: Pilot Light never deletes it. Whoever answers for that does, with a \
         final snapshot: `{lift}`, then `{delete}`"
    )
}

/// What the old primary is called now.
fn kept_as(entry: &Entry) -> String {
    let aside = entry.before.get("setAsideAs").and_then(|aside| aside.as_str());
    aside.map_or_else(|| aside_identifier(&entry.resource, entry.generation), str::to_owned)
}

async fn create<L: Ledger, I: Instances>(
    context: &StepContext<'_, L>,
    pair: &Pair<'_, I>,
    source: &InstanceObserved,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let component = pair.component;
    let (name, identifier) = (&component.name, component.replica_identifier.as_str());
    let act = Act {
        component: name.clone(),
        action: Action::CreateReplica,
        resource: identifier.to_owned(),
        irreversible: true,
        before: json!({"source": source.arn}),
        intention: format!("made as a replica of {}", source.arn),
    };
    let replica = NewReplica { identifier, source_arn: &source.arn, settings: &component.replica_settings };
    let call = || async { pair.following.create_replica(&replica).await.map(|()| "replica accepted".to_owned()) };
    let acted = context.act(act, earlier, call).await?;
    concluded(acted, name, ("rds:CreateDBInstanceReadReplica", identifier), "is being made")
}

/// The shapes are called `...Fault` in the service model, the codes on the wire are not; emulators and older endpoints write either.
fn passes(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Fault"),
        "InvalidDBInstanceState" | "DBInstanceAlreadyExists" | "DBInstanceNotFound"
    )
}

fn concluded(acted: Acted, name: &str, (call, identifier): (&str, &str), doing: &str) -> Result<Progress, Failure> {
    match acted {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => Ok(in_progress(name, format!("{identifier} {doing}"), LOOK_SECONDS)),
        // Busy, or done by the try whose answer was lost: the next look tells, and the step's deadline bounds it.
        Acted::Failed(CallError::Refused { code, message }) if passes(&code) => {
            Ok(in_progress(name, format!("{call} was put off with {code}: {message}"), LOOK_SECONDS))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => {
            Err(Failure::new(FailureName::ProtectFailed, identifier, format!("{call} was {error}"))
                .now("the workload serves as before, without a replica in the other Region")
                .next("check protect's role and the plan's settings; then run protect again"))
        }
        Acted::Failed(error) => Err(error.into_failure(call, identifier)),
    }
}
