//! The metadata of a restore: that of the recovery point, without what belongs to the original's Region, and with what the plan says.
//!
//! AWS behaviour relied on (AWS Backup developer guide, "Restore an Amazon Aurora cluster", "... an RDS database", "... a DynamoDB table",
//! "Restore testing inferred metadata"): keys are not case sensitive; every value is a text, a list is one in JSON; what is not given gets
//! the service's default. The metadata of a copied recovery point still names subnets, groups, zones and keys of the original's Region,
//! with which the job fails.

use std::collections::BTreeMap;

use pilot_core::plan::{RestoreFromBackup, RestoredKind};
use serde_json::json;

/// Keys that name something of the original's Region, or the original itself, in lower case.
const OF_THE_ORIGINAL: [&str; 13] = [
    "availabilityzone",
    "availabilityzones",
    "dbclusteridentifier",
    "dbclusterparametergroupname",
    "dbinstanceidentifier",
    "dbparametergroupname",
    "dbsubnetgroupname",
    "encryptiontype",
    "kmskeyid",
    "kmsmasterkeyarn",
    "originaltablename",
    "targettablename",
    "vpcsecuritygroupids",
];
/// Option groups belong to a Region and a VPC, and are no setting of a plan: the engine's default is taken.
const OPTION_GROUP: &str = "optiongroupname";

/// The metadata to restore this component with.
pub(super) fn of(component: &RestoreFromBackup, given: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let kept = |key: &str| {
        let key = key.to_ascii_lowercase();
        key != OPTION_GROUP && !OF_THE_ORIGINAL.contains(&key.as_str())
    };
    let mut metadata: BTreeMap<String, String> = given.into_iter().filter(|(key, _)| kept(key)).collect();
    metadata.extend(stated(component).into_iter().map(|(key, value)| (key.to_owned(), value)));
    metadata
}

fn stated(component: &RestoreFromBackup) -> Vec<(&'static str, String)> {
    let (id, settings) = (component.restored_identifier.clone(), &component.settings);
    let doors = &settings.security_group_ids;
    let doors = (!doors.is_empty()).then(|| json!(doors).to_string());
    let (named, optional) = match component.restored_kind() {
        RestoredKind::Cluster => (
            vec![("DBClusterIdentifier", id)],
            vec![
                ("DBSubnetGroupName", settings.subnet_group.clone()),
                ("DBClusterParameterGroupName", settings.cluster_parameter_group.clone()),
                ("VpcSecurityGroupIds", doors),
                ("KmsKeyId", settings.kms_key_id.clone()),
            ],
        ),
        RestoredKind::Instance => (
            vec![("DBInstanceIdentifier", id)],
            vec![
                ("DBSubnetGroupName", settings.subnet_group.clone()),
                ("DBParameterGroupName", settings.parameter_group.clone()),
                ("VpcSecurityGroupIds", doors),
            ],
        ),
        RestoredKind::Table => {
            let encryption = if settings.kms_key_id.is_some() { "KMS" } else { "Default" };
            (
                vec![("targetTableName", id), ("encryptionType", encryption.to_owned())],
                vec![("kmsMasterKeyArn", settings.kms_key_id.clone())],
            )
        }
    };
    named.into_iter().chain(optional.into_iter().filter_map(|(key, value)| Some((key, value?)))).collect()
}

#[cfg(test)]
mod tests;
