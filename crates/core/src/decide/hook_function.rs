//! A Lambda function of the owner's: what it is told, what its answer means, and under which token it is asked.
//!
//! The token is what was started: the journal keeps it as the outcome of the first call, so a later run that goes on with the journal asks under
//! the token of the run before. What is done there is done, what runs is followed, and only what failed is started anew, under the later run's own
//! token.

use serde::Deserialize;
use serde_json::{Value, json};

use super::hook::{Handed, first_line};
use crate::journal::{Entry, EntryOutcome};
use crate::observed::Invoked;
use crate::plan::LambdaHook;
use crate::{Failure, FailureName};

/// How much of an error type is repeated: it is the name of a class.
const ERROR_TYPE_CHARACTERS_MAX: usize = 80;

/// What the function is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its work is to be begun, or told of.
    Run,
    /// Its work is to be stopped and taken back.
    Undo,
}

/// The event of a call.
pub fn event(hook: &LambdaHook, handed: &Handed, token: &str, wanted: Wanted) -> Value {
    let action = match wanted {
        Wanted::Run => "run",
        Wanted::Undo => "undo",
    };
    json!({
        "action": action,
        "token": token,
        "runId": handed.run_id,
        "plan": handed.plan,
        "component": handed.component,
        "primaryRegion": handed.primary_region,
        "recoveryRegion": handed.recovery_region,
        "mode": handed.mode,
        "generation": handed.generation,
        "dryRun": handed.dry_run,
        "payload": hook.payload,
    })
}

/// The token of what the journal says was started, or may have been; `None`: nothing was, for certain. `token_of`: the token of a run.
pub fn asked_under(entry: Option<&Entry>, run_id: &str, token_of: impl Fn(&str) -> String) -> Option<String> {
    let entry = entry?;
    match &entry.outcome {
        Some(EntryOutcome::NotDone { .. }) => None,
        Some(EntryOutcome::Accepted { detail, .. }) => Some(detail.clone()),
        // Whether it was called is not known; under the same token that makes no difference.
        None => Some(token_of(entry.adopted_from.as_deref().unwrap_or(run_id))),
    }
}

/// Every token that the function may have worked under for this entry: a run that goes on with another one's journal may have called it anew.
/// Of a token that it never saw it has nothing to take back. Empty: it was not called, for certain.
pub fn undone_under(entry: &Entry, run_id: &str, token_of: impl Fn(&str) -> String) -> Vec<String> {
    let mut tokens: Vec<String> = asked_under(Some(entry), run_id, &token_of).into_iter().collect();
    for run_id in [entry.adopted_from.as_deref(), Some(run_id)].into_iter().flatten() {
        let token = token_of(run_id);
        if !tokens.is_empty() && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens
}

/// What the function says of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is under way.
    Running {
        /// What the function says of it, cut.
        message: String,
    },
    /// It is done.
    Done {
        /// What the function says of it, cut.
        message: String,
    },
    /// It failed.
    Failed {
        /// Why.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    message: Option<String>,
}

/// Reads what an invocation came to. Of what the function returned only its message is repeated, and of an error only its type.
pub fn read(invoked: &Invoked) -> Told {
    if let Some(how) = &invoked.function_error {
        let kind = error_type(&invoked.payload).map(|kind| format!(" of the type {kind}")).unwrap_or_default();
        return Told::Failed { reason: format!("its invocation ended in an error{kind} ({})", first_line(how)) };
    }
    let strange = |what: &str| Told::Failed {
        reason: format!(
            "its answer {what}; it must answer {{\"status\": \"running\", \"done\" or \"failed\", \"message\": a text}}"
        ),
    };
    let Ok(Answer { status, message }) = serde_json::from_slice(&invoked.payload) else {
        return strange("is not of the form that a hook answers in");
    };
    let message = first_line(message.as_deref().unwrap_or_default());
    match status.as_str() {
        "running" => Told::Running { message },
        "done" => Told::Done { message },
        "failed" => Told::Failed { reason: format!("it answered `failed`{}", after(&message)) },
        _ => strange("has a status that is none of a hook's"),
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is on its way: ask again.
    Follow {
        /// What it is doing.
        doing: String,
    },
    /// It ended well.
    Done {
        /// What to say of it.
        detail: String,
    },
    /// What an earlier run started failed: start it anew, under this run's own token.
    Anew,
    /// It ended badly.
    Fail(Box<Failure>),
}

/// Decides from an answer. `own`: whether it was asked under this run's own token.
pub fn decide(resource: &str, told: &Told, own: bool) -> Decision {
    match told {
        Told::Running { message } => Decision::Follow { doing: format!("the function is `running`{}", after(message)) },
        Told::Done { message } => Decision::Done { detail: format!("the function answered `done`{}", after(message)) },
        Told::Failed { .. } if !own => Decision::Anew,
        Told::Failed { reason } => Decision::Fail(Box::new(failed(FailureName::HookFailed, resource, reason))),
    }
}

/// The failure of a hook, or of its undo.
pub fn failed(name: FailureName, resource: &str, reason: &str) -> Failure {
    let log = format!("its log is that of the function {resource}");
    let (now, next) = match name {
        FailureName::RollbackIncomplete => (
            "what the function made stays, or is partly taken back",
            "read its log, and take back by hand what it made",
        ),
        _ => (
            "it is not called again by this run; what it made before stays",
            "read its log and mend it; a run that goes on with this one asks it again, and has what still fails begun anew",
        ),
    };
    Failure::new(name, resource, format!("{reason}; {log}")).now(now).next(next)
}

fn after(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// The name of an error's class; anything that does not look like one is not repeated.
fn error_type(payload: &[u8]) -> Option<String> {
    let described: Value = serde_json::from_slice(payload).ok()?;
    let kind = described.get("errorType")?.as_str()?;
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '$');
    let is_name = !kind.is_empty() && kind.len() <= ERROR_TYPE_CHARACTERS_MAX && kind.chars().all(of_a_name);
    is_name.then(|| kind.to_owned())
}

#[cfg(test)]
mod tests;
