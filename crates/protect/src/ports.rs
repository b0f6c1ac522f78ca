//! What this function needs of RDS, in both Regions.

use std::future::Future;

use pilot_core::observed::InstanceObserved;
use pilot_core::plan::InstanceSettings;
use pilot_shell::CallError;

/// A replica that is to be made. It keeps no backups before it is promoted: RDS takes a retention then, and not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReplica<'a> {
    /// Its identifier.
    pub identifier: &'a str,
    /// The ARN of its source, in another Region.
    pub source_arn: &'a str,
    /// What RDS does not carry over.
    pub settings: &'a InstanceSettings,
}

/// DB instances in one Region.
pub trait Instances {
    /// `rds:DescribeDBInstances`; `None`: no such instance.
    fn describe(&self, identifier: &str) -> impl Future<Output = Result<Option<InstanceObserved>, CallError>>;
    /// `rds:ModifyDBInstance` with `NewDBInstanceIdentifier`, at once. The instance restarts; its data stays.
    fn rename(&self, identifier: &str, to: &str) -> impl Future<Output = Result<(), CallError>>;
    /// `rds:CreateDBInstanceReadReplica`, called in the replica's Region.
    fn create_replica(&self, replica: &NewReplica<'_>) -> impl Future<Output = Result<(), CallError>>;
}

/// Instances by Region.
pub trait Regions {
    /// Those of one Region.
    type Region: Instances;

    /// The Region of this name.
    fn region(&self, name: &str) -> impl Future<Output = Self::Region>;
}
