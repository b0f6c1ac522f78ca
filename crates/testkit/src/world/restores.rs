//! AWS Backup and what it restores: a job is asked for once a token, takes a few looks, fails over names of another Region, and makes a
//! database with hardly a setting. A restored cluster has no instance.

use std::collections::BTreeMap;

use pilot_core::decide::backup::RecoveryPointSeen;
use pilot_core::observed::{RestoreJobObserved, RestoredObserved};
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::{Backups, NewInstance, NewRestore, RestoredDatabases};

use super::{FakeWorld, refused};
use crate::now;

/// A recovery point in a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakePoint {
    /// As AWS Backup lists it.
    pub seen: RecoveryPointSeen,
    /// What it is of.
    pub resource_arn: String,
    /// How that was set up.
    pub metadata: BTreeMap<String, String>,
}

/// A restore job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeJob {
    /// Its id.
    pub id: String,
    /// The token it was asked for with.
    pub token: String,
    /// The recovery point.
    pub point_arn: String,
    /// What it was asked for with.
    pub metadata: BTreeMap<String, String>,
    kind: RestoredKind,
    observed: RestoreJobObserved,
    /// What the next looks show before it ends, first first.
    under_way: Vec<&'static str>,
    /// Why it will fail.
    fails: Option<String>,
}

/// All that has to do with restores.
#[derive(Debug, Clone, Default)]
pub(super) struct Restores {
    /// By vault.
    points: BTreeMap<String, Vec<FakePoint>>,
    jobs: Vec<FakeJob>,
    /// By identifier, tables and RDS alike: with the statuses that the next looks show first.
    databases: BTreeMap<String, (RestoredObserved, Vec<&'static str>)>,
    /// Why the next job fails, if it is to.
    next_fails: Option<String>,
    /// Names of this Region are those that a restore cannot use.
    foreign_region: String,
    /// By name: the parameter groups there are besides the defaults, with their families.
    parameter_groups: BTreeMap<String, String>,
}

impl FakeWorld {
    /// Puts a recovery point into a vault.
    pub fn put_recovery_point(&self, vault: &str, point: FakePoint) {
        self.write().restores.points.entry(vault.into()).or_default().push(point);
    }

    /// Takes all recovery points out of a vault.
    pub fn empty_vault(&self, vault: &str) {
        self.write().restores.points.remove(vault);
    }

    /// The next restore job will fail.
    pub fn fail_next_restore(&self, message: &str) {
        self.write().restores.next_fails = Some(message.into());
    }

    /// A restore that is given names of this Region fails: the original's.
    pub fn set_foreign_region(&self, region: &str) {
        self.write().restores.foreign_region = region.into();
    }

    /// Puts a database there that no restore of the run made, or changes one.
    pub fn put_restored(&self, identifier: &str, observed: RestoredObserved) {
        self.write().restores.databases.insert(identifier.into(), (observed, Vec::new()));
    }

    /// Changes a database from outside.
    pub fn change_restored(&self, identifier: &str, change: impl FnOnce(&mut RestoredObserved)) {
        if let Some((observed, _)) = self.write().restores.databases.get_mut(identifier) {
            change(observed);
        }
    }

    /// Puts a parameter group of this family there, for instances and clusters alike.
    pub fn put_parameter_group(&self, name: &str, family: &str) {
        self.write().restores.parameter_groups.insert(name.into(), family.into());
    }

    /// A parameter group's family; every engine's default group is there and is named for its family.
    pub fn parameter_group_family(&self, name: &str) -> Option<String> {
        let of_default = name.strip_prefix("default").map(|family| family.trim_start_matches('.').to_owned());
        of_default.or_else(|| self.read().restores.parameter_groups.get(name).cloned())
    }

    /// Takes a database away.
    pub fn remove_restored(&self, identifier: &str) {
        self.write().restores.databases.remove(identifier);
    }

    /// The restore jobs there are, oldest first.
    pub fn peek_restore_jobs(&self) -> Vec<FakeJob> {
        self.read().restores.jobs.clone()
    }

