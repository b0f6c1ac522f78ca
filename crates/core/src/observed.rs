//! What AWS and the network showed: plain values, made by the adapters, judged by the decisions.

mod in_region;
mod point_in_time;
mod restored;

mod hook;
mod hook_function;

mod cache;
mod cache_global;

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::{DnsRecord, FailoverRole};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use in_region::{InRegionCluster, ZonedInstance};
pub use point_in_time::{RestorableObserved, RestorableWindow};
pub use restored::{RestoreJobObserved, RestoredObserved};

pub use hook::{AutomationObserved, DocumentObserved, HookRunObserved};
pub use hook_function::{HookFunctionObserved, Invoked};

pub use cache::{CacheNodeGroup, CacheObserved};
pub use cache_global::{DatastoreMember, DatastoreObserved};

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

impl SignalState {
    /// The state as reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            SignalState::Healthy => "healthy",
            SignalState::Failing => "failing",
            SignalState::Unknown => "unknown",
        }
    }
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

/// An HTTP answer. Evidence quotes the status only: headers and bodies may carry what is nobody's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The first [`HTTP_BODY_BYTES_MAX`] bytes of its body.
    pub body: Vec<u8>,
}

/// As much of a body is read: what Route 53's own string-matching checks read.
pub const HTTP_BODY_BYTES_MAX: usize = 5_120;

/// Why there was no HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Not within the time.
    TimedOut {
        /// The time it was given.
        after_seconds: u32,
    },
    /// Nobody listens there.
    Refused,
    /// The connection was cut before the answer was whole.
    Closed,
    /// No route to it.
    Unreachable,
    /// The name has no address.
    NameNotResolved,
    /// The certificate or the handshake does not hold.
    Tls,
    /// Something answered that is not HTTP.
    NotHttp,
    /// The observer's own fault: the request never left. Proves nothing about the other side.
    NotSent {
        /// What failed here.
        reason: String,
    },
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::TimedOut { after_seconds } => write!(f, "no answer within {after_seconds} seconds"),
            NoAnswer::Refused => f.write_str("connection refused"),
            NoAnswer::Closed => f.write_str("connection closed before the answer"),
            NoAnswer::Unreachable => f.write_str("no route to the address"),
            NoAnswer::NameNotResolved => f.write_str("the name could not be resolved"),
            NoAnswer::Tls => f.write_str("the TLS handshake failed"),
            NoAnswer::NotHttp => f.write_str("the answer was not HTTP"),
            NoAnswer::NotSent { reason } => write!(f, "not sent, the observer's own fault: {reason}"),
        }
    }
}

/// An alarm's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`.
    Ok,
    /// `ALARM`.
    Alarm,
    /// `INSUFFICIENT_DATA`.
    InsufficientData,
    /// A word this version does not know.
    Other(String),
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

/// An instance, as RDS describes it to whoever makes a replica of it or in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceObserved {
    /// Its ARN: how a source in another Region is named.
    pub arn: String,
    /// Its state, and what it replicates.
    pub state: ReplicaObserved,
}

/// A DB cluster snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSnapshotObserved {
    /// Its identifier; that of an automated one begins with `rds:`.
    pub identifier: String,
    /// Its ARN.
    pub arn: String,
    /// Its status (`creating`, `copying`, `available`).
    pub status: String,
}

/// An Aurora DB cluster, as its own Region describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterObserved {
    /// Its status (`available`, `modifying`, `failing-over`, ...). Of a role change within a global database it tells nothing.
    pub status: String,
    /// Its engine version.
    pub engine_version: Option<String>,
    /// Its instances (`DBClusterMembers`).
    pub instances: Vec<ClusterInstance>,
}

/// An instance of an Aurora DB cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInstance {
    /// The DB instance identifier.
    pub identifier: String,
    /// `IsClusterWriter`. No instance of a secondary is one.
    pub is_writer: bool,
}

/// An Aurora global database, as `DescribeGlobalClusters` in the recovery Region tells it, with the recovery cluster beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalClusterObserved {
    /// Its status (`available`, ...).
    pub status: String,
    /// Its engine version: that of its writer.
    pub engine_version: Option<String>,
    /// Its clusters, in every Region.
    pub members: Vec<GlobalMember>,
    /// `FailoverState`; `None`: empty, nothing is on the move.
    pub failover_state: Option<FailoverStateObserved>,
    /// The recovery cluster, as the recovery Region describes it; `None`: it knows no such cluster.
    pub recovery: Option<ClusterObserved>,
}

/// A cluster of an Aurora global database (`GlobalClusterMembers[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalMember {
    /// `DBClusterArn`: what `TargetDbClusterIdentifier` wants.
    pub arn: String,
    /// `IsWriter`.
    pub is_writer: bool,
    /// `SynchronizationStatus` (`connected`, `pending-resync`).
    pub synchronization: Option<String>,
}

impl GlobalMember {
    /// The member's Region: `arn:PARTITION:rds:REGION:ACCOUNT:cluster:IDENTIFIER`.
    pub fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }

    /// The member's DB cluster identifier.
    pub fn identifier(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it is this cluster of this Region. RDS keeps identifiers in lower case, whatever was typed.
    pub fn is(&self, identifier: &str, region: &str) -> bool {
        self.region() == region && self.identifier().eq_ignore_ascii_case(identifier)
    }
}

