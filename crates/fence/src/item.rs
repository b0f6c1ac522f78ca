//! One look at one item of the fence, whatever its kind: observe, decide, act.
//!
//! The primary Region's silence and its refusals are findings here, not failures. A failure is the journal's or the lease's alone.

use std::future::Future;

use pilot_core::Failure;
use pilot_core::contract::Mode;
use pilot_core::decide::fence::{Decision, ItemState, Seen};
use pilot_core::journal::Action;
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::{CallError, StepContext};
use serde_json::Value;

/// A kind of item.
pub(crate) trait Item {
    /// What it is called: `Auto Scaling group`.
    const KIND: &'static str;
    /// The call that observes it, as IAM writes it.
    const OBSERVING: &'static str;
    /// The act, as the journal writes it.
    const ACTION: Action;
    /// What is seen of it.
    type Observed;

    /// The item's name in the plan.
    fn name(&self) -> &str;
    /// The resource, by identifier.
    fn resource(&self) -> &str;
    /// Looks at it; `None`: there is no such resource.
    fn observe(&self) -> impl Future<Output = Result<Option<Self::Observed>, CallError>>;
    /// What to do with it.
    fn decide(&self, observed: &Self::Observed) -> Decision;
    /// What is seen, for people.
    fn written(&self, observed: &Self::Observed) -> String;
    /// The values its undo needs.
    fn before(&self, observed: &Self::Observed) -> Value;
    /// What the act comes to, for people: `set to min 0, max 0, desired 0`.
    fn intention(&self) -> String;
    /// The call that fences it next, as IAM writes it.
    fn acting(&self, observed: &Self::Observed) -> &'static str;
    /// Fences it. Where that takes several calls, each look makes the next one.
    fn act(&self, observed: &Self::Observed) -> impl Future<Output = Result<(), CallError>>;
    /// Whether this refusal says "not now": the resource is busy with something else.
    fn is_busy(&self, _code: &str) -> bool {
        false
    }
}

/// One look.
///
/// # Errors
/// The journal's and the lease's only.
pub(crate) async fn look<L: Ledger, I: Item>(
    context: &StepContext<'_, L>,
    region: &str,
    item: &I,
) -> Result<Seen, Failure> {
    let observed = match item.observe().await {
        Ok(Some(observed)) => observed,
        // The old primary was set aside already, by a run that this one goes on with: nobody writes to it under that name.
        Ok(None) if context.run.mode == Mode::Protect => {
            let detail = format!("there is no {} {} in {region}: nothing to fence", I::KIND, item.resource());
            return Ok(Seen { state: ItemState::Done, detail });
        }
        Ok(None) => {
            let detail = format!("there is no such {} in {region}: {}", I::KIND, item.resource());
            return Ok(Seen { state: ItemState::Refused, detail });
        }
        Err(error) => return Ok(not_observed(I::OBSERVING, &error)),
    };
    match item.decide(&observed) {
        Decision::Done => {
            let earlier = context.earlier(item.name(), I::ACTION).await?;
            context.settle(earlier.as_ref(), "its answer was lost; seen to be fenced").await?;
            Ok(Seen { state: ItemState::Done, detail: item.written(&observed) })
        }
        Decision::Wait => Ok(Seen { state: ItemState::InProgress, detail: item.written(&observed) }),
        Decision::Act => act(context, item, &observed).await,
    }
}

async fn act<L: Ledger, I: Item>(
    context: &StepContext<'_, L>,
    item: &I,
    observed: &I::Observed,
) -> Result<Seen, Failure> {
    let earlier = context.earlier(item.name(), I::ACTION).await?;
    let (intention, acting) = (item.intention(), item.acting(observed));
    let act = Act {
        component: item.name().to_owned(),
        action: I::ACTION,
        resource: item.resource().to_owned(),
        irreversible: false,
        before: item.before(observed),
        intention: intention.clone(),
    };
    let call = || async { item.act(observed).await.map(|()| item.intention()) };
    Ok(match context.act(act, earlier.as_ref(), call).await? {
        Acted::WouldDo((progress, _)) => Seen { state: ItemState::Done, detail: progress.detail },
        Acted::Accepted(_) => Seen { state: ItemState::InProgress, detail: format!("{intention}, not seen yet") },
        Acted::Failed(CallError::Refused { code, message }) if item.is_busy(&code) => {
            Seen { state: ItemState::Busy, detail: format!("{acting} was put off with {code}: {message}") }
        }
        Acted::Failed(error @ CallError::Refused { .. }) => {
            Seen { state: ItemState::Refused, detail: format!("{acting} was {error}") }
        }
        Acted::Failed(error @ CallError::Throttled { .. }) => {
            Seen { state: ItemState::InProgress, detail: format!("{acting} was {error}") }
        }
        // Not unreachable yet: the next look tells whether it was done.
        Acted::Failed(CallError::Unknown { message }) => {
            Seen { state: ItemState::InProgress, detail: format!("{acting}: its answer was lost: {message}") }
        }
    })
}

fn not_observed(call: &str, error: &CallError) -> Seen {
    let (state, detail) = match error {
        CallError::Refused { .. } => (ItemState::Refused, format!("{call} was {error}")),
        CallError::Throttled { .. } => (ItemState::InProgress, format!("{call} was {error}")),
        CallError::Unknown { message } => (ItemState::Unreachable, format!("{call}: no answer: {message}")),
    };
    Seen { state, detail }
}
