//! A hook that is started and followed: a CodeBuild build, an SSM automation.
//!
//! Started once a run: a build that failed is not started again by the run that started it, because only its owner knows whether it can be
//! done twice. A later run that goes on with this one's journal takes up what succeeded, follows what still runs, and starts anew what
//! failed: a person has mended something between the two.

mod handed;

use jiff::Timestamp;

use crate::journal::{Entry, EntryOutcome};
use crate::observed::HookRunObserved;
use crate::{Failure, FailureName};

pub use handed::{ASSUME_ROLE_PARAMETER, COMPONENT_VARIABLE, DRY_RUN_PARAMETER, Handed, RUN_ID_VARIABLE, of_runs};

/// How much of what an owner's hook wrote is repeated in progress, errors and reports: it may hold what is nobody's business.
pub const SAID_CHARACTERS_MAX: usize = 300;

/// A service that hooks are started in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookService {
    /// AWS CodeBuild.
    CodeBuild,
    /// AWS Systems Manager Automation.
    Automation,
}

/// How something that was started ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Badly,
}

impl HookService {
    /// What is started there, for people.
    pub fn noun(self) -> &'static str {
        match self {
            HookService::CodeBuild => "build",
            HookService::Automation => "automation",
        }
    }

    /// `None`: it is still moving, whatever it is called. A word of a later day is no end.
    fn end(self, status: &str) -> Option<End> {
        match self {
            // CodeBuild API reference, `Build`, `buildStatus`.
            HookService::CodeBuild => match status {
                "SUCCEEDED" => Some(End::Well),
                "FAILED" | "FAULT" | "TIMED_OUT" | "STOPPED" => Some(End::Badly),
                _ => None,
            },
            // SSM user guide, "Learn about statuses returned by Systems Manager Automation".
            HookService::Automation => match status {
                "Success" | "CompletedWithSuccess" => Some(End::Well),
                "Failed"
                | "TimedOut"
                | "Cancelled"
                | "Rejected"
                | "ChangeCalendarOverrideRejected"
                | "CompletedWithFailure" => Some(End::Badly),
                _ => None,
            },
        }
    }
}

/// What the journal knows of the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started<'a> {
    /// Nothing was started, for certain.
    Not,
    /// It was meant, and whether it was done is not known: what it started must be looked for.
    MayBe,
    /// This was started, by this run or one that it goes on with.
    As(&'a str),
}

impl<'a> Started<'a> {
    /// Read from the entry of the start: the id of what was started is its outcome's detail.
    pub fn of(entry: Option<&'a Entry>) -> Self {
        match entry.map(|entry| &entry.outcome) {
            None | Some(Some(EntryOutcome::NotDone { .. })) => Started::Not,
            Some(None) => Started::MayBe,
            Some(Some(EntryOutcome::Accepted { detail, .. })) => Started::As(detail),
        }
    }
}

/// What to do with the hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Start it.
    Start,
    /// It is on its way.
    Follow {
        /// What it is doing.
        doing: String,
    },
    /// It ended well.
    Done {
        /// What to say of it.
        detail: String,
    },
    /// It ended badly.
    Fail(Box<Failure>),
}

/// Decides from what the journal knows and what was found of it. `resource`: the project or document. `run_started_at`: what began before
/// this run is an earlier run's.
pub fn decide(
    service: HookService,
    resource: &str,
    started: &Started<'_>,
    found: Option<&HookRunObserved>,
    run_started_at: Timestamp,
) -> Decision {
    let Some(seen) = found else {
        return match started {
            // The token starts once what was asked for a moment ago and is not listed yet.
            Started::Not | Started::MayBe => Decision::Start,
            Started::As(id) => Decision::Follow { doing: format!("{} {id} is not to be seen yet", service.noun()) },
        };
    };
    let earlier_runs = seen.started_at.is_some_and(|at| at < run_started_at);
    match service.end(&seen.status) {
        None => Decision::Follow { doing: doing(service, seen) },
        Some(End::Well) => Decision::Done { detail: format!("{} {} ended `{}`", service.noun(), seen.id, seen.status) },
        Some(End::Badly) if earlier_runs => Decision::Start,
        Some(End::Badly) => Decision::Fail(Box::new(failed(service, resource, seen))),
    }
}

/// What the undo of a start does: whatever still runs is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// Nothing runs.
    Done {
        /// What to say of it.
        detail: String,
    },
    /// Stop it, and look again.
    Stop {
        /// Its id.
        id: String,
    },
}

/// Decides from what was found of it.
pub fn decide_undo(service: HookService, found: Option<&HookRunObserved>) -> Undo {
    let noun = service.noun();
    match found {
        None => Undo::Done { detail: format!("no {noun} of this run is to be seen: there is nothing to stop") },
        Some(seen) if service.end(&seen.status).is_none() => Undo::Stop { id: seen.id.clone() },
        Some(seen) => Undo::Done {
            detail: format!("{noun} {} ended `{}` and runs no more; what it made stays", seen.id, seen.status),
        },
    }
}

/// The first line of what an owner's hook or its service said, cut to [`SAID_CHARACTERS_MAX`] characters.
pub fn first_line(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let cut: String = line.chars().take(SAID_CHARACTERS_MAX).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

fn doing(service: HookService, seen: &HookRunObserved) -> String {
    let at = seen.doing.as_deref().map(|doing| format!(" at {}", first_line(doing))).unwrap_or_default();
    format!("{} {} is `{}`{at}", service.noun(), seen.id, seen.status)
}

fn failed(service: HookService, resource: &str, seen: &HookRunObserved) -> Failure {
    let noun = service.noun();
    let at = seen.doing.as_deref().map(|doing| format!(" at {}", first_line(doing))).unwrap_or_default();
    let reason = seen.reason.as_deref().map(|reason| format!(": {}", first_line(reason))).unwrap_or_default();
    let log = match &seen.log {
        Some(link) => format!("; its log: {link}"),
        None => format!("; its log is that of {noun} {}", seen.id),
    };
    let what = format!("{noun} {} ended `{}`{at}{reason}{log}", seen.id, seen.status);
    Failure::new(FailureName::HookFailed, resource, what)
        .now(format!("the {noun} runs no more; what it made before it ended stays"))
        .next(format!("read its log and mend it; a run that goes on with this one starts a new {noun}"))
}

#[cfg(test)]
mod tests;
