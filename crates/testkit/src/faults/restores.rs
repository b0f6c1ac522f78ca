//! The injector in front of restores.

use std::collections::BTreeMap;

use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::observed::{RestoreJobObserved, RestoredObserved};
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::{Backups, NewInstance, NewRestore, RestoredDatabases};

use super::{Fault, Injected};

type Answer<R> = Result<R, CallError>;

impl<T: Backups> Backups for Injected<'_, T> {
    async fn recovery_points(&self, vault_name: &str, resource_arn: &str) -> Answer<Vec<RecoveryPointSeen>> {
        let call = self.inner.recovery_points(vault_name, resource_arn);
        self.call("backup:ListRecoveryPointsByBackupVault", vault_name, false, call, Fault::error).await
    }

    async fn restore_metadata(&self, vault_name: &str, recovery_point_arn: &str) -> Answer<BTreeMap<String, String>> {
        let call = self.inner.restore_metadata(vault_name, recovery_point_arn);
        self.call("backup:GetRecoveryPointRestoreMetadata", recovery_point_arn, false, call, Fault::error).await
    }

    async fn start_restore(&self, restore: &NewRestore<'_>) -> Answer<String> {
        let call = self.inner.start_restore(restore);
        self.call("backup:StartRestoreJob", restore.recovery_point_arn, true, call, Fault::error).await
    }

    async fn restore_job(&self, job_id: &str) -> Answer<Option<RestoreJobObserved>> {
        let call = self.inner.restore_job(job_id);
        self.call("backup:DescribeRestoreJob", job_id, false, call, Fault::error).await
    }
}

impl<T: RestoredDatabases> RestoredDatabases for Injected<'_, T> {
    async fn describe(&self, kind: RestoredKind, identifier: &str) -> Answer<Option<RestoredObserved>> {
        let name = match kind {
            RestoredKind::Instance => "rds:DescribeDBInstances",
            RestoredKind::Cluster => "rds:DescribeDBClusters",
            RestoredKind::Table => "dynamodb:DescribeTable",
        };
        self.call(name, identifier, false, self.inner.describe(kind, identifier), Fault::error).await
    }

    async fn create_instance(&self, instance: &NewInstance<'_>) -> Answer<()> {
        let call = self.inner.create_instance(instance);
        self.call("rds:CreateDBInstance", instance.identifier, true, call, Fault::error).await
    }

    async fn modify_cluster(&self, identifier: &str, settings: &RestoredSettings) -> Answer<()> {
        let call = self.inner.modify_cluster(identifier, settings);
        self.call("rds:ModifyDBCluster", identifier, true, call, Fault::error).await
    }

    async fn modify_instance(&self, identifier: &str, settings: &RestoredSettings) -> Answer<()> {
        let call = self.inner.modify_instance(identifier, settings);
        self.call("rds:ModifyDBInstance", identifier, true, call, Fault::error).await
    }

    async fn reboot_instance(&self, identifier: &str) -> Answer<()> {
        let call = self.inner.reboot_instance(identifier);
        self.call("rds:RebootDBInstance", identifier, true, call, Fault::error).await
    }

    async fn tag(&self, kind: RestoredKind, arn: &str, tags: &BTreeMap<String, String>) -> Answer<()> {
        let name = if kind == RestoredKind::Table { "dynamodb:TagResource" } else { "rds:AddTagsToResource" };
        self.call(name, arn, true, self.inner.tag(kind, arn, tags), Fault::error).await
    }

    async fn protect_table(&self, name: &str, on: bool) -> Answer<()> {
        self.call("dynamodb:UpdateTable", name, true, self.inner.protect_table(name, on), Fault::error).await
    }

    async fn keep_table_points(&self, name: &str, days: u32) -> Answer<()> {
        let call = self.inner.keep_table_points(name, days);
        self.call("dynamodb:UpdateContinuousBackups", name, true, call, Fault::error).await
    }
}
