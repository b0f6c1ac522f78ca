//! The recovery plan: one document a workload, written by its owners, typed here and published as a JSON Schema.
//!
//! Durations are whole seconds and end in `Seconds`. Every block refuses unknown fields, so that a typing error is told and not
//! ignored. [`check`](check::check) is the only way in: a [`RecoveryPlan`] that exists has been checked whole.

mod aurora;
mod aurora_cluster;
mod cache;
mod cache_global;
mod capacity;
pub mod check;
mod component;
mod ecs;
mod fence;
mod home;
mod hook;
mod lambda;
mod lambda_hook;
mod name;
mod point_in_time;
mod read;
mod restore;
mod restored;
mod routing;
mod rules;
mod schema;
mod shape;
mod signal;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use aurora::{AuroraGlobalCluster, AuroraReplicationSignal, RdsClusterSignal};
pub use aurora_cluster::AuroraCluster;
pub use cache::{CacheEngine, ElastiCache};
pub use cache_global::ElastiCacheGlobal;
pub use capacity::{Had, ServingCapacity};
pub use check::{PlanProblem, check, parse, sha256_hex};
pub use component::{
    AutoScalingGroup, Capacity, Compute, Database, DnsRecord, FailoverRole, InstanceSettings, RdsReadReplica,
    RecordType, RestingCapacity, Route53Records, StopObject, Traffic,
};
pub use ecs::{EcsService, FenceService};
pub use fence::{Fence, FenceGroup, FenceInstance, FenceItem, FenceLoadBalancer, FencePolicy};
pub use home::Home;
pub use hook::{AutomationHook, CodeBuildHook};
pub use lambda::{Concurrency, LambdaConcurrency, RestingConcurrency};
pub use lambda_hook::LambdaHook;
pub use name::is_plan_name;
pub use point_in_time::RestoreToPointInTime;
pub use restore::{RestoreFromBackup, RestoredKind};
pub use restored::{RestoredInstance, RestoredSettings};
pub use routing::{ClusterEndpoint, RoutingControl};
pub use schema::{json_schema, schema_text};
pub use signal::{AlarmSignal, HttpSignal, RdsInstanceSignal, RdsReplicationSignal, Signal};

/// A workload's name.
const NAME_PATTERN: &str = "^[a-z][a-z0-9-]{0,62}$";
/// The name of a component, signal, check or target. `#` is the journal's separator, so it is none of these.
const LABEL_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$";
/// A Region's name, in every partition.
const REGION_PATTERN: &str = "^[a-z]{2}(-[a-z]+)+-[0-9]$";
/// An ARN, in every partition.
const ARN_PATTERN: &str = "^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+$";
/// A security group's id.
const SECURITY_GROUP_PATTERN: &str = "^sg-[0-9a-f]{8,17}$";
/// The name of an ECS cluster or service (ECS API reference, `CreateCluster`, `CreateService`).
const ECS_NAME_PATTERN: &str = "^[A-Za-z0-9_-]{1,255}$";
/// A Lambda function's name (Lambda API reference, `CreateFunction`).
const LAMBDA_NAME_PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";
/// An alias or a version of a Lambda function; `$LATEST` is told apart by a rule, which says why.
const LAMBDA_QUALIFIER_PATTERN: &str = "^([A-Za-z0-9_-]{1,128}|\\$LATEST)$";
/// An S3 bucket's name.
const BUCKET_PATTERN: &str = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$";

/// The only version of the plan document there is so far.
pub const API_VERSION: &str = "pilotlight.dev/v1";

/// `apiVersion`: names the shape of the document, so that an old plan is refused by name and not misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "pilotlight.dev/v1")]
    V1,
}

/// `kind`: there is one kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A recovery plan.
    RecoveryPlan,
}

/// How one workload is recovered from the loss of its primary Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecoveryPlan {
    /// The version of this document's shape.
    pub api_version: ApiVersion,
    /// The kind of document.
    pub kind: Kind,
    /// Who the plan is for.
    pub metadata: Metadata,
    /// Where the workload lives and where it goes.
    pub regions: Regions,
    /// What the owners promise.
    pub objectives: Objectives,
    /// When a run may act.
    #[serde(default)]
    pub policy: Policy,
    /// How the primary is judged. Signals that can fail for the same reason carry the same `fate`.
    #[schemars(length(max = 20))]
    pub signals: Vec<Signal>,
    /// How the observer judges itself.
    #[serde(default)]
    pub observer: Observer,
    /// How the old primary is stopped from taking writes before anything is promoted.
    #[serde(default)]
    pub fence: Fence,
    /// What holds the data.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub databases: Vec<Database>,
    /// What serves.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub compute: Vec<Compute>,
    /// How clients are led to the recovery Region.
    #[schemars(length(max = 20))]
    pub traffic: Vec<Traffic>,
    /// What proves that the recovered application works.
    pub validation: Validation,
    /// The way home: what `protect` and `failback` need to know of the primary Region. Without it a run leads away only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// Which resources' recovery points are watched between runs.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub backups: Vec<BackupTarget>,
}

/// Who the plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The workload's name: lower-case letters, digits and hyphens. It is the lease's key and the document's name in the bucket.
    #[schemars(regex(pattern = NAME_PATTERN))]
    pub name: String,
    /// What the workload is, for people.
    #[serde(default)]
    pub description: String,
    /// Who is called.
    #[serde(default)]
    pub owner: String,
}

/// The two Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regions {
    /// Where the workload serves from.
    #[schemars(regex(pattern = REGION_PATTERN))]
    pub primary: String,
    /// Where it goes; Pilot Light is deployed here.
    #[schemars(regex(pattern = REGION_PATTERN))]
    pub recovery: String,
}

