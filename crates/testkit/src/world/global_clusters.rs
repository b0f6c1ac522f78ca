//! Aurora global databases: a change is refused in the wrong state, does not show at once, shows in `FailoverState` while it lasts - and
//! all the while the cluster reads `available`.

use jiff::Timestamp;
use pilot_core::observed::{
    ClusterInstance, ClusterObserved, FailoverStateObserved, GlobalClusterObserved, GlobalMember, LagSample,
};
use pilot_shell::CallError;
use pilot_shell::ports::GlobalClusters;

use super::{FakeWorld, refused};

/// How a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveEnd {
    /// The target is the writer.
    Moved,
    /// RDS gives up: everything is as it was.
    Cancelled,
}

/// What a description shows of a change under way: the status of `FailoverState`, and whether the target is the writer by then.
type Stage = (Option<&'static str>, bool);

/// An Aurora global database with one cluster in each Region.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeGlobalCluster {
    /// As RDS would describe it now.
    pub observed: GlobalClusterObserved,
    /// The `AuroraGlobalDBRPOLag` metric of the recovery cluster, in seconds.
    pub lag: Vec<LagSample>,
    /// How the next change ends.
    pub end: MoveEnd,
    /// How often a failover was accepted.
    pub failovers: u32,
    /// How often a switchover was accepted.
    pub switchovers: u32,
    /// What the next descriptions show of a change under way, first first.
    under_way: Vec<Stage>,
    /// The cluster it goes to.
    target_arn: Option<String>,
    /// How the old primary stands after it: rebuilt from the new one's storage, or in step.
    left_behind: &'static str,
}

impl FakeGlobalCluster {
    /// A healthy one: the writer in the first, a secondary with an instance in the second.
    pub fn replicating(primary_arn: &str, recovery_arn: &str) -> Self {
        let member = |arn: &str, is_writer: bool| GlobalMember {
            arn: arn.into(),
            is_writer,
            synchronization: (!is_writer).then(|| "connected".into()),
        };
        let version = Some("15.4".to_owned());
        FakeGlobalCluster {
            observed: GlobalClusterObserved {
                status: "available".into(),
                engine_version: version.clone(),
                members: vec![member(primary_arn, true), member(recovery_arn, false)],
                failover_state: None,
                recovery: Some(ClusterObserved {
                    status: "available".into(),
                    engine_version: version,
                    instances: vec![ClusterInstance { identifier: "reader-1".into(), is_writer: false }],
                }),
            },
            lag: Vec::new(),
            end: MoveEnd::Moved,
            failovers: 0,
            switchovers: 0,
            under_way: Vec::new(),
            target_arn: None,
            left_behind: "connected",
        }
    }

    /// The writer's ARN.
    pub fn writer(&self) -> Option<&str> {
        self.observed.members.iter().find(|member| member.is_writer).map(|member| member.arn.as_str())
    }

    fn look(&mut self) -> GlobalClusterObserved {
        let Some(target) = self.target_arn.clone() else { return self.observed.clone() };
        if self.under_way.is_empty() {
            self.target_arn = None;
            self.observed.failover_state = None;
            return self.observed.clone();
        }
        let (status, moved) = self.under_way.remove(0);
        let state = |status: &str| FailoverStateObserved { status: status.into(), to_arn: Some(target.clone()) };
        self.observed.failover_state = status.map(state);
        if moved {
            self.make_writer(&target);
        }
        self.observed.clone()
    }

    fn make_writer(&mut self, arn: &str) {
        for member in &mut self.observed.members {
            member.is_writer = member.arn == arn;
            member.synchronization = (!member.is_writer).then(|| self.left_behind.into());
        }
    }

    /// What RDS refuses of both calls.
    fn check(&self, target_arn: &str) -> Result<(), CallError> {
        let Some(member) = self.observed.members.iter().find(|member| member.arn == target_arn) else {
            return Err(refused("DBClusterNotFoundFault", format!("{target_arn} is no member of the global cluster.")));
        };
        if self.target_arn.is_some() {
            let message = "The global cluster has a switchover or failover under way.";
            return Err(refused("InvalidGlobalClusterStateFault", message));
        }
        let cluster = self.observed.recovery.as_ref();
        let fit = |c: &ClusterObserved| {
            c.status == "available" && !c.instances.is_empty() && c.engine_version == self.observed.engine_version
        };
        if member.is_writer || !cluster.is_some_and(fit) {
            return Err(refused("InvalidDBClusterStateFault", format!("{target_arn} is no target in its state.")));
        }
        Ok(())
    }

