//! SSM documents and their automations: one runs while it is looked at, and ends as it was told to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pilot_core::observed::{AutomationObserved, DocumentObserved, HookRunObserved};
use pilot_shell::CallError;
use pilot_shell::ports::{AutomationStart, Automations};

use super::{FakeWorld, refused};
use crate::now;

/// An SSM document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeDocument {
    /// What is described of it.
    pub observed: DocumentObserved,
    /// Its executions, oldest first.
    pub executions: Vec<FakeAutomation>,
    /// How often a new execution must be looked at before it ends.
    pub looks: u32,
    /// How a new execution ends (`Success`, `Failed`, ...).
    pub end: String,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeAutomation {
    /// How it was started.
    pub start: AutomationStart,
    /// What is seen of it.
    pub observed: AutomationObserved,
    /// How often it must still be looked at before it ends.
    pub looks_left: u32,
}

impl FakeDocument {
    /// An active runbook with these parameters, none with a default, whose executions end so.
    pub fn ending(end: &str, parameters: &[&str]) -> Self {
        let parameters: BTreeMap<String, bool> = parameters.iter().map(|name| ((*name).to_owned(), false)).collect();
        let observed = DocumentObserved { status: "Active".into(), document_type: "Automation".into(), parameters };
        FakeDocument { observed, executions: Vec::new(), looks: 2, end: end.into() }
    }

    /// How many of its executions run.
    pub fn running(&self) -> usize {
        self.executions.iter().filter(|one| one.observed.run.status == "InProgress").count()
    }

    fn start(&mut self, start: &AutomationStart) -> Result<String, CallError> {
        if let Some(same) = self.executions.iter().find(|one| one.start.token == start.token) {
            return if same.start == *start {
                Ok(same.observed.run.id.clone())
            } else {
                Err(refused("IdempotentParameterMismatch", "the parameters are not those of the first call"))
            };
        }
        let strange = start.parameters.keys().find(|name| !self.observed.parameters.contains_key(*name));
        let missing =
            self.observed.parameters.iter().find(|(name, default)| !**default && !start.parameters.contains_key(*name));
        if let Some(name) = strange.or(missing.map(|(name, _)| name)) {
            return Err(refused("InvalidAutomationExecutionParametersException", format!("parameter {name}")));
        }
        let id = format!("{}-{}", start.document, self.executions.len() + 1);
        let run = HookRunObserved {
            id: id.clone(),
            status: "InProgress".into(),
            started_at: Some(now()),
            doing: Some("deploy".into()),
            reason: None,
            log: None,
        };
        let observed = AutomationObserved { run, parameters: start.parameters.clone() };
        self.executions.push(FakeAutomation { start: start.clone(), observed, looks_left: self.looks });
        Ok(id)
    }

    fn look(&mut self, of: impl Fn(&FakeAutomation) -> bool) -> Vec<AutomationObserved> {
        let end = self.end.clone();
        let ours = self.executions.iter_mut().filter(|one| of(one));
        ours.map(|one| {
            if one.observed.run.status == "InProgress" {
                match one.looks_left {
                    0 => {
                        one.observed.run.reason = (end == "Failed").then(|| "Step fails when it is executing".into());
                        one.observed.run.status.clone_from(&end);
                    }
                    _ => one.looks_left -= 1,
                }
            }
            one.observed.clone()
        })
        .collect()
    }
}

impl FakeWorld {
    /// Puts a document into the Region.
    pub fn put_document(&self, name: &str, document: FakeDocument) {
        self.write().documents.insert(name.into(), document);
    }

    /// Changes a document from outside.
    pub fn change_document(&self, name: &str, change: impl FnOnce(&mut FakeDocument)) {
        if let Some(document) = self.write().documents.get_mut(name) {
            change(document);
        }
    }

    /// The document as it is, without looking at it.
    pub fn peek_document(&self, name: &str) -> Option<FakeDocument> {
        self.read().documents.get(name).cloned()
    }
}

impl Automations for FakeWorld {
    async fn document(&self, name: &str, _version: Option<&str>) -> Result<Option<DocumentObserved>, CallError> {
        Ok(self.read().documents.get(name).map(|document| document.observed.clone()))
    }

    async fn start_automation(&self, start: &AutomationStart) -> Result<String, CallError> {
        let mut state = self.write();
        let document = state.documents.get_mut(&start.document);
        document.ok_or_else(|| refused("AutomationDefinitionNotFoundException", "no such document"))?.start(start)
    }

    async fn automation(&self, id: &str) -> Result<Option<AutomationObserved>, CallError> {
        let mut state = self.write();
        Ok(state.documents.values_mut().flat_map(|document| document.look(|one| one.observed.run.id == id)).next())
    }

    async fn automations_since(&self, document: &str, since: Timestamp) -> Result<Vec<AutomationObserved>, CallError> {
        let began = |one: &FakeAutomation| one.observed.run.started_at.is_some_and(|at| at >= since);
        Ok(self.write().documents.get_mut(document).map(|document| document.look(began)).unwrap_or_default())
    }

    async fn stop_automation(&self, id: &str) -> Result<(), CallError> {
        let mut state = self.write();
        let found = state.documents.values_mut().flat_map(|document| &mut document.executions);
        let found = found.map(|one| &mut one.observed.run).find(|run| run.id == id);
        let run = found.ok_or_else(|| refused("AutomationExecutionNotFoundException", "no such execution"))?;
        if run.status == "InProgress" {
            run.status = "Cancelled".into();
        }
        Ok(())
    }
}
