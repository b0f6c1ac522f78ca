//! Aurora clusters of one Region: a failover is refused in the wrong state, does not show at once, and the writer changes before it is over.

use pilot_core::observed::{ClusterInstance, InRegionCluster, RestorableObserved, ZonedInstance};
use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;
use pilot_shell::ports::{InRegion, InRegionReads, NewPointInTime};

use super::{FakeWorld, refused};

/// What a description shows of a failover under way: the cluster's status, and whether the target is the writer by then.
type Stage = (&'static str, bool);

/// An Aurora cluster with instances in several Availability Zones.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeCluster {
    /// As RDS would describe it now, with all its instances.
    pub observed: InRegionCluster,
    /// How often a failover was accepted.
    pub failovers: u32,
    /// What the next descriptions show, first first.
    under_way: Vec<Stage>,
    /// The instance it goes to.
    target: Option<String>,
}

impl FakeCluster {
    /// A healthy one: identifier and Availability Zone of each instance, the first of them the writer.
    pub fn of(instances: &[(&str, &str)]) -> Self {
        let member =
            |(i, (id, _)): (usize, &(&str, &str))| ClusterInstance { identifier: (*id).into(), is_writer: i == 0 };
        let instance = |(id, zone): &(&str, &str)| ZonedInstance {
            identifier: (*id).into(),
            status: "available".into(),
            availability_zone: Some((*zone).into()),
        };
        FakeCluster {
            observed: InRegionCluster {
                status: "available".into(),
                members: instances.iter().enumerate().map(member).collect(),
                instances: instances.iter().map(instance).collect(),
            },
            failovers: 0,
            under_way: Vec::new(),
            target: None,
        }
    }

    /// The Availability Zone dies: its instances fail. What the cluster is told to do is another matter.
    pub fn kill_zone(&mut self, zone: &str) {
        for instance in &mut self.observed.instances {
            if instance.availability_zone.as_deref() == Some(zone) {
                instance.status = "failed".into();
            }
        }
    }

    /// Aurora, or whoever asks, makes this instance the writer.
    pub fn make_writer(&mut self, identifier: &str) {
        for member in &mut self.observed.members {
            member.is_writer = member.identifier == identifier;
        }
    }

    fn look(&mut self) -> InRegionCluster {
        let Some(target) = self.target.clone() else { return self.observed.clone() };
        if self.under_way.is_empty() {
            self.target = None;
            self.observed.status = "available".into();
            return self.observed.clone();
        }
        let (status, moved) = self.under_way.remove(0);
        self.observed.status = status.into();
        if moved {
            self.make_writer(&target);
        }
        self.observed.clone()
    }

    fn fail_over(&mut self, to: &str) -> Result<(), CallError> {
        if self.observed.status != "available" || self.target.is_some() {
            let message = format!("DB cluster is not in the available state, it is {}.", self.observed.status);
            return Err(refused("InvalidDBClusterStateFault", message));
        }
        let Some(member) = self.observed.member(to) else {
            return Err(refused("DBInstanceNotFound", format!("{to} is no instance of the cluster.")));
        };
        if member.is_writer || self.observed.instance(to).is_none_or(|i| i.status != "available") {
            return Err(refused("InvalidDBInstanceState", format!("{to} is no target in its state.")));
        }
        self.failovers += 1;
        self.target = Some(to.into());
        self.under_way = vec![("available", false), ("failing-over", false), ("failing-over", true)];
        Ok(())
    }
}

impl FakeWorld {
    /// Puts an Aurora cluster into the recovery Region.
    pub fn put_cluster(&self, identifier: &str, cluster: FakeCluster) {
        self.write().clusters.insert(identifier.into(), cluster);
    }

    /// Changes a cluster from outside.
    pub fn change_cluster(&self, identifier: &str, change: impl FnOnce(&mut FakeCluster)) {
        if let Some(cluster) = self.write().clusters.get_mut(identifier) {
            change(cluster);
        }
    }

    /// The cluster as it is, without looking at it.
    pub fn peek_cluster(&self, identifier: &str) -> Option<FakeCluster> {
        self.read().clusters.get(identifier).cloned()
    }
}

impl InRegionReads for FakeWorld {
    async fn in_region_cluster(&self, cluster: &str, instances: &[&str]) -> Result<Option<InRegionCluster>, CallError> {
        let seen = self.write().clusters.get_mut(cluster).map(FakeCluster::look);
        Ok(seen.map(|mut seen| {
            seen.instances.retain(|instance| instances.contains(&instance.identifier.as_str()));
            seen
        }))
    }

    async fn restorable(&self, _kind: RestoredKind, identifier: &str) -> Result<Option<RestorableObserved>, CallError> {
        Ok(self.look_at_restorable(identifier))
    }
}

impl InRegion for FakeWorld {
    async fn fail_over_cluster(&self, cluster: &str, to_instance: &str) -> Result<(), CallError> {
        let mut state = self.write();
        let unknown = || refused("DBClusterNotFoundFault", format!("DBCluster {cluster} not found."));
        state.clusters.get_mut(cluster).ok_or_else(unknown)?.fail_over(to_instance)
    }

    async fn restore_to_point(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        self.begin_point_in_time(restore)
    }
}
