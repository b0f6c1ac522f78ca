//! Readiness of an ElastiCache global datastore.

use super::Readiness;
use crate::decide::cache_global::{Unfit, fit, gone, is_settled_primary, no_member, unknown};
use crate::observed::DatastoreObserved;
use crate::plan::{ElastiCacheGlobal, Regions};

/// Whether the global datastore can be failed over to the recovery group, or has been. One that never held the primary group is another one,
/// and would bring up other data.
pub fn datastore(component: &ElastiCacheGlobal, regions: &Regions, observed: Option<&DatastoreObserved>) -> Readiness {
    let (id, recovery) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    let problem = |Unfit { what, next }: Unfit| Readiness::Problem(format!("{id}: {what}; {next}"));
    let Some(datastore) = observed else {
        let next = "make it, add a secondary there, or correct globalReplicationGroupId".into();
        return problem(Unfit { what: unknown(&regions.recovery), next });
    };
    if let Some(unfit) = no_member(component, &regions.recovery, datastore) {
        return problem(unfit);
    }
    if is_settled_primary(datastore, recovery, &regions.recovery) {
        return Readiness::Ready(format!("{recovery} is its primary already"));
    }
    if let Some(unfit) = other_primary(component, regions, datastore) {
        return problem(unfit);
    }
    match datastore.status.as_str() {
        "available" => {}
        "primary-only" | "deleting" | "deleted" => return problem(gone(datastore)),
        status => return Readiness::Wait(format!("{id} is `{status}`, it can be failed over once it is `available`")),
    }
    match fit(datastore.group.as_ref()) {
        Err(Unfit { what, next }) => Readiness::Problem(format!("{id}: {recovery}: {what}; {next}")),
        Ok(group) if group.status == "available" => Readiness::Ready(format!(
            "{recovery} is available, a secondary of {}",
            component.primary_replication_group_id
        )),
        Ok(group) => Readiness::Wait(format!("{recovery} is `{}`, it can take over once `available`", group.status)),
    }
}

/// The plan's primary group must be the one that the others follow. While the datastore is on the move the roles may be anybody's.
fn other_primary(component: &ElastiCacheGlobal, regions: &Regions, datastore: &DatastoreObserved) -> Option<Unfit> {
    let primary = &component.primary_replication_group_id;
    if datastore.member(primary, &regions.primary).is_none() {
        return Some(Unfit {
            what: format!(
                "does not hold {primary} of {}, its members are {}",
                regions.primary,
                datastore.members_said()
            ),
            next: "correct the plan: failing it over would bring up other data".into(),
        });
    }
    let other = datastore.primary().filter(|member| !member.is(primary, &regions.primary))?;
    (datastore.status == "available").then(|| Unfit {
        what: format!("its primary is {} in {}, not {primary}", other.replication_group_id, other.region),
        next: "correct the plan, or fail it over to its primary Region".into(),
    })
}

/// The same, asked while the primary is well: a recovery group that is primary already leaves nothing to fail over to.
pub fn standing_by(
    component: &ElastiCacheGlobal,
    regions: &Regions,
    observed: Option<&DatastoreObserved>,
) -> Readiness {
    let (id, recovery) = (&component.global_replication_group_id, &component.recovery_replication_group_id);
    if observed.is_some_and(|datastore| is_settled_primary(datastore, recovery, &regions.recovery)) {
        return Readiness::Problem(format!(
            "{id}: {recovery} is its primary already: there is nothing to fail over to; fail it over to {} of {}",
            component.primary_replication_group_id, regions.primary
        ));
    }
    datastore(component, regions, observed)
}

#[cfg(test)]
mod tests;
