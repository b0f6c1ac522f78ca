//! The components of a plan: what is promoted, what is scaled, what is switched. Lower waves go first; everything within a wave goes
//! at once.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aurora::AuroraGlobalCluster;
use super::aurora_cluster::AuroraCluster;
use super::cache::ElastiCache;
use super::cache_global::ElastiCacheGlobal;
use super::capacity::{Had, ServingCapacity};
use super::ecs::EcsService;
use super::hook::{AutomationHook, CodeBuildHook};
use super::lambda::LambdaConcurrency;
use super::lambda_hook::LambdaHook;
use super::point_in_time::RestoreToPointInTime;
use super::restore::RestoreFromBackup;
use super::restored::RestoredSettings;

pub(super) fn first_wave() -> u32 {
    1
}

pub(super) fn default_timeout_seconds() -> u32 {
    900
}

/// A database that is made writable in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Database {
    /// An RDS cross-Region read replica, promoted. **No undo**: this is the pivot.
    RdsReadReplica(RdsReadReplica),
    /// An Aurora global database, failed over to its secondary cluster. **No undo**: this is the pivot.
    AuroraGlobalCluster(AuroraGlobalCluster),
    /// An Aurora cluster of one Region, whose writer moves to another Availability Zone. **No undo**: this is the pivot.
    AuroraCluster(AuroraCluster),
    /// A database restored by AWS Backup from a recovery point in the recovery Region. **No undo**: this is the pivot. What was restored
    /// stays, and is named.
    RestoreFromBackup(RestoreFromBackup),
    /// An Aurora cluster or a DynamoDB table, restored within the Region to a point in time. **No undo**: this is the pivot. What was restored
    /// stays, and is named.
    RestoreToPointInTime(RestoreToPointInTime),
    /// An ElastiCache replication group, created anew. Undo: the group that the run created is deleted; one that was there is left.
    ElastiCache(ElastiCache),
    /// An ElastiCache global datastore, failed over to its secondary replication group. **No pivot**: a cache is no record. Undo: failed over
    /// again, to the group that was primary before; what was written in between may be lost. Where that Region cannot take it back, a person is
    /// told so.
    ElastiCacheGlobal(ElastiCacheGlobal),
}

impl Database {
    /// The component's name.
    pub fn name(&self) -> &str {
        match self {
            Database::RdsReadReplica(c) => &c.name,
            Database::AuroraGlobalCluster(c) => &c.name,
            Database::AuroraCluster(c) => &c.name,
            Database::RestoreFromBackup(c) => &c.name,
            Database::RestoreToPointInTime(c) => &c.name,
            Database::ElastiCache(c) => &c.name,
            Database::ElastiCacheGlobal(c) => &c.name,
        }
    }
    /// The component's wave.
    pub fn wave(&self) -> u32 {
        match self {
            Database::RdsReadReplica(c) => c.wave,
            Database::AuroraGlobalCluster(c) => c.wave,
            Database::AuroraCluster(c) => c.wave,
            Database::RestoreFromBackup(c) => c.wave,
            Database::RestoreToPointInTime(c) => c.wave,
            Database::ElastiCache(c) => c.wave,
            Database::ElastiCacheGlobal(c) => c.wave,
        }
    }
    /// The same database, seen from the other Region: what was the primary is what follows.
    pub fn mirrored(&self) -> Self {
        match self {
            Database::RdsReadReplica(c) => Database::RdsReadReplica(c.mirrored()),
            Database::AuroraGlobalCluster(c) => Database::AuroraGlobalCluster(c.mirrored()),
            Database::AuroraCluster(c) => Database::AuroraCluster(c.mirrored()),
            // A plan with a way home has none of these (a rule of its own says so).
            Database::RestoreFromBackup(c) => Database::RestoreFromBackup(c.clone()),
            Database::RestoreToPointInTime(c) => Database::RestoreToPointInTime(c.clone()),
            // A plan with one has no way home.
            Database::ElastiCache(c) => Database::ElastiCache(c.clone()),
            Database::ElastiCacheGlobal(c) => Database::ElastiCacheGlobal(c.mirrored()),
        }
    }
    /// Whether it is recovered within one Region: then the primary Region may be the recovery Region.
    pub fn is_in_region(&self) -> bool {
        match self {
            Database::RdsReadReplica(_) | Database::AuroraGlobalCluster(_) | Database::ElastiCacheGlobal(_) => false,
            Database::AuroraCluster(_)
            | Database::RestoreFromBackup(_)
            | Database::RestoreToPointInTime(_)
            | Database::ElastiCache(_) => true,
        }
    }
}

