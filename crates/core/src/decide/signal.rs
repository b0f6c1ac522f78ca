//! What one signal shows: from what AWS or the network answered to healthy, failing or unknown.
//!
//! The rule behind every arm: *failing* needs something seen of the primary. The observer's own errors, missing values and words this
//! version does not know are *unknown*.

pub mod aurora;

use crate::observed::{AlarmState, HttpAnswer, NoAnswer, ReplicaObserved, SignalObserved, SignalState};
use crate::plan::{AlarmSignal, HttpSignal, RdsInstanceSignal, RdsReplicationSignal, Signal};

/// A signal about which nothing was seen.
pub fn unseen(signal: &Signal, why: &str) -> SignalObserved {
    SignalObserved {
        name: signal.name().to_owned(),
        fate: signal.fate().to_owned(),
        over_http: matches!(signal, Signal::Http(_)),
        state: SignalState::Unknown,
        evidence: why.to_owned(),
    }
}

/// A request to the primary's endpoint.
///
/// A name that cannot be resolved counts against the primary: when it is the observer that cannot resolve, its controls do not
/// answer either, and the judgement voids this.
pub fn http(signal: &HttpSignal, seen: &Result<HttpAnswer, NoAnswer>) -> SignalObserved {
    let (state, evidence) = match seen {
        Ok(answer) if answer.status == signal.expect_status => {
            (SignalState::Healthy, format!("HTTP {}", answer.status))
        }
        Ok(answer) => (SignalState::Failing, format!("HTTP {}, expected {}", answer.status, signal.expect_status)),
        Err(error @ NoAnswer::NotSent { .. }) => (SignalState::Unknown, error.to_string()),
        Err(error) => (SignalState::Failing, error.to_string()),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: true, state, evidence }
}

/// A CloudWatch alarm; `Ok(None)`: no such alarm.
pub fn alarm(signal: &AlarmSignal, seen: Result<Option<AlarmState>, String>) -> SignalObserved {
    let name = &signal.alarm_name;
    let (state, evidence) = match seen {
        Ok(Some(AlarmState::Ok)) => (SignalState::Healthy, format!("alarm {name} is OK")),
        Ok(Some(AlarmState::Alarm)) => (SignalState::Failing, format!("alarm {name} is in ALARM")),
        Ok(Some(AlarmState::InsufficientData)) => (SignalState::Unknown, format!("alarm {name} has INSUFFICIENT_DATA")),
        Ok(Some(AlarmState::Other(word))) => (SignalState::Unknown, format!("alarm {name} is {word:?}")),
        Ok(None) => (SignalState::Unknown, format!("{} has no alarm {name}", signal.region)),
        Err(error) => (SignalState::Unknown, format!("cloudwatch:DescribeAlarms in {}: {error}", signal.region)),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: false, state, evidence }
}

/// The primary database's status, as its own Region tells it; `Ok(None)`: its Region knows no such instance.
pub fn rds_instance(signal: &RdsInstanceSignal, seen: Result<Option<ReplicaObserved>, String>) -> SignalObserved {
    let id = &signal.identifier;
    let (state, evidence) = match seen {
        Ok(Some(instance)) => {
            let state = match standing(&instance.status) {
                Standing::Up => SignalState::Healthy,
                Standing::Lost => SignalState::Failing,
                Standing::Between => SignalState::Unknown,
            };
            (state, format!("{id} is `{}`", instance.status))
        }
        Ok(None) => (SignalState::Failing, format!("{} has no DB instance {id}", signal.region)),
        Err(error) => (SignalState::Unknown, format!("rds:DescribeDBInstances in {}: {error}", signal.region)),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: false, state, evidence }
}

/// Whether the replica still receives from the primary; `Ok(None)`: the recovery Region knows no such instance.
pub fn rds_replication(signal: &RdsReplicationSignal, seen: Result<Option<ReplicaObserved>, String>) -> SignalObserved {
    let id = &signal.identifier;
    let (state, evidence) = match seen {
        Ok(Some(replica)) => replication(id, &replica),
        Ok(None) => (SignalState::Unknown, format!("there is no DB instance {id}")),
        Err(error) => (SignalState::Unknown, format!("rds:DescribeDBInstances: {error}")),
    };
    SignalObserved { name: signal.name.clone(), fate: signal.fate.clone(), over_http: false, state, evidence }
}

fn replication(id: &str, replica: &ReplicaObserved) -> (SignalState, String) {
    if replica.source.is_none() {
        return (SignalState::Unknown, format!("{id} is no replica any more"));
    }
    if standing(&replica.status) != Standing::Up {
        // Replication that stands still because the replica itself is in trouble says nothing about the primary.
        return (SignalState::Unknown, format!("the replica {id} is itself `{}`", replica.status));
    }
    match replica.replication.as_deref() {
        Some(word @ "replicating") => (SignalState::Healthy, format!("{id} is {word}")),
        Some(word @ ("error" | "stopped" | "terminated")) => {
            (SignalState::Failing, format!("replication of {id}: {word}"))
        }
        Some(word) => (SignalState::Unknown, format!("replication of {id}: {word}")),
        None => (SignalState::Unknown, format!("RDS says nothing about the replication of {id}")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Up,
    Lost,
    Between,
}

/// How an instance stands by its status (RDS user guide, "Viewing DB instance status"): those in which it serves, those in which it
/// does not and will not by itself, and the rest (starting, rebooting, words of a later day).
fn standing(status: &str) -> Standing {
    match status {
        "available"
        | "backing-up"
        | "configuring-enhanced-monitoring"
        | "configuring-iam-database-auth"
        | "configuring-log-exports"
        | "delete-precheck"
        | "modifying"
        | "resetting-master-credentials"
        | "storage-config-upgrade"
        | "storage-initialization"
        | "storage-optimization" => Standing::Up,
        "deleting" | "failed" | "restore-error" | "stopped" | "stopping" | "storage-full" => Standing::Lost,
        other if other.starts_with("inaccessible-") || other.starts_with("incompatible-") => Standing::Lost,
        _ => Standing::Between,
    }
}

#[cfg(test)]
mod tests;
