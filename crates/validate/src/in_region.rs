//! Databases that are recovered within one Region: readiness before, proof after.

use pilot_core::contract::{Assessment, Mode};
use pilot_core::decide::data_loss::one_volume;
use pilot_core::decide::gate::LossOf;
use pilot_core::decide::readiness::{Readiness, in_region};
use pilot_core::observed::InRegionCluster;
use pilot_core::plan::AuroraCluster;
use pilot_shell::CallError;
use pilot_shell::ports::InRegionReads;

use crate::proof::unseen;

async fn seen<R: InRegionReads>(component: &AuroraCluster, region: &R) -> Result<Option<InRegionCluster>, CallError> {
    let instances = [component.primary_instance_identifier.as_str(), component.recovery_instance_identifier.as_str()];
    region.in_region_cluster(&component.cluster_identifier, &instances).await
}

/// Whether the writer can move, and what that would lose; `None`: it has moved already.
pub(crate) async fn cluster_standing<R: InRegionReads>(
    component: &AuroraCluster,
    region: &R,
    assessment: &Assessment,
) -> Result<(Readiness, Option<LossOf>), CallError> {
    let observed = seen(component, region).await?;
    let readiness = in_region::cluster(component, observed.as_ref());
    let moved = observed.is_some_and(|cluster| cluster.is_writer(&component.recovery_instance_identifier));
    let loss = LossOf {
        component: component.name.clone(),
        resource: component.cluster_identifier.clone(),
        loss: Some(one_volume(assessment.incident_at)),
    };
    Ok((readiness, (!moved).then_some(loss)))
}

/// What a run of this mode has no use for. Instances of one cluster never part: a planned run finds a writer that is there already, and is done.
pub(crate) fn parted(moved: bool, mode: Option<Mode>) -> Option<&'static str> {
    match (mode, moved) {
        (Some(Mode::Protect), false) => Some("its writer did not move: there is nothing to protect"),
        _ => None,
    }
}

/// Whether a failover could begin now, and would be worth something: asked while all is well.
pub(crate) async fn cluster_readiness<R: InRegionReads>(
    component: &AuroraCluster,
    region: &R,
) -> Result<Readiness, CallError> {
    let observed = seen(component, region).await?;
    let readiness = in_region::cluster(component, observed.as_ref());
    let (Readiness::Ready(detail), Some(cluster)) = (&readiness, &observed) else { return Ok(readiness) };
    Ok(match in_region::spread(component, cluster) {
        Ok(zones) => Readiness::Ready(format!("{detail}; {zones}")),
        Err(problem) => Readiness::Problem(problem),
    })
}

/// What proves that the writer moved.
pub(crate) async fn cluster_moved<R: InRegionReads>(component: &AuroraCluster, region: &R) -> Result<String, String> {
    let (id, to) = (&component.cluster_identifier, &component.recovery_instance_identifier);
    let cluster = seen(component, region).await.map_err(unseen)?;
    let cluster = cluster.ok_or_else(|| format!("no DB cluster {id}"))?;
    if !cluster.is_writer(to) {
        return Err(format!("{to} is not the writer of {id}, that is {}", cluster.writer().unwrap_or("nobody")));
    }
    match (cluster.status.as_str(), cluster.instance(to).map(|instance| instance.status.as_str())) {
        ("available", Some("available")) => Ok(format!("{to} is the writer of {id}, and both are available")),
        (status, instance) => Err(format!(
            "{to} is the writer of {id}, but `{}`, and the cluster `{status}`",
            instance.unwrap_or("not there")
        )),
    }
}
