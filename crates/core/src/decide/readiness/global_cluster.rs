//! Readiness of an Aurora global database.

use super::Readiness;
use crate::decide::global_cluster::{Target, Unfit, fit, no_member};
use crate::observed::{GlobalClusterObserved, LagSample};
use crate::plan::{AuroraGlobalCluster, Regions};

/// Whether the global database can be failed over to the recovery cluster, or has been. How far behind that one is, is not looked at
/// here. In a disaster the primary cluster may be gone from the list; a global database that never held it is another one.
pub fn cluster(
    component: &AuroraGlobalCluster,
    regions: &Regions,
    observed: Option<&GlobalClusterObserved>,
) -> Readiness {
    let id = &component.global_cluster_identifier;
    let problem = |what: String| Readiness::Problem(format!("{id}: {what}"));
    let Some(global) = observed else {
        return problem("RDS knows no such global cluster; make it, or correct globalClusterIdentifier".into());
    };
    if let Some(state) = &global.failover_state {
        return Readiness::Wait(format!("on the move, `{}`", state.status));
    }
    let (recovery, target) = (&component.recovery_cluster_identifier, target(component, regions));
    let Some(member) = global.member(recovery, &regions.recovery) else {
        let what = no_member(&target, global);
        return problem(format!("{what}; correct recoveryClusterIdentifier or regions.recovery, or add the cluster"));
    };
    if member.is_writer {
        return Readiness::Ready(format!("{recovery} is its writer already"));
    }
    let primary = &component.primary_cluster_identifier;
    let Some(expected) = global.member(primary, &regions.primary) else {
        return problem(format!(
            "does not hold {primary} of {}, its members are {}; correct the plan: failing it over would bring up other data",
            regions.primary,
            global.members_said()
        ));
    };
    if let Some(writer) = global.members.iter().find(|member| member.is_writer && member.arn != expected.arn) {
        let (writer, region) = (writer.identifier(), writer.region());
        return problem(format!(
            "its writer is {writer} in {region}, not {primary}; correct the plan, or switch it over"
        ));
    }
    match fit(global) {
        Err(Unfit { what, next }) => problem(format!("{recovery}: {what}; {next}")),
        Ok(cluster) if cluster.status == "available" => Readiness::Ready(format!(
            "{recovery} is available with {} instances, a secondary of {primary}",
            cluster.instances.len()
        )),
        Ok(cluster) => {
            Readiness::Wait(format!("{recovery} is `{}`, it can take over once `available`", cluster.status))
        }
    }
}

/// Whether the secondary receives now, and how far behind it is: asked while the primary is well. `Err` is what to mend.
///
/// # Errors
/// The problem in a sentence.
pub fn replication_now(
    component: &AuroraGlobalCluster,
    regions: &Regions,
    global: &GlobalClusterObserved,
    samples: &[LagSample],
    rpo_seconds: u32,
) -> Result<String, String> {
    let id = &component.recovery_cluster_identifier;
    let member = global.member(id, &regions.recovery);
    match member.and_then(|member| member.synchronization.as_deref()) {
        Some("connected") => {}
        Some(word) => return Err(format!("{id}: its synchronization is `{word}`; see the cluster's events")),
        None => return Err(format!("{id}: RDS reports no synchronization status")),
    }
    match samples.iter().max_by_key(|sample| sample.at) {
        None => Err(format!(
            "{id}: no AuroraGlobalDBRPOLag sample of the last minutes, the loss of a failover now is unknown"
        )),
        Some(sample) if sample.lag_seconds < 0.0 || !sample.lag_seconds.is_finite() => {
            Err(format!("{id}: AuroraGlobalDBRPOLag is {} seconds, which is no lag", sample.lag_seconds))
        }
        Some(sample) if sample.lag_seconds > f64::from(rpo_seconds) => Err(format!(
            "{id}: lags {:.1} seconds, the objective is {rpo_seconds}; see what holds replication back",
            sample.lag_seconds
        )),
        Some(sample) => Ok(format!("connected with {:.1} seconds lag", sample.lag_seconds)),
    }
}

/// What the component wants; whether planned is no matter of readiness.
fn target<'a>(component: &'a AuroraGlobalCluster, regions: &'a Regions) -> Target<'a> {
    Target {
        global_cluster: &component.global_cluster_identifier,
        recovery_cluster: &component.recovery_cluster_identifier,
        recovery_region: &regions.recovery,
        planned: false,
    }
}

#[cfg(test)]
mod tests;
