//! Lambda functions of the owner's that are hooks: one works on under a token while it is called, and ends as it was told to.

use std::collections::BTreeMap;

use pilot_core::observed::{HookFunctionObserved, Invoked};
use pilot_shell::CallError;
use pilot_shell::ports::{FunctionCall, HookFunctions};
use serde_json::{Value, json};

use super::{FakeWorld, refused};

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeHookFunction {
    /// Its state (`Active`, ...).
    pub state: String,
    /// What it works on, by token.
    pub works: BTreeMap<String, FakeWork>,
    /// How often a new work must be asked for before it ends.
    pub looks: u32,
    /// How a new work ends: `done`, `failed`, or `error` for an invocation that ends in one.
    pub end: String,
    /// The events it was called with, oldest first.
    pub events: Vec<Value>,
}

/// What a function works on under one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FakeWork {
    /// How often it must still be asked for before it ends.
    pub looks_left: u32,
    /// Whether it was taken back.
    pub undone: bool,
}

impl FakeHookFunction {
    /// An active function whose works end so.
    pub fn ending(end: &str) -> Self {
        let (works, events) = Default::default();
        FakeHookFunction { state: "Active".into(), works, looks: 2, end: end.into(), events }
    }

    /// How many works were begun and not taken back.
    pub fn standing(&self) -> usize {
        self.works.values().filter(|work| !work.undone).count()
    }

    /// Every call of a token brings its work a step on.
    fn call(&mut self, event: &Value) -> Invoked {
        self.events.push(event.clone());
        let token = event["token"].as_str().unwrap_or_default().to_owned();
        if event["action"] == "undo" {
            return self.undo(&token);
        }
        let fresh = FakeWork { looks_left: self.looks, undone: false };
        let work = self.works.entry(token).or_insert(fresh);
        if work.looks_left > 0 {
            work.looks_left -= 1;
            return returned(&json!({"status": "running", "message": format!("{} to go", work.looks_left + 1)}));
        }
        match self.end.as_str() {
            "error" => Invoked {
                function_error: Some("Unhandled".into()),
                payload: json!({"errorType": "ValueError", "errorMessage": "hunter2"}).to_string().into_bytes(),
            },
            end => returned(&json!({"status": end, "message": "v7", "password": "hunter2"})),
        }
    }

    /// The first call of an undo stops the work, the second has taken it back; a token it never saw has nothing to take back.
    fn undo(&mut self, token: &str) -> Invoked {
        match self.works.get_mut(token).filter(|work| !work.undone) {
            Some(work) if work.looks_left != u32::MAX => {
                work.looks_left = u32::MAX;
                returned(&json!({"status": "running", "message": "stopped"}))
            }
            Some(work) => {
                work.undone = true;
                returned(&json!({"status": "done", "message": "gone"}))
            }
            None => returned(&json!({"status": "done", "message": "nothing was made"})),
        }
    }
}

fn returned(answer: &Value) -> Invoked {
    Invoked { function_error: None, payload: answer.to_string().into_bytes() }
}

impl FakeWorld {
    /// Puts a function into the Region.
    pub fn put_hook_function(&self, name: &str, function: FakeHookFunction) {
        self.write().hook_functions.insert(name.into(), function);
    }

    /// Changes a function from outside.
    pub fn change_hook_function(&self, name: &str, change: impl FnOnce(&mut FakeHookFunction)) {
        if let Some(function) = self.write().hook_functions.get_mut(name) {
            change(function);
        }
    }

    /// The function as it is, without calling it.
    pub fn peek_hook_function(&self, name: &str) -> Option<FakeHookFunction> {
        self.read().hook_functions.get(name).cloned()
    }
}

impl HookFunctions for FakeWorld {
    async fn hook_function(
        &self,
        function: &str,
        _qualifier: Option<&str>,
    ) -> Result<Option<HookFunctionObserved>, CallError> {
        let state = self.read();
        let found = state.hook_functions.get(function);
        Ok(found.map(|function| HookFunctionObserved { state: function.state.clone(), state_reason: None }))
    }

    async fn invoke(&self, call: &FunctionCall) -> Result<Invoked, CallError> {
        let mut state = self.write();
        let function = state.hook_functions.get_mut(&call.function);
        let function = function.ok_or_else(|| refused("ResourceNotFoundException", "Function not found"))?;
        Ok(function.call(&call.event))
    }
}
