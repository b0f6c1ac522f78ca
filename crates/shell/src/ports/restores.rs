//! What a restore needs of AWS: AWS Backup, and the databases it makes.

use std::collections::BTreeMap;
use std::future::Future;

use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::observed::{RestoreJobObserved, RestoredObserved};
use pilot_core::plan::{RestoredKind, RestoredSettings};

use crate::CallError;

/// A restore that is to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRestore<'a> {
    /// The recovery point.
    pub recovery_point_arn: &'a str,
    /// The role that AWS Backup restores with.
    pub role_arn: &'a str,
    /// What AWS Backup calls this kind of resource.
    pub resource_type: &'a str,
    /// How it is restored: the recovery point's own metadata, with the plan's on top.
    pub metadata: BTreeMap<String, String>,
    /// With the same token a second call takes no action and hands back the first one's job.
    pub idempotency_token: &'a str,
}

/// Vaults and restore jobs of AWS Backup in the Region that a run brings up.
pub trait Backups {
    /// `backup:ListRecoveryPointsByBackupVault` of one resource, every page.
    fn recovery_points(
        &self,
        vault_name: &str,
        resource_arn: &str,
    ) -> impl Future<Output = Result<Vec<RecoveryPointSeen>, CallError>>;
    /// `backup:GetRecoveryPointRestoreMetadata`: how the resource was set up when it was backed up.
    fn restore_metadata(
        &self,
        vault_name: &str,
        recovery_point_arn: &str,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, CallError>>;
    /// `backup:StartRestoreJob`: the job's id. **Cannot be undone**, and makes a new resource only.
    fn start_restore(&self, restore: &NewRestore<'_>) -> impl Future<Output = Result<String, CallError>>;
    /// `backup:DescribeRestoreJob`; `None`: no such job.
    fn restore_job(&self, job_id: &str) -> impl Future<Output = Result<Option<RestoreJobObserved>, CallError>>;
}

/// An instance that is made in a restored Aurora cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance<'a> {
    /// Its identifier.
    pub identifier: &'a str,
    /// Its class.
    pub instance_class: &'a str,
    /// The cluster.
    pub cluster: &'a str,
    /// The cluster's engine.
    pub engine: &'a str,
    /// Its parameter group and its tags; the rest is the cluster's.
    pub settings: &'a RestoredSettings,
}

/// Databases that were restored: DB instances, Aurora clusters with their instances, DynamoDB tables.
pub trait RestoredDatabases {
    /// `rds:DescribeDBInstances`, `rds:DescribeDBClusters`, or `dynamodb:DescribeTable` with `DescribeContinuousBackups` and
    /// `ListTagsOfResource`; `None`: nothing of that name.
    fn describe(
        &self,
        kind: RestoredKind,
        identifier: &str,
    ) -> impl Future<Output = Result<Option<RestoredObserved>, CallError>>;
    /// `rds:CreateDBInstance` in a cluster.
    fn create_instance(&self, instance: &NewInstance<'_>) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:ModifyDBCluster` with what these settings state, at once.
    fn modify_cluster(
        &self,
        identifier: &str,
        settings: &RestoredSettings,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:ModifyDBInstance` with what these settings state, at once.
    fn modify_instance(
        &self,
        identifier: &str,
        settings: &RestoredSettings,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:RebootDBInstance`.
    fn reboot_instance(&self, identifier: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:AddTagsToResource`, or `dynamodb:TagResource` of a table.
    fn tag(
        &self,
        kind: RestoredKind,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), CallError>>;
    /// `dynamodb:UpdateTable` with `DeletionProtectionEnabled`.
    fn protect_table(&self, name: &str, on: bool) -> impl Future<Output = Result<(), CallError>>;
    /// `dynamodb:UpdateContinuousBackups`: point-in-time recovery on, for so many days.
    fn keep_table_points(&self, name: &str, days: u32) -> impl Future<Output = Result<(), CallError>>;
}
