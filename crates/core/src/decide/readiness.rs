//! Could the recovery Region take over as the plan says? One verdict a component; the caller collects them all.

pub mod cache;
pub mod cache_global;
pub mod concurrency;
pub mod global_cluster;
pub mod hook;
pub mod hook_function;
pub mod in_region;
pub mod point_in_time;
pub mod promoted;
mod record_sets;
pub mod restore;
pub mod routing;

pub use record_sets::{new_health_checks, records};

use crate::decide::{replica as replica_decision, service as service_decision};
use crate::observed::{GroupObserved, LagSample, ReplicaObserved, ServiceObserved};
use crate::plan::{EcsService, RdsReadReplica};

/// How one component stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can take over.
    Ready(String),
    /// Not at this moment, but by itself soon.
    Wait(String),
    /// It cannot, and what to mend.
    Problem(String),
}

/// Whether a replica can be promoted, or has been. Its lag is not looked at here.
pub fn replica(component: &RdsReadReplica, observed: Option<&ReplicaObserved>) -> Readiness {
    let id = &component.replica_identifier;
    let Some(replica) = observed else {
        return Readiness::Problem(format!(
            "{id}: the recovery Region has no such DB instance; make the replica, or correct replicaIdentifier"
        ));
    };
    if replica_decision::is_lost(&replica.status) {
        return Readiness::Problem(format!("{id}: is `{}` and cannot be promoted; mend or rebuild it", replica.status));
    }
    let Some(source) = &replica.source else {
        return match replica.status.as_str() {
            "available" => Readiness::Ready("already promoted and available".into()),
            status => Readiness::Wait(format!("already promoted, now `{status}`")),
        };
    };
    if !is_source(source, &component.primary_identifier) {
        return Readiness::Problem(format!(
            "{id}: replicates {source}, not {}; correct the plan: promoting it would bring up other data",
            component.primary_identifier
        ));
    }
    match replica.status.as_str() {
        "available" => Readiness::Ready(format!("available, a replica of {}", component.primary_identifier)),
        "stopped" | "stopping" => Readiness::Problem(format!("{id}: is `{}`; start it", replica.status)),
        status => Readiness::Wait(format!("`{status}`, it can be promoted once it is `available`")),
    }
}

/// RDS names a source in the same Region by identifier and one in another Region by ARN (`arn:aws:rds:Region:account:db:identifier`).
pub(crate) fn is_source(source: &str, primary_identifier: &str) -> bool {
    source == primary_identifier
        || (source.starts_with("arn:") && source.rsplit(':').next() == Some(primary_identifier))
}

/// Whether a replica receives now, and with how much lag: asked while the primary is well. `Err` is what to mend.
///
/// # Errors
/// The problem in a sentence.
pub fn replication_now(
    id: &str,
    replica: &ReplicaObserved,
    samples: &[LagSample],
    rpo_seconds: u32,
) -> Result<String, String> {
    match replica.replication.as_deref() {
        Some("replicating") => {}
        Some(word) => return Err(format!("{id}: replication is `{word}`; see the instance's events")),
        None => return Err(format!("{id}: RDS reports no replication status")),
    }
    let newest = samples.iter().max_by_key(|sample| sample.at);
    match newest {
        None => Err(format!("{id}: no ReplicaLag sample of the last minutes, the loss of a failover now is unknown")),
        Some(sample) if sample.lag_seconds < 0.0 || !sample.lag_seconds.is_finite() => {
            Err(format!("{id}: ReplicaLag is {}, it does not replicate", sample.lag_seconds))
        }
        Some(sample) if sample.lag_seconds > f64::from(rpo_seconds) => Err(format!(
            "{id}: lags {:.1} seconds, the objective is {rpo_seconds}; see what holds replication back",
            sample.lag_seconds
        )),
        Some(sample) => Ok(format!("replicating with {:.1} seconds lag", sample.lag_seconds)),
    }
}

/// Whether the group is there.
pub fn group(name: &str, observed: Option<&GroupObserved>) -> Readiness {
    match observed {
        None => Readiness::Problem(format!(
            "{name}: the recovery Region has no such Auto Scaling group; deploy it, or correct groupName"
        )),
        Some(group) => Readiness::Ready(format!(
            "there, min {} max {} desired {}, {} in service",
            group.min, group.max, group.desired, group.in_service
        )),
    }
}

/// Whether the service is there and could be brought up.
pub fn service(component: &EcsService, observed: Option<&ServiceObserved>) -> Readiness {
    let resource = component.resource();
    match (service_decision::decide(&resource, observed, component.capacity.sizes()), observed) {
        (service_decision::Decision::Fail(failure), _) => {
            Readiness::Problem(format!("{resource}: {}; {}", failure.what, failure.next))
        }
        (_, Some(service)) => Readiness::Ready(format!("there, {}, {} running", service.settings(), service.running)),
        (_, None) => Readiness::Problem(format!("{resource}: the Region has no such ECS service")),
    }
}

#[cfg(test)]
mod tests;
