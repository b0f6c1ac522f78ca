//! What the hooks that are started once and followed have in common: one way to start, to follow and to stop them.

use pilot_core::decide::hook::{Decision, Handed, HookService, Started, Undo, decide, decide_undo, first_line};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::HookRunObserved;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::Value;

/// How soon what was started is looked at again: minutes are usual, and a failure should not be told late.
const LOOK_SECONDS: u32 = 5;
/// How soon a start is tried again that the account's limit held up.
const LIMIT_LOOK_SECONDS: u32 = 20;

/// One hook, and the service it is started in.
pub(crate) trait Job {
    /// Where it runs.
    const SERVICE: HookService;
    /// How the journal names the start.
    const ACTION: Action;
    /// The calls' names: start, look, find, stop.
    const CALLS: Calls;
    /// What a start is made of, looked up before it.
    type Start;

    /// The project or document.
    fn resource(&self) -> &str;
    /// What the journal keeps to find a start whose answer was lost.
    fn before(&self) -> Value;
    /// Looks the project or document up and makes the request. Changes nothing.
    async fn prepare(&self, handed: &Handed) -> Result<Self::Start, Failure>;
    /// Starts it; its id.
    async fn start(&self, start: &Self::Start) -> Result<String, CallError>;
    /// Looks at what was started.
    async fn look(&self, id: &str) -> Result<Option<HookRunObserved>, CallError>;
    /// Looks for what an open entry may have started, for one of these runs.
    async fn find(&self, entry: &Entry, run_ids: &[&str]) -> Result<Option<HookRunObserved>, CallError>;
    /// Stops it.
    async fn stop(&self, id: &str) -> Result<(), CallError>;
}

/// The calls of a service, as IAM writes them.
pub(crate) struct Calls {
    pub start: &'static str,
    pub look: &'static str,
    pub find: &'static str,
    pub stop: &'static str,
    /// The error code of a start that the account's own limit holds up for now.
    pub limit: &'static str,
}

/// What the plan says of every hook.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Component<'a> {
    pub name: &'a str,
    /// Whether a dry run starts it.
    pub dry_run_call: bool,
}

/// Brings one hook a step on towards its good end.
pub(crate) async fn reconcile<L: Ledger, J: Job>(
    context: &StepContext<'_, L>,
    job: &J,
    component: Component<'_>,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let earlier = context.earlier(component.name, J::ACTION).await?;
    let started = Started::of(earlier.as_ref());
    let found = observe(job, &started, earlier.as_ref(), &context.run.run_id).await?;
    if let Some(seen) = &found {
        context.settle(earlier.as_ref(), &seen.id).await?;
    }
    match decide(J::SERVICE, job.resource(), &started, found.as_ref(), context.run.started_at) {
        Decision::Start => start(context, job, component, earlier.as_ref(), allowed_seconds).await,
        Decision::Follow { doing } => {
            context.check_deadline(job.resource(), &doing, allowed_seconds)?;
            Ok(in_progress(component.name, doing, LOOK_SECONDS))
        }
        Decision::Done { detail } => Ok(done(component.name, detail)),
        Decision::Fail(failure) => Err(*failure),
    }
}

/// What of it there is to be seen.
async fn observe<J: Job>(
    job: &J,
    started: &Started<'_>,
    entry: Option<&Entry>,
    run_id: &str,
) -> Result<Option<HookRunObserved>, Failure> {
    match (started, entry) {
        (Started::As(id), _) => job.look(id).await.map_err(|error| error.into_failure(J::CALLS.look, id)),
        (Started::MayBe, Some(entry)) => {
            let runs: Vec<&str> = [Some(run_id), entry.adopted_from.as_deref()].into_iter().flatten().collect();
            job.find(entry, &runs).await.map_err(|error| error.into_failure(J::CALLS.find, job.resource()))
        }
        _ => Ok(None),
    }
}

async fn start<L: Ledger, J: Job>(
    context: &StepContext<'_, L>,
    job: &J,
    component: Component<'_>,
    earlier: Option<&Entry>,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (noun, resource) = (J::SERVICE.noun(), job.resource());
    context.check_deadline(resource, &format!("the {noun} is not started"), allowed_seconds)?;
    let prepared = job.prepare(&Handed::of(context.run, context.plan, component.name)).await?;
    let act = Act {
        component: component.name.to_owned(),
        action: J::ACTION,
        resource: resource.to_owned(),
        irreversible: false,
        before: job.before(),
        intention: format!("started: one {noun} of {resource}"),
    };
    let call = || async { job.start(&prepared).await };
    match context.act_or_rehearse(component.dry_run_call, act, earlier, call).await? {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(id) => Ok(in_progress(component.name, format!("{noun} {id} was started"), LOOK_SECONDS)),
        Acted::Failed(error) if error.code() == Some(J::CALLS.limit) => {
            let detail = format!("{} was {}", J::CALLS.start, first_line(&error.to_string()));
            Ok(in_progress(component.name, detail, LIMIT_LOOK_SECONDS))
        }
        Acted::Failed(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::HookFailed,
            resource,
            format!("{} was {}", J::CALLS.start, first_line(&error.to_string())),
        )
        .now(format!("no {noun} was started by this call"))
        .next("check scale-compute's role and what the plan says of the hook; then start the run again")),
        Acted::Failed(error) => Err(error.into_failure(J::CALLS.start, resource)),
    }
}

/// The undo of a start: what still runs is stopped, and seen to have stopped. Doing it twice is the same as once.
pub(crate) async fn undo<J: Job>(job: &J, run_id: &str, entry: &Entry) -> Result<Progress, Failure> {
    let found = observe(job, &Started::of(Some(entry)), Some(entry), run_id).await?;
    let id = match decide_undo(J::SERVICE, found.as_ref()) {
        Undo::Done { detail } => return Ok(done(&entry.component, detail)),
        Undo::Stop { id } => id,
    };
    let noun = J::SERVICE.noun();
    match job.stop(&id).await {
        Ok(()) => Ok(in_progress(&entry.component, format!("{noun} {id} is being stopped"), LOOK_SECONDS)),
        Err(error @ CallError::Refused { .. }) => Err(Failure::new(
            FailureName::RollbackIncomplete,
            job.resource(),
            format!("{} of {noun} {id} was {}", J::CALLS.stop, first_line(&error.to_string())),
        )
        .now(format!("the {noun} goes on"))
        .next(format!("stop {noun} {id} by hand, and look at what it made"))),
        Err(error) => Err(error.into_failure(J::CALLS.stop, &id)),
    }
}
