//! One stateful fake of the recovery Region, and of what a run touches in the primary one, answering as AWS does.
//!
//! Time does not pass in it; looking does. Each describing call brings what is under way one step on, so that a test is exact about
//! how often a step function must look, whatever the clock says.

mod automations;
mod builds;
mod caches;
mod datastores;
mod functions;
mod global_clusters;
mod groups;
mod hook_functions;
mod in_region;
mod point_in_time;
mod primary;
mod promoted;
mod records;
mod replicas;
mod restores;
mod routing;
mod services;
mod stop_objects;

use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};

use pilot_core::decide::routing::ControlStates;
use pilot_core::observed::{ConcurrencyBefore, ServiceBefore};
use pilot_core::plan::Capacity;
use pilot_shell::CallError;
use pilot_shell::ports::Listed;

pub use automations::{FakeAutomation, FakeDocument};
pub use builds::{FakeBuild, FakeProject};
pub use caches::FakeCache;
pub use datastores::FakeDatastore;
pub use functions::{FakeFunction, FakeProvisioned};
pub use global_clusters::{FakeGlobalCluster, MoveEnd};
pub use groups::FakeGroup;
pub use hook_functions::{FakeHookFunction, FakeWork};
pub use in_region::FakeCluster;
pub use primary::{FakeDoor, FakePrimary};
pub use replicas::{FakeReplica, PromotionEnd};
pub use restores::{FakeJob, FakePoint};
pub use services::FakeService;

use records::FakeZone;

/// All there is in the recovery Region.
#[derive(Debug, Clone, Default)]
struct State {
    replicas: BTreeMap<String, FakeReplica>,
    global_clusters: BTreeMap<String, FakeGlobalCluster>,
    clusters: BTreeMap<String, FakeCluster>,
    /// Originals that can be restored to a point in time, by identifier.
    restorable: BTreeMap<String, pilot_core::observed::RestorableObserved>,
    point_in_time_restores: Vec<point_in_time::AcceptedPointInTime>,
    groups: BTreeMap<String, FakeGroup>,
    /// By `CLUSTER/SERVICE`.
    services: BTreeMap<String, FakeService>,
    functions: BTreeMap<String, FakeFunction>,
    projects: BTreeMap<String, FakeProject>,
    documents: BTreeMap<String, FakeDocument>,
    hook_functions: BTreeMap<String, FakeHookFunction>,
    buckets: BTreeSet<String>,
    /// By bucket and key: the body.
    objects: BTreeMap<(String, String), String>,
    zones: BTreeMap<String, FakeZone>,
    changes: records::Changes,
    restores: restores::Restores,
    /// By id, in lower case.
    caches: BTreeMap<String, FakeCache>,
    /// By id, in lower case.
    datastores: BTreeMap<String, FakeDatastore>,
    controls: routing::FakeControls,
}

/// What a run may change: no counters of looks, no instances that come and go by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldValues {
    /// Status, source and accepted promotions of each DB instance.
    pub replicas: BTreeMap<String, (String, Option<String>, u32)>,
    /// The writer, accepted failovers and accepted switchovers of each global database.
    pub global_clusters: BTreeMap<String, (Option<String>, u32, u32)>,
    /// The writer and accepted failovers of each Aurora cluster of one Region.
    pub clusters: BTreeMap<String, (Option<String>, u32)>,
    /// The sizes of each group.
    pub groups: BTreeMap<String, Capacity>,
    /// Desired count and scalable target of each service.
    pub services: BTreeMap<String, ServiceBefore>,
    /// Reserved and provisioned concurrency of each function.
    pub functions: BTreeMap<String, ConcurrencyBefore>,
    /// How many builds of each CodeBuild project run.
    pub running_builds: BTreeMap<String, usize>,
    /// How many automations of each SSM document run.
    pub running_automations: BTreeMap<String, usize>,
    /// How many works of each Lambda function that is a hook were begun and not taken back.
    pub standing_works: BTreeMap<String, usize>,
    /// The objects there are, by bucket and key.
    pub objects: BTreeSet<(String, String)>,
    /// The records of each zone.
    pub zones: BTreeMap<String, Listed>,
    /// The state of each routing control.
    pub controls: ControlStates,
    /// The sizes of each group in the primary Region.
    pub primary_groups: BTreeMap<String, Capacity>,
    /// Desired count and scalable target of each service in the primary Region.
    pub primary_services: BTreeMap<String, ServiceBefore>,
    /// The security groups of each load balancer and DB instance in the primary Region.
    pub doors: BTreeMap<String, Vec<String>>,
    /// The replication groups there are.
    pub caches: BTreeSet<String>,
    /// The Region whose group is primary, of each global datastore.
    pub datastores: BTreeMap<String, Option<String>>,
}

/// Both Regions; the ports of the world itself are those of the recovery Region. Looking at it through the `peek_` methods changes nothing.
#[derive(Debug, Default)]
pub struct FakeWorld {
    state: RefCell<State>,
    primary: FakePrimary,
}

impl FakeWorld {
    /// Empty Regions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything a run may change, to hold a world against another or against itself earlier.
    pub fn values(&self) -> WorldValues {
        let state = self.read();
        let replica = |r: &FakeReplica| (r.observed.status.clone(), r.observed.source.clone(), r.promotions);
        let global = |g: &FakeGlobalCluster| (g.writer().map(str::to_owned), g.failovers, g.switchovers);
        let datastore = |d: &FakeDatastore| d.primary_region().map(str::to_owned);
        let cluster = |c: &FakeCluster| (c.observed.writer().map(str::to_owned), c.failovers);
        WorldValues {
            replicas: state.replicas.iter().map(|(name, r)| (name.clone(), replica(r))).collect(),
            global_clusters: state.global_clusters.iter().map(|(name, g)| (name.clone(), global(g))).collect(),
            clusters: state.clusters.iter().map(|(name, c)| (name.clone(), cluster(c))).collect(),
            groups: state.groups.iter().map(|(name, group)| (name.clone(), group.sizes)).collect(),
            services: state.services.iter().map(|(name, service)| (name.clone(), service.settings())).collect(),
            functions: state.functions.iter().map(|(name, function)| (name.clone(), function.settings())).collect(),
            running_builds: state.projects.iter().map(|(name, project)| (name.clone(), project.running())).collect(),
            running_automations: state.documents.iter().map(|(name, one)| (name.clone(), one.running())).collect(),
            standing_works: state.hook_functions.iter().map(|(name, one)| (name.clone(), one.standing())).collect(),
            objects: state.objects.keys().cloned().collect(),
            zones: state.zones.clone(),
            controls: state.controls.states.clone(),
            primary_groups: self.primary.peek_groups(),
            primary_services: self.primary.peek_services(),
            doors: self.primary.peek_doors(),
            caches: state.caches.keys().cloned().collect(),
            datastores: state.datastores.iter().map(|(name, d)| (name.clone(), datastore(d))).collect(),
        }
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