/// An RDS cross-Region read replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RdsReadReplica {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The primary's DB instance identifier, in the primary Region.
    #[schemars(length(min = 1, max = 63))]
    pub primary_identifier: String,
    /// The replica's DB instance identifier, in the recovery Region.
    #[schemars(length(min = 1, max = 63))]
    pub replica_identifier: String,
    /// Backup retention the promoted instance gets. At least 1, or no replica can be made from it for the way back.
    #[serde(default = "RdsReadReplica::default_retention")]
    #[schemars(range(min = 1, max = 35))]
    pub backup_retention_days: u32,
    /// What a replica that is made in the primary Region on the way home gets.
    #[serde(default, skip_serializing_if = "InstanceSettings::is_empty")]
    pub primary_settings: InstanceSettings,
    /// What a replica that is made anew in the recovery Region after a failback gets.
    #[serde(default, skip_serializing_if = "InstanceSettings::is_empty")]
    pub replica_settings: InstanceSettings,
    /// What the instance in the recovery Region is set to once it is promoted: a replica's parameter group, security groups, deletion
    /// protection and tags are its own and not the primary's. Stating any of it also has `backupRetentionDays` checked and set.
    #[serde(default, skip_serializing_if = "RestoredSettings::is_empty")]
    pub promoted_settings: Box<RestoredSettings>,
    /// The same of the instance in the primary Region, once a failback has promoted it.
    #[serde(default, skip_serializing_if = "RestoredSettings::is_empty")]
    pub home_settings: Box<RestoredSettings>,
    /// How long the promotion may take, and at most four times as long the making of a new replica.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// What RDS does not carry over to a new replica in another Region (RDS user guide, "Creating a read replica in a different AWS
/// Region"): what is not stated gets RDS's default of that Region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InstanceSettings {
    /// The instance class. Absent: that of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_class: Option<String>,
    /// The DB subnet group. Absent: that of the default VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_group: Option<String>,
    /// The DB parameter group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_group: Option<String>,
    /// The security groups that admit the application. Without any the instance gets the VPC's default group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), inner(regex(pattern = super::SECURITY_GROUP_PATTERN)))]
    pub security_group_ids: Vec<String>,
    /// The KMS key of the new replica's Region, for an encrypted instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Whether the instance is protected from being deleted.
    pub deletion_protection: bool,
    /// Its tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl InstanceSettings {
    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        *self == InstanceSettings::default()
    }
}

impl RdsReadReplica {
    /// The same pair, seen from the other Region.
    fn mirrored(&self) -> Self {
        RdsReadReplica {
            primary_identifier: self.replica_identifier.clone(),
            replica_identifier: self.primary_identifier.clone(),
            primary_settings: self.replica_settings.clone(),
            replica_settings: self.primary_settings.clone(),
            promoted_settings: self.home_settings.clone(),
            home_settings: self.promoted_settings.clone(),
            ..self.clone()
        }
    }

    fn default_retention() -> u32 {
        7
    }
}

/// Capacity that is brought up in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Compute {
    /// An EC2 Auto Scaling group. Undo: minimum, maximum and desired capacity go back to the journalled values.
    AutoScalingGroup(AutoScalingGroup),
    /// An Amazon ECS service. Undo: the minimum and maximum of its scalable target and its desired count go back to the journalled values.
    EcsService(EcsService),
    /// The reserved and the provisioned concurrency of a Lambda function. Undo: both go back to the journalled values, which may be none.
    LambdaConcurrency(LambdaConcurrency),
    /// A CodeBuild project of the owner's. **No undo by us**: what the build made stays; one that still runs is stopped.
    CodeBuildHook(CodeBuildHook),
    /// An SSM Automation document of the owner's. **No undo by us**: what it made stays; one that still runs is cancelled.
    AutomationHook(AutomationHook),
    /// A Lambda function of the owner's. **No undo by us**: what it made stays, unless it takes that back itself (`undoCall`).
    LambdaHook(LambdaHook),
}

