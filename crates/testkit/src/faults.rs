//! The one fault injector: wraps anything that implements the ports or the ledger, numbers every call, and fails those it was told to.

mod caches;
mod datastores;
mod hooks;
mod in_region;
mod ledger;
mod ports;
mod restores;

use std::cell::RefCell;

use pilot_shell::CallError;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// AWS throttles it: not done, and the caller knows.
    Throttled,
    /// No answer, and it was not done.
    UnknownBefore,
    /// It was done, but the answer was lost.
    UnknownAfter,
    /// AWS refuses it for good: not done, and the caller knows.
    Refused,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: [Fault; 4] = [Fault::Throttled, Fault::UnknownBefore, Fault::UnknownAfter, Fault::Refused];

    /// What the caller sees.
    pub fn error(self) -> CallError {
        match self {
            Fault::Throttled => {
                CallError::Throttled { code: "Throttling".into(), message: "Rate exceeded (injected)".into() }
            }
            Fault::UnknownBefore | Fault::UnknownAfter => {
                CallError::Unknown { message: "the connection was reset (injected)".into() }
            }
            Fault::Refused => {
                CallError::Refused { code: "AccessDenied".into(), message: "not authorized (injected)".into() }
            }
        }
    }
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name, as IAM writes it (`rds:PromoteReadReplica`), or `ledger:` and the method.
    pub name: &'static str,
    /// The resource it was made on.
    pub resource: String,
    /// Whether it changes anything in AWS. The ledger's own writes do not count.
    pub mutating: bool,
    /// The fault that was injected.
    pub fault: Option<Fault>,
}

impl Call {
    /// Whether it got as far as the world (which may have refused it).
    pub fn reached_world(&self) -> bool {
        matches!(self.fault, None | Some(Fault::UnknownAfter))
    }
}

#[derive(Debug, Clone, Copy)]
enum When {
    /// The call of this number, counted from 0 over all calls.
    Number(usize),
    /// The n-th call of this name, counted from 0.
    Nth(&'static str, usize),
    /// Every call of this name.
    Every(&'static str),
}

/// Which calls fail and how, and which calls were made.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<(When, Fault)>,
    calls: RefCell<Vec<Call>>,
}

impl Faults {
    /// Nothing fails.
    pub fn none() -> Self {
        Self::default()
    }

    /// The call of this number fails, counted from 0 over all calls.
    #[must_use]
    pub fn at(mut self, number: usize, fault: Fault) -> Self {
        self.rules.push((When::Number(number), fault));
        self
    }

    /// The n-th call of this name fails, counted from 0.
    #[must_use]
    pub fn nth(mut self, name: &'static str, nth: usize, fault: Fault) -> Self {
        self.rules.push((When::Nth(name, nth), fault));
        self
    }

    /// Every call of this name fails.
    #[must_use]
    pub fn every(mut self, name: &'static str, fault: Fault) -> Self {
        self.rules.push((When::Every(name), fault));
        self
    }

    /// Every call that was made, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// The calls that change something in AWS, in order.
    pub fn mutating_calls(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.mutating).collect()
    }

    /// How often a call of this name was made.
    pub fn count(&self, name: &str) -> usize {
        self.calls.borrow().iter().filter(|call| call.name == name).count()
    }

    /// Whether any fault was injected: a test of a fault that never came proves nothing.
    pub fn any_injected(&self) -> bool {
        self.calls.borrow().iter().any(|call| call.fault.is_some())
    }

    fn enter(&self, name: &'static str, resource: &str, mutating: bool) -> Option<Fault> {
        let nth = self.count(name);
        let mut calls = self.calls.borrow_mut();
        let hits = |when: &When| match *when {
            When::Number(number) => number == calls.len(),
            When::Nth(named, n) => named == name && n == nth,
            When::Every(named) => named == name,
        };
        let fault = self.rules.iter().find(|(when, _)| hits(when)).map(|(_, fault)| *fault);
        calls.push(Call { name, resource: resource.to_owned(), mutating, fault });
        fault
    }
}

/// A world or a ledger with faults in front of it.
#[derive(Debug, Clone, Copy)]
pub struct Injected<'a, T> {
    inner: &'a T,
    faults: &'a Faults,
}

impl<'a, T> Injected<'a, T> {
    /// Puts the faults in front. Several may share the faults: then they share the numbering too.
    pub fn new(inner: &'a T, faults: &'a Faults) -> Self {
        Injected { inner, faults }
    }

    /// One call: the fault before it, the call, the fault after it. The future does nothing until it is awaited. Public for the fakes of
    /// ports that a step's crate has to itself.
    ///
    /// # Errors
    /// The call's own, or what `error` makes of the fault.
    pub async fn call<R, E>(
        &self,
        name: &'static str,
        resource: &str,
        mutating: bool,
        call: impl Future<Output = Result<R, E>>,
        error: impl FnOnce(Fault) -> E,
    ) -> Result<R, E> {
        match self.faults.enter(name, resource, mutating) {
            None => call.await,
            Some(fault @ Fault::UnknownAfter) => {
                // Done or refused over there; here nobody knows.
                let _ = call.await;
                Err(error(fault))
            }
            Some(fault) => Err(error(fault)),
        }
    }
}