    /// A database as it is, without looking at it.
    pub fn peek_restored(&self, identifier: &str) -> Option<RestoredObserved> {
        self.read().restores.databases.get(identifier).map(|(observed, _)| observed.clone())
    }
}

/// A database as a restore leaves it.
pub(super) fn restored(kind: RestoredKind, identifier: &str, metadata: &BTreeMap<String, String>) -> RestoredObserved {
    let given = |key: &str| metadata.get(key).cloned();
    let list = |key: &str| given(key).and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
    let (service, place, status, engine) = match kind {
        RestoredKind::Instance => ("rds", "db:", "available", Some("postgres")),
        RestoredKind::Cluster => ("rds", "cluster:", "available", Some("aurora-postgresql")),
        RestoredKind::Table => ("dynamodb", "table/", "ACTIVE", None),
    };
    let of_rds = kind != RestoredKind::Table;
    let or_default = |key: &str| of_rds.then(|| given(key).unwrap_or_else(|| "default".into()));
    let settings = RestoredSettings {
        subnet_group: or_default("DBSubnetGroupName"),
        cluster_parameter_group: or_default("DBClusterParameterGroupName").filter(|_| kind == RestoredKind::Cluster),
        parameter_group: or_default("DBParameterGroupName").filter(|_| kind == RestoredKind::Instance),
        security_group_ids: list("VpcSecurityGroupIds").unwrap_or_default(),
        backup_retention_days: of_rds.then_some(1),
        deletion_protection: Some(false),
        kms_key_id: given("KmsKeyId").or_else(|| given("kmsMasterKeyArn")),
        tags: BTreeMap::new(),
    };
    RestoredObserved {
        arn: format!("arn:aws:{service}:ap-southeast-1:111122223333:{place}{identifier}"),
        status: status.into(),
        engine: engine.map(str::to_owned),
        settings,
        pending_reboot: false,
        cluster: None,
    }
}

/// The identifier a job makes, as AWS reads it from the metadata.
fn target(kind: RestoredKind, metadata: &BTreeMap<String, String>) -> Option<String> {
    let key = match kind {
        RestoredKind::Instance => "DBInstanceIdentifier",
        RestoredKind::Cluster => "DBClusterIdentifier",
        RestoredKind::Table => "targetTableName",
    };
    metadata.get(key).cloned()
}

impl Restores {
    fn point(&self, arn: &str) -> Option<&FakePoint> {
        self.points.values().flatten().find(|point| point.seen.arn == arn)
    }

    /// Why a job that was accepted will fail, as AWS Backup finds out on the way.
    fn will_fail(&mut self, kind: RestoredKind, metadata: &BTreeMap<String, String>) -> Option<String> {
        let Some(target) = target(kind, metadata) else { return Some("The identifier is missing.".into()) };
        if self.databases.contains_key(&target) {
            return Some(format!("{target} already exists."));
        }
        let foreign = |value: &&String| !self.foreign_region.is_empty() && value.contains(&self.foreign_region);
        if let Some(value) = metadata.values().find(foreign) {
            return Some(format!("{value} is not of this Region."));
        }
        self.next_fails.take()
    }

    fn look(&mut self, job_id: &str) -> Option<RestoreJobObserved> {
        let job = self.jobs.iter_mut().find(|job| job.id == job_id)?;
        if job.observed.completed_at.is_some() {
            return Some(job.observed.clone());
        }
        if !job.under_way.is_empty() {
            job.observed.status = job.under_way.remove(0).into();
            return Some(job.observed.clone());
        }
        job.observed.completed_at = Some(now());
        if let Some(message) = job.fails.take() {
            job.observed.status = "FAILED".into();
            job.observed.message = Some(message);
            return Some(job.observed.clone());
        }
        job.observed.status = "COMPLETED".into();
        if let Some(identifier) = target(job.kind, &job.metadata) {
            let made = restored(job.kind, &identifier, &job.metadata);
            job.observed.created_arn = Some(made.arn.clone());
            self.databases.insert(identifier, (made, Vec::new()));
        }
        Some(job.observed.clone())
    }

    /// A database that can be changed now, and what its next looks show.
    fn free(&mut self, identifier: &str) -> Result<(&mut RestoredObserved, &mut Vec<&'static str>), CallError> {
        let Some((observed, under_way)) = self.databases.get_mut(identifier) else {
            return Err(refused("DBInstanceNotFoundFault", format!("{identifier} not found.")));
        };
        if !under_way.is_empty() {
            return Err(refused("InvalidDBInstanceStateFault", format!("{identifier} is {}.", observed.status)));
        }
        Ok((observed, under_way))
    }
}

/// What a modification sets. A parameter group of a running instance waits for a reboot.
fn set(observed: &mut RestoredObserved, settings: &RestoredSettings) {
    let now = &mut observed.settings;
    if settings.cluster_parameter_group.is_some() {
        now.cluster_parameter_group = settings.cluster_parameter_group.clone();
    }
    if settings.parameter_group.is_some() {
        now.parameter_group = settings.parameter_group.clone();
        observed.pending_reboot = true;
    }
    if !settings.security_group_ids.is_empty() {
        now.security_group_ids = settings.security_group_ids.clone();
    }
    now.backup_retention_days = settings.backup_retention_days.or(now.backup_retention_days);
    now.deletion_protection = settings.deletion_protection.or(now.deletion_protection);
}

impl Backups for FakeWorld {
    async fn recovery_points(&self, vault_name: &str, resource_arn: &str) -> Result<Vec<RecoveryPointSeen>, CallError> {
        let state = self.read();
        let Some(points) = state.restores.points.get(vault_name) else {
            return Err(refused("ResourceNotFoundException", format!("Backup vault {vault_name} not found.")));
        };
        Ok(points.iter().filter(|p| p.resource_arn == resource_arn).map(|p| p.seen.clone()).collect())
    }

