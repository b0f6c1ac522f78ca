//! One stateful fake of the recovery Region, answering as AWS does.
//!
//! Time does not pass in it; looking does. Each describing call brings what is under way one step on, so that a test is exact about
//! how often a step function must look, whatever the clock says.

mod groups;
mod records;
mod replicas;
mod stop_objects;

use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};

use pilot_shell::CallError;

pub use groups::FakeGroup;
pub use replicas::{FakeReplica, PromotionEnd};

use records::FakeZone;

/// All there is in the recovery Region.
#[derive(Debug, Clone, Default)]
struct State {
    replicas: BTreeMap<String, FakeReplica>,
    groups: BTreeMap<String, FakeGroup>,
    buckets: BTreeSet<String>,
    /// By bucket and key: the body.
    objects: BTreeMap<(String, String), String>,
    zones: BTreeMap<String, FakeZone>,
    changes: records::Changes,
}

/// The recovery Region. Looking at it through the `peek_` methods changes nothing.
#[derive(Debug, Default)]
pub struct FakeWorld {
    state: RefCell<State>,
}

impl FakeWorld {
    /// An empty Region.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> Ref<'_, State> {
        self.state.borrow()
    }

    fn write(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }
}

fn refused(code: &str, message: impl Into<String>) -> CallError {
    CallError::Refused { code: code.into(), message: message.into() }
}
