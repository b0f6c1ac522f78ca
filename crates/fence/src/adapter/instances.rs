//! DB instances in a primary Region.

use aws_sdk_rds::types::DbInstance;
use pilot_core::observed::DoorObserved;
use pilot_shell::CallError;
use pilot_shell::ports::InstanceDoors;

use super::AwsPrimary;

impl InstanceDoors for AwsPrimary {
    async fn door(&self, identifier: &str) -> Result<Option<DoorObserved>, CallError> {
        match self.rds.describe_db_instances().db_instance_identifier(identifier).send().await {
            Ok(answer) => Ok(answer.db_instances().first().map(observed)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_db_instance_not_found_fault()) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn set_door(&self, identifier: &str, security_group_ids: &[String]) -> Result<(), CallError> {
        let call = self.rds.modify_db_instance().db_instance_identifier(identifier);
        // Not in the maintenance window: now.
        let call = call.set_vpc_security_group_ids(Some(security_group_ids.to_vec())).apply_immediately(true);
        call.send().await?;
        Ok(())
    }
}

/// A group that is on its way out is none of the door's any more, but as long as it is there it may still admit clients.
fn observed(instance: &DbInstance) -> DoorObserved {
    let memberships = || instance.vpc_security_groups().iter();
    let staying = memberships().filter(|group| group.status() != Some("removing"));
    DoorObserved {
        security_group_ids: staying.filter_map(|group| group.vpc_security_group_id()).map(str::to_owned).collect(),
        in_force: memberships().all(|group| group.status() == Some("active")),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::VpcSecurityGroupMembership;

    use super::*;

    #[test]
    fn a_group_that_is_being_removed_keeps_the_door_from_being_in_force() {
        type Memberships<'a> = &'a [(&'a str, &'a str)];
        let rows: [(Memberships, &[&str], bool); 4] = [
            (&[("sg-open", "active")], &["sg-open"], true),
            (&[("sg-closed", "adding"), ("sg-open", "removing")], &["sg-closed"], false),
            (&[("sg-closed", "active"), ("sg-open", "removing")], &["sg-closed"], false),
            (&[("sg-closed", "active"), ("sg-open", "active")], &["sg-closed", "sg-open"], true),
        ];
        for (memberships, ids, in_force) in rows {
            let membership = |(id, status): &(&str, &str)| {
                VpcSecurityGroupMembership::builder().vpc_security_group_id(*id).status(*status).build()
            };
            let memberships = memberships.iter().map(membership).collect();
            let door = observed(&DbInstance::builder().set_vpc_security_groups(Some(memberships)).build());
            assert_eq!(
                (door.security_group_ids.iter().map(String::as_str).collect(), door.in_force),
                (ids.to_vec(), in_force)
            );
        }
    }
}
