//! The STOP object ("standby takes over primary"): observe, decide, put - and the undo of it, in one file.
//!
//! An inverted health check watches the object. While it is there the primary counts as unhealthy, and Route 53 answers with the
//! secondary. One `PutObject` in the recovery Region is the whole switch.

use pilot_core::decide::stop_object::{Decision, decide, decide_undo, decide_undo_removal};
use pilot_core::journal::{Action, Entry};
use pilot_core::plan::StopObject;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::StopObjects;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The values before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    /// Whether the object was there.
    present: bool,
}

/// Brings one STOP object a step on towards being there - or, on the way home, towards being gone.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, S: StopObjects>(
    context: &StepContext<'_, L>,
    objects: &S,
    component: &StopObject,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let present = observe(objects, component).await?;
    let wanted = !context.run.mode.leads_home();
    let action = if wanted { Action::PutStopObject } else { Action::RemoveStopObject };
    let earlier = context.earlier(&component.name, action).await?;
    match decide(present, wanted) {
        Decision::Done => {
            let is = if present { "there" } else { "gone" };
            context.settle(earlier.as_ref(), &format!("its answer was lost; seen to be {is}")).await?;
            Ok(done(&component.name, format!("the STOP object is {is}")))
        }
        Decision::Remove => {
            context.check_deadline(&address(component), "the STOP object is still there", allowed_seconds)?;
            remove(context, objects, component, earlier.as_ref()).await
        }
        Decision::Put => {
            context.check_deadline(&address(component), "the STOP object is not there", allowed_seconds)?;
            put(context, objects, component, present, earlier.as_ref()).await
        }
    }
}

async fn put<L: Ledger, S: StopObjects>(
    context: &StepContext<'_, L>,
    objects: &S,
    component: &StopObject,
    present: bool,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let act = Act {
        component: component.name.clone(),
        action: Action::PutStopObject,
        resource: address(component),
        irreversible: false,
        before: json!(Before { present }),
        intention: "put".into(),
    };
    let call =
        || async { objects.put(&component.bucket, &component.key, body(context)).await.map(|()| "put".to_owned()) };
    match context.act(act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => Ok(in_progress(&component.name, "the STOP object was put", 1)),
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::TrafficFailed,
            address(component),
            format!("s3:PutObject of the STOP object was {error}"),
        )
        .now("this call changed nothing; traffic is where it was")
        .next("check update-dns's role and the bucket; putting any object under that key by hand is the same switch")),
        Acted::Failed(error) => Err(error.into_failure("s3:PutObject", &address(component))),
    }
}

/// The way home: with the object the reason goes why the primary counts as unhealthy.
async fn remove<L: Ledger, S: StopObjects>(
    context: &StepContext<'_, L>,
    objects: &S,
    component: &StopObject,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let act = Act {
        component: component.name.clone(),
        action: Action::RemoveStopObject,
        resource: address(component),
        irreversible: false,
        before: json!(Before { present: true }),
        intention: "removed".into(),
    };
    let call = || async { objects.delete(&component.bucket, &component.key).await.map(|()| "removed".to_owned()) };
    match context.act(act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => Ok(in_progress(&component.name, "the STOP object was removed", 1)),
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::TrafficFailed,
            address(component),
            format!("s3:DeleteObject of the STOP object was {error}"),
        )
        .now("this call changed nothing; traffic is where it was")
        .next("check update-dns's role and the bucket; deleting the object by hand is the same switch")),
        Acted::Failed(error) => Err(error.into_failure("s3:DeleteObject", &address(component))),
    }
}

/// For the person who finds the object: who put it there, when, and how to take it away. Nothing reads it.
fn body<L: Ledger>(context: &StepContext<'_, L>) -> String {
    let body = json!({
        "what": "Traffic goes to the recovery Region for as long as this object exists. Deleting it gives traffic back.",
        "workload": context.run.plan.name,
        "runId": context.run.run_id,
        "executionArn": context.run.execution_arn,
        "putAt": context.now(),
    });
    format!("{body:#}\n")
}

/// The undo of [`reconcile`]: the object is removed if it was not there before the run, and is seen to be gone. Doing it twice is the
/// same as once.
///
/// # Errors
/// `RollbackIncomplete` if it cannot be removed, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo<S: StopObjects>(objects: &S, component: &StopObject, entry: &Entry) -> Result<Progress, Failure> {
    let before: Before = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(component, format!("the journal's values before cannot be read: {error}")))?;
    if decide_undo(observe(objects, component).await?, before.present) {
        match objects.delete(&component.bucket, &component.key).await {
            Ok(()) => {}
            Err(error @ CallError::Refused { .. }) => {
                return Err(incomplete(component, format!("s3:DeleteObject of the STOP object was {error}")));
            }
            Err(error) => return Err(error.into_failure("s3:DeleteObject", &address(component))),
        }
        if decide_undo(observe(objects, component).await?, before.present) {
            return Ok(in_progress(&component.name, "the STOP object was deleted and is still seen", 1));
        }
    }
    let is = if before.present { "left where it was before the run" } else { "gone" };
    Ok(done(&component.name, format!("the STOP object is {is}")))
}

/// The undo of a removal: the object is put back, and is seen to be there. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if it cannot be put, `AwsUnavailable` (tried again), `AwsRefused`.
pub async fn undo_removal<S: StopObjects>(
    objects: &S,
    component: &StopObject,
    entry: &Entry,
) -> Result<Progress, Failure> {
    let before: Before = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(component, format!("the journal's values before cannot be read: {error}")))?;
    if decide_undo_removal(observe(objects, component).await?, before.present) {
        let body = format!("put back: {} was undone\n", entry.key());
        match objects.put(&component.bucket, &component.key, body).await {
            Ok(()) => {}
            Err(error @ CallError::Refused { .. }) => {
                return Err(incomplete(component, format!("s3:PutObject of the STOP object was {error}")));
            }
            Err(error) => return Err(error.into_failure("s3:PutObject", &address(component))),
        }
        if decide_undo_removal(observe(objects, component).await?, before.present) {
            return Ok(in_progress(&component.name, "the STOP object was put back and is not seen yet", 1));
        }
    }
    Ok(done(&component.name, "the STOP object is as it was before the run"))
}

fn incomplete(component: &StopObject, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, address(component), what)
        .now("the STOP object may be there: traffic goes to the recovery Region while it is")
        .next("delete the object by hand to give traffic back to the primary Region")
}

async fn observe<S: StopObjects>(objects: &S, component: &StopObject) -> Result<bool, Failure> {
    let present = objects.present(&component.bucket, &component.key).await;
    present.map_err(|error| error.into_failure("s3:HeadObject", &address(component)))
}

fn address(component: &StopObject) -> String {
    format!("s3://{}/{}", component.bucket, component.key)
}