impl Compute {
    /// The component's name.
    pub fn name(&self) -> &str {
        match self {
            Compute::AutoScalingGroup(c) => &c.name,
            Compute::EcsService(c) => &c.name,
            Compute::LambdaConcurrency(c) => &c.name,
            Compute::CodeBuildHook(c) => &c.name,
            Compute::AutomationHook(c) => &c.name,
            Compute::LambdaHook(c) => &c.name,
        }
    }
    /// The component's wave.
    pub fn wave(&self) -> u32 {
        match self {
            Compute::AutoScalingGroup(c) => c.wave,
            Compute::EcsService(c) => c.wave,
            Compute::LambdaConcurrency(c) => c.wave,
            Compute::CodeBuildHook(c) => c.wave,
            Compute::AutomationHook(c) => c.wave,
            Compute::LambdaHook(c) => c.wave,
        }
    }
    /// The capacity it serves with; `None`: its kind has no minimum, maximum and desired count.
    pub fn capacity(&self) -> Option<Capacity> {
        match self {
            Compute::AutoScalingGroup(c) => Some(c.capacity.sizes()),
            Compute::EcsService(c) => Some(c.capacity.sizes()),
            Compute::LambdaConcurrency(_)
            | Compute::CodeBuildHook(_)
            | Compute::AutomationHook(_)
            | Compute::LambdaHook(_) => None,
        }
    }
    /// The share of the primary's capacity it serves with, in per cent, if the plan states one.
    pub fn share(&self) -> Option<u32> {
        match self {
            Compute::AutoScalingGroup(c) => c.capacity.percent_of_primary,
            Compute::EcsService(c) => c.capacity.percent_of_primary,
            Compute::LambdaConcurrency(c) => c.capacity.percent_of_primary,
            Compute::CodeBuildHook(_) | Compute::AutomationHook(_) | Compute::LambdaHook(_) => None,
        }
    }
    /// Fixes a share to the number it comes to, when the primary is known to have had this much.
    pub fn fix_capacity(&mut self, primary: Option<Had>) {
        match self {
            Compute::AutoScalingGroup(c) => c.capacity = c.capacity.fixed(primary.map(|had| had.desired)),
            Compute::EcsService(c) => c.capacity = c.capacity.fixed(primary.map(|had| had.desired)),
            Compute::LambdaConcurrency(c) => c.capacity = c.capacity.fixed(primary),
            Compute::CodeBuildHook(_) | Compute::AutomationHook(_) | Compute::LambdaHook(_) => {}
        }
    }
    /// The kind as a plan writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Compute::AutoScalingGroup(_) => "autoScalingGroup",
            Compute::EcsService(_) => "ecsService",
            Compute::LambdaConcurrency(_) => "lambdaConcurrency",
            Compute::CodeBuildHook(_) => "codeBuildHook",
            Compute::AutomationHook(_) => "automationHook",
            Compute::LambdaHook(_) => "lambdaHook",
        }
    }
    /// The capacity it rests with, if its kind has one of these and the plan states it.
    pub fn resting_capacity(&self) -> Option<RestingCapacity> {
        match self {
            Compute::AutoScalingGroup(c) => c.resting_capacity,
            Compute::EcsService(c) => c.resting_capacity,
            Compute::LambdaConcurrency(_)
            | Compute::CodeBuildHook(_)
            | Compute::AutomationHook(_)
            | Compute::LambdaHook(_) => None,
        }
    }
    /// Whether it is a hook that knows a dry run: then a dry run calls it.
    pub fn dry_run_call(&self) -> bool {
        match self {
            Compute::CodeBuildHook(c) => c.dry_run_call,
            Compute::AutomationHook(c) => c.dry_run_call,
            Compute::LambdaHook(c) => c.dry_run_call,
            Compute::AutoScalingGroup(_) | Compute::EcsService(_) | Compute::LambdaConcurrency(_) => false,
        }
    }
}

/// An EC2 Auto Scaling group in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoScalingGroup {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The group's name.
    #[schemars(length(min = 1, max = 255))]
    pub group_name: String,
    /// The capacity to serve with.
    pub capacity: ServingCapacity,
    /// The capacity to rest with while the other Region serves: what a failback brings the group down to. Without it the group stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting_capacity: Option<RestingCapacity>,
    /// How long the instances may take to be in service.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// The sizes of a group or a service, whatever they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// The minimum.
    pub min: u32,
    /// The maximum.
    pub max: u32,
    /// The desired capacity.
    pub desired: u32,
}