    fn begin(&mut self, target_arn: &str, working: &'static str) {
        self.target_arn = Some(target_arn.into());
        self.left_behind = if working == "failing-over" { "pending-resync" } else { "connected" };
        // Nothing shows at first, and the writer changes before the change is over: the traps the decision must not fall into.
        self.under_way = match self.end {
            MoveEnd::Moved => {
                vec![(None, false), (Some("pending"), false), (Some(working), false), (Some(working), true)]
            }
            MoveEnd::Cancelled => vec![(None, false), (Some(working), false), (Some("cancelling"), false)],
        };
    }
}

impl FakeWorld {
    /// Puts a global database into both Regions.
    pub fn put_global_cluster(&self, identifier: &str, cluster: FakeGlobalCluster) {
        self.write().global_clusters.insert(identifier.into(), cluster);
    }

    /// Changes a global database from outside.
    pub fn change_global_cluster(&self, identifier: &str, change: impl FnOnce(&mut FakeGlobalCluster)) {
        if let Some(cluster) = self.write().global_clusters.get_mut(identifier) {
            change(cluster);
        }
    }

    /// The global database as it is, without looking at it.
    pub fn peek_global_cluster(&self, identifier: &str) -> Option<FakeGlobalCluster> {
        self.read().global_clusters.get(identifier).cloned()
    }
}

fn no_such_global_cluster(identifier: &str) -> CallError {
    refused("GlobalClusterNotFoundFault", format!("Global cluster '{identifier}' does not exist."))
}

impl GlobalClusters for FakeWorld {
    async fn describe(
        &self,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> Result<Option<GlobalClusterObserved>, CallError> {
        let seen = self.write().global_clusters.get_mut(global_cluster).map(FakeGlobalCluster::look);
        Ok(seen.map(|mut seen| {
            // The Region knows its own cluster by its name only.
            if !seen.members.iter().any(|member| member.identifier() == recovery_cluster) {
                seen.recovery = None;
            }
            seen
        }))
    }

    async fn rpo_lag_samples(
        &self,
        recovery_cluster: &str,
        source_region: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LagSample>, CallError> {
        // CloudWatch knows no clusters: what nobody published under these dimensions has no samples.
        let state = self.read();
        let published = |cluster: &&FakeGlobalCluster| {
            let members = &cluster.observed.members;
            members.iter().any(|m| m.identifier() == recovery_cluster)
                && members.iter().any(|m| m.region() == source_region)
        };
        let samples = state.global_clusters.values().filter(published).flat_map(|cluster| cluster.lag.iter());
        Ok(samples.filter(|sample| sample.at >= from && sample.at < to).copied().collect())
    }

    async fn fail_over(&self, global_cluster: &str, target_arn: &str) -> Result<(), CallError> {
        let mut state = self.write();
        let cluster =
            state.global_clusters.get_mut(global_cluster).ok_or_else(|| no_such_global_cluster(global_cluster))?;
        cluster.check(target_arn)?;
        cluster.failovers += 1;
        cluster.begin(target_arn, "failing-over");
        Ok(())
    }

    async fn switch_over(&self, writer_region: &str, global_cluster: &str, target_arn: &str) -> Result<(), CallError> {
        self.primary().answers()?;
        let mut state = self.write();
        let cluster =
            state.global_clusters.get_mut(global_cluster).ok_or_else(|| no_such_global_cluster(global_cluster))?;
        cluster.check(target_arn)?;
        let synchronized =
            |member: &GlobalMember| member.is_writer || member.synchronization.as_deref() == Some("connected");
        let there = cluster.observed.members.iter().any(|m| m.is_writer && m.region() == writer_region);
        if !there || cluster.observed.status != "available" || !cluster.observed.members.iter().all(synchronized) {
            let message = "A switchover needs a healthy global cluster and is asked for in the primary's Region.";
            return Err(refused("InvalidGlobalClusterStateFault", message));
        }
        cluster.switchovers += 1;
        cluster.begin(target_arn, "switching-over");
        Ok(())
    }
}
