//! What AWS and the network showed: plain values, made by the adapters, judged by the decisions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one signal showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignalState {
    /// The primary did what the signal looks for.
    Healthy,
    /// It was seen not to.
    Failing,
    /// Nothing was seen: the observer's own error, a time-out of its own call, a missing value.
    Unknown,
}

/// What one signal showed, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalObserved {
    /// The signal's name in the plan.
    pub name: String,
    /// Which signals it fails together with.
    pub fate: String,
    /// Whether this is an HTTP probe: those prove nothing when the observer's own network is down.
    pub over_http: bool,
    /// What it showed.
    pub state: SignalState,
    /// The evidence, for people.
    pub evidence: String,
}

/// The replica, as RDS in the recovery Region describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaObserved {
    /// The instance's status, as RDS writes it (`available`, `modifying`, `backing-up`, ...).
    pub status: String,
    /// `ReadReplicaSourceDBInstanceIdentifier`: absent once the instance is no replica any more.
    pub source: Option<String>,
    /// The status of `StatusInfos[StatusType = "read replication"]`.
    pub replication: Option<String>,
    /// The instance's backup retention.
    pub backup_retention_days: u32,
}

/// A point of the `ReplicaLag` metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagSample {
    /// When.
    pub at: Timestamp,
    /// How many seconds; -1 means *not replicating* (AWS RDS metrics reference).
    pub lag_seconds: f64,
}

/// An Auto Scaling group, as described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupObserved {
    /// `MinSize`.
    pub min: u32,
    /// `MaxSize`.
    pub max: u32,
    /// `DesiredCapacity`: an intention, never proof.
    pub desired: u32,
    /// Instances that are `InService` and `Healthy`.
    #[serde(default)]
    pub in_service: u32,
}

/// A record set in a hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordObserved {
    /// Its time to live.
    pub ttl_seconds: u32,
    /// Its values.
    pub values: Vec<String>,
}
