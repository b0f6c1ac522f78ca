//! The signals that look at an Aurora global database.

use crate::decide::global_cluster::is_lost;
use crate::observed::{ClusterObserved, GlobalClusterObserved, LagSample, SignalObserved, SignalState};
use crate::plan::{AuroraReplicationSignal, RdsClusterSignal};

use super::{Standing, standing};

/// Behind by more than this, a secondary receives nothing any more: Aurora's storage replicates within a second (Aurora user guide), so
/// a minute is no peak of load.
pub const STANDSTILL_SECONDS: f64 = 60.0;

/// A cluster and its writer instance, as their own Region describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSeen {
    /// The cluster.
    pub cluster: ClusterObserved,
    /// The writer's status; `None`: there is no writer, or it is not there any more.
    pub writer_status: Option<String>,
}

/// The primary cluster and its writer instance, as their own Region tells it; `Ok(None)`: its Region knows no such cluster.
pub fn rds_cluster(signal: &RdsClusterSignal, seen: Result<Option<ClusterSeen>, String>) -> SignalObserved {
    let id = &signal.identifier;
    let (state, evidence) = match seen {
        Ok(Some(seen)) => cluster(id, &seen),
        Ok(None) => (SignalState::Failing, format!("{} has no DB cluster {id}", signal.region)),
        Err(error) => (SignalState::Unknown, format!("rds:DescribeDBClusters in {}: {error}", signal.region)),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: false, state, evidence }
}

fn cluster(id: &str, seen: &ClusterSeen) -> (SignalState, String) {
    let status = &seen.cluster.status;
    if seen.cluster.instances.is_empty() {
        return (SignalState::Failing, format!("{id} is `{status}` without any instance"));
    }
    let writer = seen.cluster.instances.iter().find(|instance| instance.is_writer);
    let Some(writer) = writer else {
        // Between two writers, or a secondary: nothing that says how the primary is.
        return (SignalState::Unknown, format!("{id} is `{status}` and has no writer"));
    };
    let Some(writer_status) = &seen.writer_status else {
        // Listed as the writer, and gone: nobody takes its writes, whatever the cluster reads.
        return (SignalState::Failing, format!("{id} is `{status}`, its writer {} is not there", writer.identifier));
    };
    let state = match (cluster_standing(status), standing(writer_status)) {
        (Standing::Lost, _) | (_, Standing::Lost) => SignalState::Failing,
        (Standing::Up, Standing::Up) => SignalState::Healthy,
        _ => SignalState::Unknown,
    };
    (state, format!("{id} is `{status}`, its writer {} `{writer_status}`", writer.identifier))
}

/// How a cluster stands by its status (Aurora user guide, "Viewing DB cluster status").
fn cluster_standing(status: &str) -> Standing {
    match status {
        "available"
        | "backing-up"
        | "modifying"
        | "preparing-data-migration"
        | "resetting-master-credentials"
        | "storage-optimization"
        | "update-iam-db-auth" => Standing::Up,
        other if is_lost(other) => Standing::Lost,
        _ => Standing::Between,
    }
}

/// The global database as the recovery Region tells it, and the newest lag of its secondary.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicationSeen {
    /// The global database.
    pub global: GlobalClusterObserved,
    /// The newest `AuroraGlobalDBRPOLag` of the last minutes.
    pub newest_lag: Option<LagSample>,
}

/// Whether the secondary still receives from the primary; `Ok(None)`: the recovery Region knows no such global cluster.
pub fn aurora_replication(
    signal: &AuroraReplicationSignal,
    recovery_region: &str,
    seen: Result<Option<ReplicationSeen>, String>,
) -> SignalObserved {
    let (state, evidence) = match seen {
        Ok(Some(seen)) => replication(&signal.recovery_cluster_identifier, recovery_region, &seen),
        Ok(None) => (SignalState::Unknown, format!("there is no global cluster {}", signal.global_cluster_identifier)),
        Err(error) => (SignalState::Unknown, format!("rds:DescribeGlobalClusters or its lag: {error}")),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: false, state, evidence }
}

fn replication(id: &str, recovery_region: &str, seen: &ReplicationSeen) -> (SignalState, String) {
    let ReplicationSeen { global, newest_lag } = seen;
    if let Some(state) = &global.failover_state {
        return (SignalState::Unknown, format!("the global cluster is on the move, `{}`", state.status));
    }
    let Some(member) = global.member(id, recovery_region) else {
        return (SignalState::Unknown, format!("the global cluster has no member {id} in {recovery_region}"));
    };
    if member.is_writer {
        return (SignalState::Unknown, format!("{id} is the writer itself"));
    }
    // Replication that stands still because the secondary itself is in trouble says nothing about the primary.
    match &global.recovery {
        Some(cluster) if cluster_standing(&cluster.status) != Standing::Up => {
            return (SignalState::Unknown, format!("the secondary {id} is itself `{}`", cluster.status));
        }
        None => return (SignalState::Unknown, format!("{recovery_region} has no DB cluster {id}")),
        Some(_) => {}
    }
    match (member.synchronization.as_deref(), newest_lag) {
        (Some(word @ "pending-resync"), _) => (SignalState::Failing, format!("{id} is `{word}`")),
        (Some("connected"), Some(lag)) if lag.lag_seconds > STANDSTILL_SECONDS => {
            (SignalState::Failing, format!("{id} is {:.1} s behind at {}", lag.lag_seconds, lag.at))
        }
        (Some("connected"), Some(lag)) if lag.lag_seconds >= 0.0 => {
            (SignalState::Healthy, format!("{id} is connected, {:.1} s behind", lag.lag_seconds))
        }
        (Some("connected"), Some(lag)) => (SignalState::Unknown, format!("the lag of {id} is {}", lag.lag_seconds)),
        (Some("connected"), None) => (
            SignalState::Unknown,
            format!("{id} is connected, but there is no AuroraGlobalDBRPOLag of the last minutes"),
        ),
        (Some(word), _) => (SignalState::Unknown, format!("the synchronization of {id}: `{word}`")),
        (None, _) => (SignalState::Unknown, format!("RDS says nothing about the synchronization of {id}")),
    }
}

#[cfg(test)]
mod tests;
