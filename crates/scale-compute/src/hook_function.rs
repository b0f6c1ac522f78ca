//! A Lambda function of the owner's: looked up, called under one token until it answers that its work is done - and by a rollback, if it knows
//! that, until what it made is taken back.

use std::cell::RefCell;

use pilot_core::contract::{Run, Status};
use pilot_core::decide::hook::{Handed, first_line};
use pilot_core::decide::hook_function::{
    Decision, Told, Wanted, asked_under, decide, event, failed, read, undone_under,
};
use pilot_core::decide::readiness::{Readiness, hook_function as readiness};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::Invoked;
use pilot_core::plan::{LambdaHook, RecoveryPlan};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{FunctionCall, HookFunctions};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::Value;

/// How soon the function is asked again.
const LOOK_SECONDS: u32 = 5;

/// Brings the hook a step on: calls its function, until it answers that it is done.
///
/// # Errors
/// `HookFailed` if the function cannot be called, ends in an error or answers that it failed; see [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, F: HookFunctions>(
    context: &StepContext<'_, L>,
    functions: &F,
    component: &LambdaHook,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    if let Some(detail) = done_before(context, &component.name).await? {
        return Ok(done(&component.name, detail));
    }
    let handed = Handed::of(context.run, context.plan, &component.name);
    let hook = Hook { context, functions, component, handed, allowed_seconds };
    let earlier = context.earlier(&component.name, Action::CallFunction).await?;
    let token_of = |run_id: &str| hook.handed.token_of(run_id);
    match asked_under(earlier.as_ref(), &context.run.run_id, token_of) {
        None => hook.begin(earlier.as_ref()).await,
        Some(token) => hook.ask(&token, earlier.as_ref()).await,
    }
}

/// What the run wrote down when the function answered that it was done: it is not asked again while later waves are brought up.
async fn done_before<L: Ledger>(context: &StepContext<'_, L>, name: &str) -> Result<Option<String>, Failure> {
    let steps = context.ledger.steps(&context.run.run_id).await?;
    let components = steps.into_iter().filter(|step| step.name == context.step.name).flat_map(|step| step.components);
    let ended = components.into_iter().find(|component| component.name == name && component.status == Status::Done);
    Ok(ended.map(|component| component.detail))
}

struct Hook<'a, L, F> {
    context: &'a StepContext<'a, L>,
    functions: &'a F,
    component: &'a LambdaHook,
    handed: Handed,
    allowed_seconds: u32,
}

