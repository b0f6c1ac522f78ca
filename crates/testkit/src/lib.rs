//! The test kit: one stateful fake world, one fault injector, a ledger and plans in memory, and a clock that tests set.
//!
//! The fake world keeps state and answers as AWS does (a promotion is refused in the wrong state and does not show at once, a desired
//! capacity above the maximum is refused, instances come in service only after a while), so a test drives the real step functions
//! and looks at what is true afterwards instead of counting expected calls. [`Injected`] wraps it and fails any one call.
//! The adapters, which the fake world replaces, are tested on their own against a [`wire::Service`].

mod clock;
mod faults;
pub mod fixture;
mod ledger;
pub mod ledger_contract;
mod plans;
mod story;
pub mod wire;
mod world;

pub use clock::{advance_seconds, now, set_now};
pub use faults::{Call, Fault, Faults, Injected};
pub use ledger::FakeLedger;
pub use plans::FakePlans;
pub use story::told;
pub use world::{
    FakeAutomation, FakeBuild, FakeCache, FakeCluster, FakeDatastore, FakeDocument, FakeDoor, FakeFunction,
    FakeGlobalCluster, FakeGroup, FakeHookFunction, FakeJob, FakePoint, FakePrimary, FakeProject, FakeProvisioned,
    FakeReplica, FakeService, FakeWork, FakeWorld, MoveEnd, PromotionEnd, WorldValues,
};
