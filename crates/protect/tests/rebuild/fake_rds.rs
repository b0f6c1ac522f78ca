//! RDS in two Regions, as far as `protect` needs it: what is accepted does not show at once, and what is in the wrong state is refused.
//!
//! Time does not pass in it; looking does: each description brings what is under way in that Region one step on.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pilot_core::observed::{
    ClusterSnapshotObserved, DatastoreObserved, GlobalClusterObserved, InRegionCluster, InstanceObserved,
    ReplicaObserved, RestorableObserved,
};
use pilot_core::plan::{InstanceSettings, RestoredKind};
use pilot_shell::CallError;
use pilot_shell::ports::{GlobalCacheReads, InRegionReads};
use pilot_testkit::{FakeWorld, Fault, Faults, Injected};
use protect::ports::{Clusters, Instances, NewReplica, Regions};

/// What an instance shows after a call, one description after the other, before the call's effect.
const RENAMING: [&str; 3] = ["available", "available", "renaming"];
/// Nothing: a new instance is not described at once.
const UNSEEN: &str = "";
const CREATING: [&str; 4] = [UNSEEN, "creating", "creating", "modifying"];

/// A DB instance.
#[derive(Debug, Clone)]
pub struct FakeInstance {
    /// `DBInstanceStatus` when nothing is under way.
    pub status: &'static str,
    /// The ARN of what it replicates.
    pub source: Option<String>,
    /// Its retention.
    pub backup_retention_days: u32,
    /// Which writes it has.
    pub data: &'static str,
    /// What the maker asked for.
    pub settings: Option<InstanceSettings>,
    under_way: Vec<&'static str>,
    new_name: Option<String>,
}

impl FakeInstance {
    /// One that serves, or served, on its own.
    pub fn standing_alone(data: &'static str) -> Self {
        FakeInstance {
            status: "available",
            source: None,
            backup_retention_days: 7,
            data,
            settings: None,
            under_way: Vec::new(),
            new_name: None,
        }
    }
}

/// What is in both Regions.
#[derive(Debug, Default)]
pub struct FakeRds {
    /// By Region and identifier.
    instances: RefCell<BTreeMap<(String, String), FakeInstance>>,
    /// One global database, as both Regions see it.
    pub global: RefCell<Option<GlobalClusterObserved>>,
    /// What its second member shows at the next looks, before it is in step.
    pub coming_back: RefCell<Vec<&'static str>>,
    /// The snapshots of the cluster that comes back, each with what it shows at the next looks before it is available.
    pub snapshots: RefCell<Vec<(ClusterSnapshotObserved, Vec<&'static str>)>>,
    /// The Aurora clusters of one Region, and the global datastores.
    pub aurora: FakeWorld,
    accepted: RefCell<Vec<String>>,
}

fn refused(code: &str, message: impl Into<String>) -> CallError {
    CallError::Refused { code: code.into(), message: message.into() }
}

pub fn arn(region: &str, identifier: &str) -> String {
    format!("arn:aws:rds:{region}:111122223333:db:{identifier}")
}

impl FakeRds {
    pub fn put(&self, region: &str, identifier: &str, instance: FakeInstance) {
        self.instances.borrow_mut().insert((region.into(), identifier.into()), instance);
    }

    pub fn change(&self, region: &str, identifier: &str, change: impl FnOnce(&mut FakeInstance)) {
        change(self.instances.borrow_mut().get_mut(&(region.into(), identifier.into())).unwrap());
    }

    /// Every call that changed something, in order.
    pub fn accepted(&self) -> Vec<String> {
        self.accepted.borrow().clone()
    }

    /// Which writes each instance has, by Region and identifier.
    pub fn data(&self) -> Vec<String> {
        let instances = self.instances.borrow();
        instances.iter().map(|((region, id), instance)| format!("{region} {id}: {}", instance.data)).collect()
    }

    pub fn instance(&self, region: &str, identifier: &str) -> FakeInstance {
        self.instances.borrow()[&(region.to_owned(), identifier.to_owned())].clone()
    }

