//! Parameter groups, by the AWS SDK: only read.

use pilot_core::plan::RestoredKind;
use pilot_shell::CallError;

use crate::restore_adapter::{AwsRestores, some};

impl AwsRestores {
    /// `rds:DescribeDBClusterParameterGroups` for a cluster, `rds:DescribeDBParameterGroups` for an instance: the group's family; `None`: the
    /// Region has no such group. (Both say `DBParameterGroupNotFound` of a missing one: RDS API reference.)
    ///
    /// # Errors
    /// The call's.
    pub async fn parameter_group_family(&self, kind: RestoredKind, name: &str) -> Result<Option<String>, CallError> {
        if kind == RestoredKind::Cluster {
            return match self
                .rds
                .describe_db_cluster_parameter_groups()
                .db_cluster_parameter_group_name(name)
                .send()
                .await
            {
                Ok(answer) => {
                    let group = answer.db_cluster_parameter_groups().first();
                    Ok(group.and_then(|group| some(group.db_parameter_group_family())))
                }
                Err(error) if error.as_service_error().is_some_and(|e| e.is_db_parameter_group_not_found_fault()) => {
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            };
        }
        match self.rds.describe_db_parameter_groups().db_parameter_group_name(name).send().await {
            Ok(answer) => {
                let group = answer.db_parameter_groups().first();
                Ok(group.and_then(|group| some(group.db_parameter_group_family())))
            }
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_parameter_group_not_found_fault()) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