impl<L: Ledger, F: HookFunctions> Hook<'_, L, F> {
    /// The first call under this run's token.
    async fn begin(&self, earlier: Option<&Entry>) -> Result<Progress, Failure> {
        let resource = self.component.resource();
        self.check_deadline("the function is not called")?;
        self.prepare().await?;
        let token = self.handed.token();
        let call = call(self.component, &self.handed, &token, Wanted::Run);
        let act = Act {
            component: self.component.name.clone(),
            action: Action::CallFunction,
            resource: resource.clone(),
            irreversible: false,
            before: Value::Null,
            intention: format!("called: the function {resource}, until it is done"),
        };
        let answer: RefCell<Option<Invoked>> = RefCell::default();
        let invoke = || async {
            let invoked = self.functions.invoke(&call).await?;
            *answer.borrow_mut() = Some(invoked);
            Ok(token)
        };
        match self.context.act_or_rehearse(self.component.dry_run_call, act, earlier, invoke).await? {
            Acted::WouldDo(progress) => Ok(progress),
            Acted::Accepted(_) => match answer.into_inner().map(|invoked| decide(&resource, &read(&invoked), true)) {
                Some(decision) => self.told(decision),
                None => self.waits("the function was called"),
            },
            Acted::Failed(error) => self.unanswered(&error),
        }
    }

    /// A later call, under the token of what was started.
    async fn ask(&self, token: &str, earlier: Option<&Entry>) -> Result<Progress, Failure> {
        let asked = self.functions.invoke(&call(self.component, &self.handed, token, Wanted::Run)).await;
        let invoked = match asked {
            Ok(invoked) => invoked,
            Err(error) => return self.unanswered(&error),
        };
        self.context.settle(earlier, token).await?;
        match decide(&self.component.resource(), &read(&invoked), token == self.handed.token()) {
            Decision::Anew => self.begin(earlier).await,
            decision => self.told(decision),
        }
    }

    fn told(&self, decision: Decision) -> Result<Progress, Failure> {
        match decision {
            Decision::Follow { doing } => self.waits(&doing),
            Decision::Done { detail } => Ok(done(&self.component.name, detail)),
            Decision::Anew => self.waits("what an earlier run started failed: the function is called anew"),
            Decision::Fail(failure) => Err(*failure),
        }
    }

    /// A call that came to nothing is made again, as long as the plan gives the hook; one that is refused is not.
    fn unanswered(&self, error: &CallError) -> Result<Progress, Failure> {
        match error {
            CallError::Refused { .. } => Err(Failure::new(
                FailureName::HookFailed,
                self.component.resource(),
                format!("lambda:InvokeFunction was {}", first_line(&error.to_string())),
            )
            .now("the function was not called by this call")
            .next("check scale-compute's role and what the plan says of the hook; then start the run again")),
            CallError::Throttled { code, .. } => self.waits(&format!("Lambda throttles its call with {code}")),
            CallError::Unknown { .. } => {
                let seconds = self.component.call_timeout_seconds;
                self.waits(&format!("no answer of the function within {seconds} s (callTimeoutSeconds)"))
            }
        }
    }

    fn waits(&self, doing: &str) -> Result<Progress, Failure> {
        self.check_deadline(doing)?;
        Ok(in_progress(&self.component.name, doing, LOOK_SECONDS))
    }

    fn check_deadline(&self, doing: &str) -> Result<(), Failure> {
        self.context.check_deadline(&self.component.resource(), doing, self.allowed_seconds)
    }

    async fn prepare(&self) -> Result<(), Failure> {
        let (resource, qualifier) = (self.component.resource(), self.component.qualifier.as_deref());
        let seen = self.functions.hook_function(&self.component.function_name, qualifier).await;
        let seen = seen.map_err(|error| error.into_failure("lambda:GetFunctionConfiguration", &resource))?;
        match readiness::function(self.component, seen.as_ref()) {
            Readiness::Ready(_) | Readiness::Wait(_) => Ok(()),
            Readiness::Problem(seen) => Err(Failure::new(FailureName::HookFailed, resource, seen)
                .now("the function was not called")
                .next("mend the function or the plan; then start the run again")),
        }
    }
}

fn call(component: &LambdaHook, handed: &Handed, token: &str, wanted: Wanted) -> FunctionCall {
    FunctionCall {
        function: component.function_name.clone(),
        qualifier: component.qualifier.clone(),
        event: event(component, handed, token, wanted),
        timeout_seconds: component.call_timeout_seconds,
    }
}

/// The undo of the first call: the function is told to take back what it made, if it knows that. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if it cannot, or answers that it failed.
pub async fn undo<F: HookFunctions>(
    functions: &F,
    run: &Run,
    plan: &RecoveryPlan,
    component: &LambdaHook,
    entry: &Entry,
) -> Result<Progress, Failure> {
    let handed = Handed::of(run, plan, &component.name);
    let tokens = undone_under(entry, &run.run_id, |run_id| handed.token_of(run_id));
    let mut taken_back = "the function was not called".to_owned();
    if !component.undo_call && !tokens.is_empty() {
        taken_back = "the function is called no more; what it made stays (the plan says no undoCall)".to_owned();
        return Ok(done(&entry.component, taken_back));
    }
    for token in tokens {
        match functions.invoke(&call(component, &handed, &token, Wanted::Undo)).await {
            Ok(invoked) => match read(&invoked) {
                Told::Running { message } => {
                    let doing = format!("the function takes back what it made: {message}");
                    return Ok(in_progress(&entry.component, doing, LOOK_SECONDS));
                }
                Told::Done { message } => taken_back = format!("the function took back what it made: {message}"),
                Told::Failed { reason } => return Err(not_undone(entry, &format!("its undo: {reason}"))),
            },
            Err(error @ CallError::Refused { .. }) => {
                let reason = format!("lambda:InvokeFunction was {}", first_line(&error.to_string()));
                return Err(not_undone(entry, &reason));
            }
            Err(_) => {
                return Ok(in_progress(
                    &entry.component,
                    "no answer of the function; it is called again",
                    LOOK_SECONDS,
                ));
            }
        }
    }
    Ok(done(&entry.component, taken_back))
}

fn not_undone(entry: &Entry, reason: &str) -> Failure {
    failed(FailureName::RollbackIncomplete, &entry.resource, reason)
}