    fn look(&self, region: &str, identifier: &str) -> Option<InstanceObserved> {
        let mut instances = self.instances.borrow_mut();
        let key = (region.to_owned(), identifier.to_owned());
        let instance = instances.get_mut(&key)?;
        let status = if instance.under_way.is_empty() { instance.status } else { instance.under_way.remove(0) };
        if status == UNSEEN {
            return None;
        }
        if let Some(name) = instance.new_name.take_if(|_| instance.under_way.is_empty() && status != "renaming") {
            let renamed = instances.remove(&key)?;
            instances.insert((key.0, name), renamed);
            return None;
        }
        let state = ReplicaObserved {
            status: status.into(),
            source: instance.source.clone(),
            replication: instance.source.as_ref().filter(|_| status == "available").map(|_| "replicating".into()),
            backup_retention_days: instance.backup_retention_days,
        };
        Some(InstanceObserved { arn: arn(region, identifier), state })
    }

    fn rename(&self, region: &str, identifier: &str, to: &str) -> Result<(), CallError> {
        let mut instances = self.instances.borrow_mut();
        if instances.contains_key(&(region.to_owned(), to.to_owned())) {
            return Err(refused("DBInstanceAlreadyExists", format!("DB instance {to} already exists")));
        }
        let Some(instance) = instances.get_mut(&(region.to_owned(), identifier.to_owned())) else {
            return Err(refused("DBInstanceNotFound", format!("DBInstance {identifier} not found.")));
        };
        if instance.status != "available" || !instance.under_way.is_empty() || instance.new_name.is_some() {
            return Err(refused("InvalidDBInstanceState", format!("{identifier} is not in available state")));
        }
        instance.under_way = RENAMING.to_vec();
        instance.new_name = Some(to.to_owned());
        self.accepted.borrow_mut().push(format!("{region}: {identifier} renamed to {to}"));
        Ok(())
    }

    fn create_replica(&self, region: &str, replica: &NewReplica<'_>) -> Result<(), CallError> {
        let mut instances = self.instances.borrow_mut();
        if instances.contains_key(&(region.to_owned(), replica.identifier.to_owned())) {
            return Err(refused("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        let source = instances.iter().find(|((region, id), _)| arn(region, id) == replica.source_arn);
        let Some((_, source)) = source else {
            return Err(refused("DBInstanceNotFound", format!("{} not found", replica.source_arn)));
        };
        if source.status != "available" || source.backup_retention_days == 0 {
            return Err(refused(
                "InvalidDBInstanceState",
                "Automated backups are not enabled for this database instance.",
            ));
        }
        let made = FakeInstance {
            source: Some(replica.source_arn.to_owned()),
            backup_retention_days: 0,
            settings: Some(replica.settings.clone()),
            under_way: CREATING.to_vec(),
            ..source.clone()
        };
        instances.insert((region.to_owned(), replica.identifier.to_owned()), made);
        self.accepted.borrow_mut().push(format!("{region}: {} made of {}", replica.identifier, replica.source_arn));
        Ok(())
    }

    fn look_at_snapshots(&self) -> Vec<ClusterSnapshotObserved> {
        let mut snapshots = self.snapshots.borrow_mut();
        let look = |(snapshot, under_way): &mut (ClusterSnapshotObserved, Vec<&'static str>)| {
            snapshot.status = if under_way.is_empty() { "available" } else { under_way.remove(0) }.into();
            snapshot.clone()
        };
        snapshots.iter_mut().map(look).collect()
    }

    fn look_at_global(&self) -> Option<GlobalClusterObserved> {
        let mut coming_back = self.coming_back.borrow_mut();
        let state = if coming_back.is_empty() { "connected" } else { coming_back.remove(0) };
        let mut global = self.global.borrow_mut();
        for member in global.iter_mut().flat_map(|global| &mut global.members).filter(|member| !member.is_writer) {
            member.synchronization = Some(state.into());
        }
        global.clone()
    }

    fn copy_snapshot(&self, source_arn: &str, identifier: &str) -> Result<(), CallError> {
        let mut snapshots = self.snapshots.borrow_mut();
        if snapshots.iter().any(|(snapshot, _)| snapshot.identifier == identifier) {
            return Err(refused("DBClusterSnapshotAlreadyExistsFault", format!("{identifier} already exists")));
        }
        match snapshots.iter().find(|(snapshot, _)| snapshot.arn == source_arn) {
            None => return Err(refused("DBClusterSnapshotNotFoundFault", format!("{source_arn} not found"))),
            Some((source, _)) if source.status != "available" => {
                return Err(refused("InvalidDBClusterSnapshotStateFault", format!("{source_arn} is not available")));
            }
            Some(_) => {}
        }
        let copy = ClusterSnapshotObserved {
            identifier: identifier.into(),
            arn: source_arn.rsplit_once(":rds:").map_or(String::new(), |(head, _)| format!("{head}:{identifier}")),
            status: "copying".into(),
        };
        snapshots.push((copy, vec!["copying", "copying"]));
        self.accepted.borrow_mut().push(format!("{source_arn} copied to {identifier}"));
        Ok(())
    }
}

/// Both Regions, with faults in front of them.
#[derive(Debug, Clone, Copy)]
pub struct FaultyRds<'a> {
    pub rds: &'a FakeRds,
    pub faults: &'a Faults,
}

/// One of them.
#[derive(Debug)]
pub struct FaultyRegion<'a> {
    name: String,
    rds: &'a FakeRds,
    calls: Injected<'a, FakeRds>,
}

impl<'a> Regions for FaultyRds<'a> {
    type Region = FaultyRegion<'a>;