impl GlobalClusterObserved {
    /// The member that is this cluster of this Region.
    pub fn member(&self, identifier: &str, region: &str) -> Option<&GlobalMember> {
        self.members.iter().find(|member| member.is(identifier, region))
    }

    /// The members for people: `shop (us-east-1), shop-dr (us-east-2)`.
    pub fn members_said(&self) -> String {
        let said: Vec<String> = self.members.iter().map(|m| format!("{} ({})", m.identifier(), m.region())).collect();
        if said.is_empty() { "none".into() } else { said.join(", ") }
    }
}

/// A role change of an Aurora global database that is asked for or under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverStateObserved {
    /// `Status` as RDS writes it (`pending`, `failing-over`, `switching-over`, `cancelling`, words of a later day).
    pub status: String,
    /// The cluster that is being promoted, by ARN.
    pub to_arn: Option<String>,
}

/// A point of a lag metric: `ReplicaLag` of a read replica, `AuroraGlobalDBRPOLag` of an Aurora secondary.
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

/// An ECS service, as `DescribeServices` tells it, with its scalable target beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceObserved {
    /// Its status (`ACTIVE`, `DRAINING`, `INACTIVE`).
    pub status: String,
    /// `desiredCount`: an intention, never proof.
    pub desired: u32,
    /// `runningCount`: tasks in the `RUNNING` state.
    pub running: u32,
    /// Its newest deployment.
    pub deployment: DeploymentObserved,
    /// Its scalable target, if Application Auto Scaling has one for it.
    pub target: Option<ScalableTarget>,
}

/// The newest deployment of an ECS service (`rolloutState` of the `PRIMARY` one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentObserved {
    /// `COMPLETED`: the service reached a steady state.
    Steady,
    /// `IN_PROGRESS`.
    InProgress,
    /// `FAILED`: the circuit breaker gave it up. It launches no tasks any more.
    Failed {
        /// `rolloutStateReason`.
        reason: String,
    },
}

/// The capacity between which Application Auto Scaling moves a service's desired count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalableTarget {
    /// `MinCapacity`.
    pub min: u32,
    /// `MaxCapacity`.
    pub max: u32,
}

/// What can be set of an ECS service, as the journal keeps it: every act on a service has the values before the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceBefore {
    /// The desired count.
    pub desired: u32,
    /// The scalable target; `None`: there was none.
    pub target: Option<ScalableTarget>,
}

impl ServiceObserved {
    /// What of it can be set.
    pub fn settings(&self) -> ServiceBefore {
        ServiceBefore { desired: self.desired, target: self.target }
    }
}

impl fmt::Display for ScalableTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scalable target min {}, max {}", self.min, self.max)
    }
}

impl fmt::Display for ServiceBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(target) = self.target {
            write!(f, "{target}, ")?;
        }
        write!(f, "desired count {}", self.desired)
    }
}

/// A Lambda function's concurrency, with the function's own reading of the qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionObserved {
    /// The version that the qualifier leads to, and without a qualifier `$LATEST`; `None`: the function has no such alias or version.
    pub version: Option<String>,
    /// Its reserved concurrency; `None`: it has none, and draws on what the account has unreserved. 0: it is throttled.
    pub reserved: Option<u32>,
    /// The qualifier's provisioned concurrency; `None`: it has none.
    pub provisioned: Option<ProvisionedObserved>,
}

/// A provisioned concurrency configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedObserved {
    /// `RequestedProvisionedConcurrentExecutions`: an intention, never proof.
    pub requested: u32,
    /// `AvailableProvisionedConcurrentExecutions`.
    pub available: u32,
    /// How far its allocation is.
    pub status: ProvisionedStatus,
}

/// `Status` of a provisioned concurrency configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisionedStatus {
    /// `READY`.
    Ready,
    /// `IN_PROGRESS`, or a word of a later day.
    InProgress,
    /// `FAILED`.
    Failed {
        /// `StatusReason`.
        reason: String,
    },
}

/// What can be set of a function's concurrency, as the journal keeps it: every act on it has the values before the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConcurrencyBefore {
    /// The reserved concurrency; `None`: there was none.
    pub reserved: Option<u32>,
    /// The provisioned concurrency that was requested; `None`: there was none.
    pub provisioned: Option<u32>,
}

impl FunctionObserved {
    /// What of it can be set.
    pub fn settings(&self) -> ConcurrencyBefore {
        ConcurrencyBefore { reserved: self.reserved, provisioned: self.provisioned.as_ref().map(|p| p.requested) }
    }
}

impl fmt::Display for ConcurrencyBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: Option<u32>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        write!(f, "reserved concurrency {}, provisioned {}", said(self.reserved), said(self.provisioned))
    }
}

/// What admits clients to a load balancer or a database: its security groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoorObserved {
    /// The security groups' ids.
    pub security_group_ids: Vec<String>,
    /// Whether they are in force already.
    pub in_force: bool,
}

/// A record set in a hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordObserved {
    /// Its time to live.
    pub ttl_seconds: u32,
    /// Its values.
    pub values: Vec<String>,
    /// Its weight, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// Its role in a failover pair, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverRole>,
    /// The health check that it follows, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_id: Option<String>,
}

impl From<&DnsRecord> for RecordObserved {
    /// The record as it is listed once it was written.
    fn from(record: &DnsRecord) -> Self {
        RecordObserved {
            ttl_seconds: record.ttl_seconds,
            values: record.values.clone(),
            weight: record.weight,
            failover: record.failover,
            health_check_id: record.health_check_id.clone(),
        }
    }
}