    async fn restore_metadata(
        &self,
        _vault_name: &str,
        recovery_point_arn: &str,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let state = self.read();
        let point = state.restores.point(recovery_point_arn).map(|point| point.metadata.clone());
        point.ok_or_else(|| refused("ResourceNotFoundException", "Recovery point not found."))
    }

    async fn start_restore(&self, restore: &NewRestore<'_>) -> Result<String, CallError> {
        let restores = &mut self.write().restores;
        if let Some(job) = restores.jobs.iter().find(|job| job.token == restore.idempotency_token) {
            return Ok(job.id.clone());
        }
        match restores.point(restore.recovery_point_arn).map(|point| point.seen.status.as_str()) {
            Some("COMPLETED") => {}
            Some(status) => {
                return Err(refused("InvalidRequestException", format!("The recovery point is {status}.")));
            }
            None => return Err(refused("ResourceNotFoundException", "Recovery point not found.")),
        }
        let kind = match restore.resource_type {
            "RDS" => RestoredKind::Instance,
            "Aurora" => RestoredKind::Cluster,
            "DynamoDB" => RestoredKind::Table,
            other => return Err(refused("InvalidParameterValueException", format!("{other} cannot be restored."))),
        };
        let id = format!("job-{}", restores.jobs.len() + 1);
        let fails = restores.will_fail(kind, &restore.metadata);
        restores.jobs.push(FakeJob {
            id: id.clone(),
            token: restore.idempotency_token.into(),
            point_arn: restore.recovery_point_arn.into(),
            metadata: restore.metadata.clone(),
            kind,
            observed: RestoreJobObserved {
                status: "PENDING".into(),
                message: None,
                percent_done: None,
                created_arn: None,
                completed_at: None,
            },
            under_way: vec!["PENDING", "RUNNING"],
            fails,
        });
        Ok(id)
    }

    async fn restore_job(&self, job_id: &str) -> Result<Option<RestoreJobObserved>, CallError> {
        Ok(self.write().restores.look(job_id))
    }
}

impl RestoredDatabases for FakeWorld {
    async fn describe(&self, kind: RestoredKind, identifier: &str) -> Result<Option<RestoredObserved>, CallError> {
        let mut state = self.write();
        if let Some(settings) = state.settings_of_a_replicated(kind, identifier) {
            state.restores.databases.entry(identifier.into()).or_insert((settings, Vec::new()));
        }
        let Some((observed, under_way)) = state.restores.databases.get_mut(identifier) else { return Ok(None) };
        let mut seen = observed.clone();
        if !under_way.is_empty() {
            seen.status = under_way.remove(0).into();
        }
        Ok(Some(seen))
    }

    async fn create_instance(&self, instance: &NewInstance<'_>) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        if restores.databases.contains_key(instance.identifier) {
            return Err(refused("DBInstanceAlreadyExists", format!("{} already exists.", instance.identifier)));
        }
        let Some((cluster, _)) = restores.databases.get(instance.cluster) else {
            return Err(refused("DBClusterNotFoundFault", format!("{} not found.", instance.cluster)));
        };
        if cluster.engine.as_deref() != Some(instance.engine) {
            return Err(refused("InvalidParameterCombination", "The engine is not the cluster's."));
        }
        let mut made = restored(RestoredKind::Instance, instance.identifier, &BTreeMap::new());
        made.engine = cluster.engine.clone();
        made.cluster = Some(instance.cluster.into());
        made.settings.parameter_group = instance.settings.parameter_group.clone().or(made.settings.parameter_group);
        made.settings.tags = instance.settings.tags.clone();
        restores.databases.insert(instance.identifier.into(), (made, vec!["creating", "configuring-log-exports"]));
        Ok(())
    }

    async fn modify_cluster(&self, identifier: &str, settings: &RestoredSettings) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        let (observed, under_way) = restores.free(identifier)?;
        set(observed, settings);
        under_way.push("modifying");
        Ok(())
    }

    async fn modify_instance(&self, identifier: &str, settings: &RestoredSettings) -> Result<(), CallError> {
        self.modify_cluster(identifier, settings).await
    }

    async fn reboot_instance(&self, identifier: &str) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        let (observed, under_way) = restores.free(identifier)?;
        observed.pending_reboot = false;
        under_way.push("rebooting");
        Ok(())
    }

    async fn tag(&self, _kind: RestoredKind, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        let Some((observed, _)) = restores.databases.values_mut().find(|(observed, _)| observed.arn == arn) else {
            return Err(refused("DBInstanceNotFound", format!("{arn} not found.")));
        };
        observed.settings.tags.extend(tags.clone());
        Ok(())
    }

    async fn protect_table(&self, name: &str, on: bool) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        restores.free(name)?.0.settings.deletion_protection = Some(on);
        Ok(())
    }

    async fn keep_table_points(&self, name: &str, days: u32) -> Result<(), CallError> {
        let restores = &mut self.write().restores;
        restores.free(name)?.0.settings.backup_retention_days = Some(days);
        Ok(())
    }
}
