//! Lambda functions' concurrency: provisioned concurrency is requested, and allocated later; it never exceeds what is reserved (Lambda developer
//! guide, "Configuring provisioned concurrency"), and AWS refuses every call that would make it so.

use std::collections::BTreeMap;

use pilot_core::observed::{ConcurrencyBefore, FunctionObserved, ProvisionedObserved, ProvisionedStatus};
use pilot_shell::CallError;
use pilot_shell::ports::Concurrencies;

use super::{FakeWorld, refused};

/// The version that is edited.
const LATEST: &str = "$LATEST";

/// A Lambda function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FakeFunction {
    /// Its aliases and versions, and the version that each leads to.
    pub qualifiers: BTreeMap<String, String>,
    /// Its reserved concurrency.
    pub reserved: Option<u32>,
    /// The provisioned concurrency of each qualifier.
    pub provisioned: BTreeMap<String, FakeProvisioned>,
    /// How often it must be described before what was requested is allocated.
    pub allocation_looks: u32,
    /// Why no allocation comes about; `None`: it does.
    pub fails: Option<String>,
}

/// The provisioned concurrency of a qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeProvisioned {
    /// As described.
    pub observed: ProvisionedObserved,
    /// How often it must still be described before it is allocated.
    pub looks_left: u32,
}

impl FakeFunction {
    /// A function with an alias `live` that leads to version 7, this reserved and this provisioned concurrency, all of it ready.
    pub fn of(reserved: Option<u32>, provisioned: Option<u32>) -> Self {
        let live = "live".to_owned();
        let ready = |count| FakeProvisioned {
            observed: ProvisionedObserved { requested: count, available: count, status: ProvisionedStatus::Ready },
            looks_left: 0,
        };
        FakeFunction {
            qualifiers: [(live.clone(), "7".to_owned())].into(),
            reserved,
            provisioned: provisioned.map(|count| (live, ready(count))).into_iter().collect(),
            allocation_looks: 2,
            fails: None,
        }
    }

    /// What of it can be set, of its alias `live`.
    pub fn settings(&self) -> ConcurrencyBefore {
        let provisioned = self.provisioned.get("live").map(|live| live.observed.requested);
        ConcurrencyBefore { reserved: self.reserved, provisioned }
    }

    pub(super) fn look(&mut self, qualifier: Option<&str>) -> FunctionObserved {
        let version = qualifier.map_or(Some(LATEST.to_owned()), |name| self.qualifiers.get(name).cloned());
        let provisioned = qualifier.and_then(|name| self.provisioned.get_mut(name)).map(|provisioned| {
            if provisioned.looks_left > 0 {
                provisioned.looks_left -= 1;
            } else if let Some(reason) = &self.fails {
                provisioned.observed.status = ProvisionedStatus::Failed { reason: reason.clone() };
            } else {
                provisioned.observed.available = provisioned.observed.requested;
                provisioned.observed.status = ProvisionedStatus::Ready;
            }
            provisioned.observed.clone()
        });
        FunctionObserved { version, reserved: self.reserved, provisioned }
    }

    pub(super) fn reserve(&mut self, reserved: Option<u32>) -> Result<(), CallError> {
        let provisioned: u32 = self.provisioned.values().map(|one| one.observed.requested).sum();
        if reserved.is_some_and(|reserved| reserved < provisioned) {
            let message = "Requested ReservedConcurrentExecutions is below the function's provisioned concurrency";
            return Err(refused("InvalidParameterValueException", message));
        }
        self.reserved = reserved;
        Ok(())
    }

    pub(super) fn provision(&mut self, qualifier: &str, provisioned: Option<u32>) -> Result<(), CallError> {
        let Some(version) = self.qualifiers.get(qualifier) else {
            return Err(refused("ResourceNotFoundException", format!("Cannot find alias or version {qualifier}")));
        };
        let Some(requested) = provisioned else {
            self.provisioned.remove(qualifier);
            return Ok(());
        };
        let of_others = self.provisioned.iter().filter(|(name, _)| *name != qualifier);
        let sum = of_others.map(|(_, one)| one.observed.requested).sum::<u32>() + requested;
        if version == LATEST || requested == 0 || self.reserved.is_some_and(|reserved| sum > reserved) {
            let message = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function";
            return Err(refused("InvalidParameterValueException", message));
        }
        let available = self.provisioned.get(qualifier).map_or(0, |one| one.observed.available.min(requested));
        let observed = ProvisionedObserved { requested, available, status: ProvisionedStatus::InProgress };
        self.provisioned.insert(qualifier.to_owned(), FakeProvisioned { observed, looks_left: self.allocation_looks });
        Ok(())
    }
}

impl FakeWorld {
    /// Puts a function into the Region.
    pub fn put_function(&self, name: &str, function: FakeFunction) {
        self.write().functions.insert(name.into(), function);
    }

    /// Changes a function from outside.
    pub fn change_function(&self, name: &str, change: impl FnOnce(&mut FakeFunction)) {
        if let Some(function) = self.write().functions.get_mut(name) {
            change(function);
        }
    }

    /// Takes a function out of the Region.
    pub fn take_function(&self, name: &str) {
        self.write().functions.remove(name);
    }

    /// The function as it is, without looking at it.
    pub fn peek_function(&self, name: &str) -> Option<FakeFunction> {
        self.read().functions.get(name).cloned()
    }
}

impl Concurrencies for FakeWorld {
    async fn describe(&self, function: &str, qualifier: Option<&str>) -> Result<Option<FunctionObserved>, CallError> {
        Ok(self.write().functions.get_mut(function).map(|function| function.look(qualifier)))
    }

    async fn set_reserved(&self, function: &str, reserved: Option<u32>) -> Result<(), CallError> {
        self.write().functions.get_mut(function).ok_or_else(|| no_such_function(function))?.reserve(reserved)
    }

    async fn set_provisioned(
        &self,
        function: &str,
        qualifier: &str,
        provisioned: Option<u32>,
    ) -> Result<(), CallError> {
        let mut state = self.write();
        let known = state.functions.get_mut(function).ok_or_else(|| no_such_function(function))?;
        known.provision(qualifier, provisioned)
    }
}

pub(super) fn no_such_function(name: &str) -> CallError {
    refused("ResourceNotFoundException", format!("Function not found: {name}"))
}
