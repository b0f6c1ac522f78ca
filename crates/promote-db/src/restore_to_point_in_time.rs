//! A restore to a point in time: observe, decide, restore, create an Aurora cluster's instances, set what the plan says.
//!
//! **There is no undo.** A restore touches nothing that was there before, but from it on the run goes forward: it is the pivot. What was
//! restored stays and is named, also by a run that ends stuck.

use futures::future::try_join;
use jiff::Timestamp;
use pilot_core::decide::deadline::seconds_between;
use pilot_core::decide::point_in_time::{Begun, Decision, Point, decide, wanted};
use pilot_core::decide::restored::Next;
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::RestorableObserved;
use pilot_core::plan::{RestoreToPointInTime, RestoredKind};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{InRegion, InRegionReads, NewPointInTime, RestoredDatabases};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::restored::{Afterwards, seen};

/// What the journal keeps of a restore that is begun: with it a second try asks for exactly the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin {
    /// The original.
    source: String,
    /// The plan's time; absent: the latest there is when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restore_to: Option<Timestamp>,
    /// Everything up to here is restored.
    restores_up_to: Timestamp,
}

impl Begin {
    fn of(component: &RestoreToPointInTime, point: Point) -> Self {
        let restore_to = match point {
            Point::At(at) => Some(at),
            Point::Latest(_) => None,
        };
        Begin { source: component.source_identifier().to_owned(), restore_to, restores_up_to: point.at() }
    }

    fn said(&self) -> String {
        match self.restore_to {
            Some(at) => format!("{at}"),
            None => format!("{} or later", self.restores_up_to),
        }
    }
}

/// Brings one restore a step on.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: InRegion, D: RestoredDatabases>(
    context: &StepContext<'_, L>,
    (points, databases): (&C, &D),
    component: &RestoreToPointInTime,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let earlier = context.earlier(&component.name, Action::RestoreToPointInTime).await?;
    let begun = begun(earlier.as_ref(), context.now());
    let wanted = wanted(component);
    let ((made, instances), original) = try_join(seen(databases, &wanted), original(points, component, begun)).await?;
    let id = component.restored_identifier.as_str();
    match decide(component, begun, original.as_ref(), made.as_ref(), &instances) {
        Decision::Restore(point) => {
            let begin = Begin::of(component, point);
            ask(context, points, component, (&begin, earlier.as_ref()), allowed_seconds).await
        }
        Decision::AskAgain => {
            let begin = begin_of(earlier.as_ref(), id)?;
            ask(context, points, component, (&begin, earlier.as_ref()), allowed_seconds).await
        }
        Decision::Next(Next::Done) => {
            context.settle(earlier.as_ref(), "its answer was lost; seen to be restored").await?;
            let begin = begin_of(earlier.as_ref(), id)?;
            Ok(done(&component.name, format!("{id} is {} restored to {}", begin.source, begin.said())))
        }
        Decision::Next(next) => {
            let afterwards = Afterwards { context, databases, component: &component.name, wanted, allowed_seconds };
            afterwards.step(next, made.as_ref()).await
        }
    }
}

fn begun(earlier: Option<&Entry>, now: Timestamp) -> Begun {
    match earlier.map(|entry| (entry, &entry.outcome)) {
        None | Some((_, Some(EntryOutcome::NotDone { .. }))) => Begun::Not,
        Some((_, Some(EntryOutcome::Accepted { at, .. }))) => {
            Begun::Accepted { seconds_ago: seconds_between(*at, now) }
        }
        Some((entry, None)) => Begun::Unanswered { seconds_ago: seconds_between(entry.intent_at, now) },
    }
}

/// The original is asked only while nothing was begun: in the end it may be gone, and the restored one stands alone.
async fn original<C: InRegionReads>(
    points: &C,
    component: &RestoreToPointInTime,
    begun: Begun,
) -> Result<Option<RestorableObserved>, Failure> {
    if begun != Begun::Not {
        return Ok(None);
    }
    let (kind, source) = (component.restored_kind(), component.source_identifier());
    let call =
        if kind == RestoredKind::Table { "dynamodb:DescribeContinuousBackups" } else { "rds:DescribeDBClusters" };
    points.restorable(kind, source).await.map_err(|error| error.into_failure(call, source))
}

fn begin_of(entry: Option<&Entry>, resource: &str) -> Result<Begin, Failure> {
    let begin = entry.map(|entry| serde_json::from_value(entry.before.clone()));
    match begin {
        Some(Ok(begin)) => Ok(begin),
        _ => Err(Failure::new(
            FailureName::JournalUnavailable,
            resource,
            "the journal's entry of the restore cannot be read",
        )
        .now("a restore may be on its way; no second one was begun")
        .next("look at the restored database, and at the run's entry in the state table")),
    }
}

async fn ask<L: Ledger, C: InRegion>(
    context: &StepContext<'_, L>,
    points: &C,
    component: &RestoreToPointInTime,
    (begin, earlier): (&Begin, Option<&Entry>),
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (id, kind) = (component.restored_identifier.as_str(), component.restored_kind());
    context.check_deadline(id, "it can be restored only now", allowed_seconds)?;
    let restore = NewPointInTime {
        kind,
        source: &begin.source,
        identifier: id,
        at: begin.restore_to,
        settings: &component.settings,
    };
    let act = Act {
        component: component.name.clone(),
        action: Action::RestoreToPointInTime,
        resource: id.to_owned(),
        irreversible: true,
        before: json!(begin),
        intention: format!("{} restored to {} as {id}, which cannot be undone", begin.source, begin.said()),
    };
    let call = || async { points.restore_to_point(&restore).await.map(|()| "restore accepted".to_owned()) };
    match context.act(act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => {
            Ok(in_progress(&component.name, format!("{id} is being restored to {}", begin.said()), 3))
        }
        // The name is taken, and an earlier try went unanswered: that one took it.
        Acted::Failed(CallError::Refused { code, .. })
            if is_taken(&code) && earlier.is_some_and(Entry::may_have_changed) =>
        {
            Ok(in_progress(&component.name, format!("{id} is there, the earlier call was carried out"), 2))
        }
        Acted::Failed(CallError::Refused { code, message }) => {
            Err(refused(component, earlier, &format!("{code}: {message}")))
        }
        Acted::Failed(error) => Err(error.into_failure(call_of(kind), id)),
    }
}

/// The codes on the wire carry `Fault` or `Exception`, emulators write either.
fn is_taken(code: &str) -> bool {
    code.starts_with("DBClusterAlreadyExists") || code.starts_with("TableAlreadyExists")
}

fn call_of(kind: RestoredKind) -> &'static str {
    match kind {
        RestoredKind::Table => "dynamodb:RestoreTableToPointInTime",
        _ => "rds:RestoreDBClusterToPointInTime",
    }
}

fn refused(component: &RestoreToPointInTime, earlier: Option<&Entry>, said: &str) -> Failure {
    let what = format!("AWS refused {} with {said}", call_of(component.restored_kind()));
    let now = if earlier.is_some_and(Entry::may_have_changed) {
        "the original is as it was; an earlier try went unanswered and may yet be carried out"
    } else {
        "nothing was restored; the original is as it was"
    };
    Failure::new(FailureName::PromotionRefused, &component.restored_identifier, what)
        .now(now)
        .next("see promote-db's role, the original's restorable times and the plan's settings; mend it, then start the run again")
}