/// What the owners promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objectives {
    /// Recovery time objective: from the decision to traffic served by the recovery Region.
    #[schemars(range(min = 1, max = 604_800))]
    pub rto_seconds: u32,
    /// Recovery point objective: how much of the newest data may be lost.
    #[schemars(range(max = 604_800))]
    pub rpo_seconds: u32,
}

/// When a run may act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// How many fates must have failed before the primary counts as down.
    #[schemars(range(min = 1, max = 10))]
    pub quorum: u32,
    /// How long the primary must have been down without a break before a run acts.
    #[schemars(range(max = 3600))]
    pub hold_seconds: u32,
    /// How long a run goes on looking before it gives up on a verdict.
    #[schemars(range(min = 1, max = 3600))]
    pub assess_timeout_seconds: u32,
    /// Whether a run promotes by itself, or waits between fence and promotion for a person's word.
    pub gate: Gate,
    /// Who may approve a promotion, by the name given with the approval. Empty: whoever may call `states:SendTaskSuccess`. In automatic mode
    /// they are asked only if the loss is above `maxDataLossSeconds` or unknown; without any the run is then refused.
    #[schemars(length(max = 50), inner(length(min = 1, max = 128)))]
    pub approvers: Vec<String>,
    /// How long a run waits for an approval. After it the run is called off and everything put back.
    #[schemars(range(min = 10, max = 14_400))]
    pub approval_timeout_seconds: u32,
    /// How often a run goes forward again by itself after a failure past the pivot, before it is stuck and pages.
    #[schemars(range(max = 20))]
    pub forward_tries: u32,
    /// The most data, in seconds, that a promotion may lose. Above it, or when it cannot be known, the run is refused, unless an approver
    /// accepts the loss in numbers.
    #[schemars(range(max = 604_800))]
    pub max_data_loss_seconds: u32,
    /// How long a silent run keeps the workload's lease before another run may take it over.
    #[schemars(range(min = 60, max = 86_400))]
    pub lease_seconds: u32,
    /// For how long after a run that acted an automatic start is refused.
    #[schemars(range(max = 604_800))]
    pub cooldown_seconds: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            quorum: 2,
            hold_seconds: 30,
            assess_timeout_seconds: 300,
            gate: Gate::Automatic,
            approvers: Vec::new(),
            approval_timeout_seconds: 1800,
            forward_tries: 2,
            max_data_loss_seconds: 60,
            lease_seconds: 900,
            cooldown_seconds: 1800,
        }
    }
}

/// Whether a promotion waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Gate {
    /// The run promotes by itself, within the plan's bounds.
    #[default]
    Automatic,
    /// A person approves every promotion.
    Approval,
}

/// How the observer judges itself: when none of these answers, its HTTP probes prove nothing about the primary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Observer {
    /// Addresses reached over the probes' own network that do not share the primary's fate.
    #[schemars(length(max = 10))]
    pub control_urls: Vec<String>,
}

/// What proves that the recovered application works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    /// Requests to the recovery Region's own endpoint, before any traffic is shifted.
    #[schemars(length(max = 20))]
    pub endpoints: Vec<Endpoint>,
    /// What the name servers must answer after the shift.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub dns: Vec<DnsExpectation>,
    /// How long the recovered application may take to prove itself, once data and compute are there.
    #[serde(default = "Validation::default_timeout_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout_seconds: u32,
}

impl Validation {
    fn default_timeout_seconds() -> u32 {
        300
    }
}

/// One request that must be answered as described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The check's name, unique in the plan, for reports.
    #[schemars(regex(pattern = LABEL_PATTERN))]
    pub name: String,
    /// GET or POST. A POST is the write that proves the database takes writes.
    #[serde(default)]
    pub method: Method,
    /// The whole address, `http://` or `https://`.
    pub url: String,
    /// The body of a POST, sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_body: Option<serde_json::Value>,
    /// The answer's status.
    #[serde(default = "Endpoint::default_status")]
    #[schemars(range(min = 100, max = 599))]
    pub expect_status: u16,
    /// A text the answer's first 5,120 bytes must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_body: Option<String>,
    /// Headers the answer must carry, by exact value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_headers: BTreeMap<String, String>,
    /// How long one answer may take.
    #[serde(default = "Endpoint::default_timeout_seconds")]
    #[schemars(range(min = 1, max = 10))]
    pub timeout_seconds: u32,
}

impl Endpoint {
    fn default_status() -> u16 {
        200
    }
    fn default_timeout_seconds() -> u32 {
        3
    }
}

/// How an endpoint is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Writes.
    Post,
}

/// What DNS must answer once traffic is shifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsExpectation {
    /// The name clients use.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The record's type.
    pub record_type: RecordType,
    /// The answer must hold one of these, and nothing else.
    #[schemars(length(max = 20))]
    pub expect_any_of: Vec<String>,
    /// Name servers to ask, `address:port`. Empty: the system's resolver, whose cache may be older than the truth.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub name_servers: Vec<String>,
}

/// A resource whose newest recovery point is held against an age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupTarget {
    /// The target's name, unique in the plan, for reports and metrics.
    #[schemars(regex(pattern = LABEL_PATTERN))]
    pub name: String,
    /// The vault in the recovery Region that must hold the recovery point.
    #[schemars(length(min = 1, max = 50))]
    pub vault_name: String,
    /// The resource that is backed up.
    #[schemars(regex(pattern = ARN_PATTERN))]
    pub resource_arn: String,
    /// The oldest its newest completed recovery point may be.
    #[schemars(range(min = 60, max = 31_536_000))]
    pub max_age_seconds: u32,
}
