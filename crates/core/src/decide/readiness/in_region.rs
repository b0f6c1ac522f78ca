//! Readiness of a database that is recovered within one Region.

use super::Readiness;
use crate::decide::in_region::{Unfit, fit};
use crate::observed::InRegionCluster;
use crate::plan::AuroraCluster;

/// Whether the writer can move to the named instance, or has. Where the instances stand is not looked at here.
pub fn cluster(component: &AuroraCluster, observed: Option<&InRegionCluster>) -> Readiness {
    let id = &component.cluster_identifier;
    let (from, to) = (&component.primary_instance_identifier, &component.recovery_instance_identifier);
    let cluster = match fit(component, observed) {
        Ok(cluster) => cluster,
        Err(Unfit { what, next }) => return Readiness::Problem(format!("{id}: {what}; {next}")),
    };
    if cluster.is_writer(to) {
        return Readiness::Ready(format!("{to} is its writer already"));
    }
    if cluster.member(from).is_none() {
        return Readiness::Problem(format!(
            "{id}: {from} is no instance of it, its instances are {}; correct primaryInstanceIdentifier",
            cluster.members_said()
        ));
    }
    if cluster.status != "available" {
        return Readiness::Wait(format!(
            "the cluster is `{}`, its writer can move once it is `available`",
            cluster.status
        ));
    }
    let Some(writer) = cluster.writer() else {
        return Readiness::Problem(format!(
            "{id}: has no writer, as a secondary of a global database has none; correct clusterIdentifier, or use auroraGlobalCluster"
        ));
    };
    match cluster.instance(to) {
        Some(instance) if instance.status == "available" => {
            Readiness::Ready(format!("{to} is available, a reader beside the writer {writer}"))
        }
        Some(instance) => Readiness::Wait(format!("{to} is `{}`, it can take over once `available`", instance.status)),
        // `fit` wants it there.
        None => Readiness::Problem(format!("{id}: RDS knows no DB instance {to}")),
    }
}

/// Whether the two instances would not die together: asked while all is well. `Err` is what to mend.
///
/// # Errors
/// The problem in a sentence.
pub fn spread(component: &AuroraCluster, cluster: &InRegionCluster) -> Result<String, String> {
    let (id, from, to) = (
        &component.cluster_identifier,
        &component.primary_instance_identifier,
        &component.recovery_instance_identifier,
    );
    if cluster.is_writer(to) {
        return Err(format!(
            "{id}: {to} is its writer already: there is nothing to fail over to; move it back to {from}"
        ));
    }
    let zone = |identifier: &str| cluster.instance(identifier).and_then(|instance| instance.availability_zone.clone());
    match (zone(from), zone(to)) {
        (Some(one), Some(other)) if one == other => Err(format!(
            "{id}: {from} and {to} both stand in {one} and would die together; make the reader in another Availability Zone"
        )),
        (Some(one), Some(other)) => Ok(format!("{from} stands in {one}, {to} in {other}")),
        (None, _) => Err(format!("{id}: RDS does not tell where {from} stands; correct primaryInstanceIdentifier")),
        (_, None) => Err(format!("{id}: RDS does not tell where {to} stands; correct recoveryInstanceIdentifier")),
    }
}

#[cfg(test)]
mod tests;