/// The capacity to rest with: for a pilot light nothing, for a warm standby a little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestingCapacity {
    /// The minimum.
    #[schemars(range(max = 10_000))]
    pub min: u32,
    /// The maximum.
    #[schemars(range(max = 10_000))]
    pub max: u32,
    /// The desired capacity.
    #[schemars(range(max = 10_000))]
    pub desired: u32,
}

impl From<RestingCapacity> for Capacity {
    fn from(resting: RestingCapacity) -> Self {
        Capacity { min: resting.min, max: resting.max, desired: resting.desired }
    }
}

/// How clients are led to the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Traffic {
    /// The data-plane switch (the default choice): an object whose presence turns the PRIMARY record's *inverted* health check
    /// unhealthy. Needs nothing outside the recovery Region. Undo: the object is removed, if this run put it there.
    StopObject(StopObject),
    /// ARC routing controls: a data plane in five Regions, of which one is enough; safety rules may refuse. Undo: the controls go back to
    /// the journalled states.
    RoutingControl(super::RoutingControl),
    /// Route 53 record changes: a control-plane call that depends on us-east-1, for those who cannot have the switch. Undo: the
    /// records go back to the journalled values.
    Route53Records(Route53Records),
}

impl Traffic {
    /// The component's name.
    pub fn name(&self) -> &str {
        match self {
            Traffic::StopObject(c) => &c.name,
            Traffic::RoutingControl(c) => &c.name,
            Traffic::Route53Records(c) => &c.name,
        }
    }
    /// The component's wave.
    pub fn wave(&self) -> u32 {
        match self {
            Traffic::StopObject(c) => c.wave,
            Traffic::RoutingControl(c) => c.wave,
            Traffic::Route53Records(c) => c.wave,
        }
    }
}

/// The STOP object ("standby takes over primary").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopObject {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The bucket in the recovery Region that the health check watches.
    #[schemars(regex(pattern = super::BUCKET_PATTERN))]
    pub bucket: String,
    /// The object's key.
    #[schemars(length(min = 1, max = 1024))]
    pub key: String,
    /// How long the switch may take.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// Records that are rewritten to lead to the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route53Records {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The hosted zone's id.
    #[schemars(length(min = 1, max = 32))]
    pub hosted_zone_id: String,
    /// The records as they must be after the failover.
    #[schemars(length(max = 1000))]
    pub records: Vec<DnsRecord>,
    /// How long the change may take to be `INSYNC`.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// A record: a simple one or, by its set identifier, one of several of a name and type that share a weighted or a failover policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsRecord {
    /// The record's name.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The record's type.
    pub record_type: RecordType,
    /// Time to live. Above 60 clients stay on the dead Region for longer than they need to.
    #[schemars(range(min = 1, max = 60))]
    pub ttl_seconds: u32,
    /// The values.
    #[schemars(length(max = 400))]
    pub values: Vec<String>,
    /// Tells it from the others of its name and type; absent for a simple record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub set_identifier: Option<String>,
    /// Its weight among those of its name and type: 0 takes it out of the answers while another one has more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// Its role in a failover pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverRole>,
    /// The health check that says whether it may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub health_check_id: Option<String>,
}

/// A record's role in a failover pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FailoverRole {
    /// Answered while it is healthy.
    Primary,
    /// Answered otherwise.
    Secondary,
}

impl FailoverRole {
    /// The role as Route 53 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            FailoverRole::Primary => "PRIMARY",
            FailoverRole::Secondary => "SECONDARY",
        }
    }
}

impl DnsRecord {
    /// A simple record.
    pub fn simple(name: impl Into<String>, record_type: RecordType, ttl_seconds: u32, values: Vec<String>) -> Self {
        DnsRecord {
            name: name.into(),
            record_type,
            ttl_seconds,
            values,
            set_identifier: None,
            weight: None,
            failover: None,
            health_check_id: None,
        }
    }
}

/// The record types a failover rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// Alias name.
    #[serde(rename = "CNAME")]
    Cname,
    /// Text.
    #[serde(rename = "TXT")]
    Txt,
}

impl RecordType {
    /// The type as DNS and Route 53 write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordType::A => "A",
            RecordType::Aaaa => "AAAA",
            RecordType::Cname => "CNAME",
            RecordType::Txt => "TXT",
        }
    }
}
