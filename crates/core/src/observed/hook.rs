//! What a hook's service showed of what a run started there.

use std::collections::BTreeMap;

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

/// An SSM document, as `DescribeDocument` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentObserved {
    /// Its status (`Active`, `Creating`, `Updating`, `Deleting`, `Failed`).
    pub status: String,
    /// Its type (`Automation`, `Command`, ...).
    pub document_type: String,
    /// The parameters it declares, and whether each has a default value.
    pub parameters: BTreeMap<String, bool>,
}

/// An execution of a document, with the parameters it was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationObserved {
    /// What it is doing.
    pub run: HookRunObserved,
    /// Its parameters: the defaults of the document stand among them.
    pub parameters: BTreeMap<String, Vec<String>>,
}
