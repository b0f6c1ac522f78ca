//! What a hook's service showed of what a run started there.

use jiff::Timestamp;

/// Something of the owner's that was started: a CodeBuild build, an SSM automation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRunObserved {
    /// The service's id of it.
    pub id: String,
    /// Its status, as the service writes it.
    pub status: String,
    /// When it began, as the service says: a run tells its own by it from one of an earlier run.
    pub started_at: Option<Timestamp>,
    /// What it is doing, or did last: a build's phase, an automation's step.
    pub doing: Option<String>,
    /// Why it failed, as the service says. May hold what the owner's commands wrote: never repeated whole.
    pub reason: Option<String>,
    /// Where its log can be read, if the service says so.
    pub log: Option<String>,
}