    async fn region(&self, name: &str) -> FaultyRegion<'a> {
        FaultyRegion { name: name.to_owned(), rds: self.rds, calls: Injected::new(self.rds, self.faults) }
    }
}

impl FaultyRegion<'_> {
    /// The future runs only when it is awaited: nothing is done behind a fault that comes before.
    async fn call<R>(
        &self,
        (name, resource): (&'static str, &str),
        mutating: bool,
        call: impl Future<Output = Result<R, CallError>>,
    ) -> Result<R, CallError> {
        let resource = format!("{} {resource}", self.name);
        self.calls.call(name, &resource, mutating, call, Fault::error).await
    }
}

impl Instances for FaultyRegion<'_> {
    async fn describe(&self, identifier: &str) -> Result<Option<InstanceObserved>, CallError> {
        let call = async { Ok(self.rds.look(&self.name, identifier)) };
        self.call(("rds:DescribeDBInstances", identifier), false, call).await
    }

    async fn rename(&self, identifier: &str, to: &str) -> Result<(), CallError> {
        let call = async { self.rds.rename(&self.name, identifier, to) };
        self.call(("rds:ModifyDBInstance", identifier), true, call).await
    }

    async fn create_replica(&self, replica: &NewReplica<'_>) -> Result<(), CallError> {
        let call = async { self.rds.create_replica(&self.name, replica) };
        self.call(("rds:CreateDBInstanceReadReplica", replica.identifier), true, call).await
    }
}

impl InRegionReads for FaultyRegion<'_> {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        let call = self.rds.aurora.in_region_cluster(cluster, instances);
        self.call(("rds:DescribeDBClusters", cluster), false, call).await
    }

    async fn restorable(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        self.rds.aurora.restorable(kind, identifier).await
    }
}

impl GlobalCacheReads for FaultyRegion<'_> {
    async fn datastore(&self, id: &str, replication_group_id: &str) -> Result<Option<DatastoreObserved>, CallError> {
        let call = self.rds.aurora.datastore(id, replication_group_id);
        self.call(("elasticache:DescribeGlobalReplicationGroups", replication_group_id), false, call).await
    }
}

impl Clusters for FaultyRegion<'_> {
    async fn global_cluster(&self, global: &str, _cluster: &str) -> Result<Option<GlobalClusterObserved>, CallError> {
        let call = async { Ok(self.rds.look_at_global()) };
        self.call(("rds:DescribeGlobalClusters", global), false, call).await
    }

    async fn snapshots(&self, cluster: &str) -> Result<Vec<ClusterSnapshotObserved>, CallError> {
        let call = async { Ok(self.rds.look_at_snapshots()) };
        self.call(("rds:DescribeDBClusterSnapshots", cluster), false, call).await
    }

    async fn copy_snapshot(&self, source_arn: &str, identifier: &str) -> Result<(), CallError> {
        let call = async { self.rds.copy_snapshot(source_arn, identifier) };
        self.call(("rds:CopyDBClusterSnapshot", identifier), true, call).await
    }
}
