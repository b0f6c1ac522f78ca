//! What is asked of the recovery Region before a failover, component by component.

use std::collections::BTreeSet;

use futures::future::{join, join_all};
use jiff::Timestamp;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::decide::readiness::{self, Readiness, hook, hook_function};
use pilot_core::observed::{GlobalClusterObserved, LagSample, ReplicaObserved};
use pilot_core::plan::{
    AuroraGlobalCluster, Compute, RdsReadReplica, RecoveryPlan, Route53Records, StopObject, Traffic,
};
use pilot_shell::CallError;

use crate::ports::Region;

/// A component and what was seen of it.
pub type Seen<T> = (String, Result<T, CallError>);

/// All compute and every switch of the plan: what does not depend on how the primary is.
pub async fn groups_and_traffic<R: Region>(plan: &RecoveryPlan, region: &R) -> Vec<Seen<Readiness>> {
    let compute = join_all(plan.compute.iter().map(async |component: &Compute| {
        let seen = match component {
            Compute::AutoScalingGroup(group) => {
                let seen = region.group(&group.group_name).await;
                seen.map(|seen| readiness::group(&group.group_name, seen.as_ref()))
            }
            Compute::EcsService(service) => {
                let seen = region.service(&service.cluster_name, &service.service_name).await;
                seen.map(|seen| readiness::service(service, seen.as_ref()))
            }
            Compute::LambdaConcurrency(function) => {
                let seen = region.function(&function.function_name, function.qualifier.as_deref()).await;
                seen.map(|seen| readiness::concurrency::function(function, seen.as_ref()))
            }
            Compute::AutomationHook(automation) => {
                let (name, version) = (&automation.document_name, automation.document_version.as_deref());
                region.document(name, version).await.map(|seen| hook::document(automation, seen.as_ref()))
            }
            Compute::LambdaHook(called) => {
                let seen = region.hook_function(&called.function_name, called.qualifier.as_deref()).await;
                seen.map(|seen| hook_function::function(called, seen.as_ref()))
            }
            Compute::CodeBuildHook(build) => {
                let exists = region.build_project(&build.project_name).await;
                exists.map(|exists| hook::project(&build.project_name, exists))
            }
        };
        (component.name().to_owned(), seen)
    }));
    let traffic = join_all(plan.traffic.iter().map(async |component: &Traffic| match component {
        Traffic::StopObject(stop) => (stop.name.clone(), stop_bucket(stop, region).await),
        Traffic::RoutingControl(component) => {
            let seen = region.routing_controls(component).await;
            (component.name.clone(), seen.map(|states| readiness::routing::controls(component, &states)))
        }
        Traffic::Route53Records(records) => (records.name.clone(), listed(records, region).await),
    }));
    let (mut seen, traffic) = join(compute, traffic).await;
    seen.extend(traffic);
    seen
}

/// Says beside each component that is ready and gets a share of the primary's capacity what that share is of.
pub fn say_shares(seen: &mut [Seen<Readiness>], plan: &RecoveryPlan, known: &LastKnown, now: Timestamp) {
    for component in &plan.compute {
        let Some(said) = known.said(component, now) else { continue };
        for (name, readiness) in seen.iter_mut() {
            if let (true, Ok(Readiness::Ready(detail))) = (name == component.name(), readiness) {
                *detail = format!("{detail}; serves with {said}");
            }
        }
    }
}

async fn stop_bucket<R: Region>(stop: &StopObject, region: &R) -> Result<Readiness, CallError> {
    Ok(if region.bucket_exists(&stop.bucket).await? {
        Readiness::Ready(format!("bucket {} is there", stop.bucket))
    } else {
        Readiness::Problem(format!("{}: there is no such bucket; correct bucket in the plan", stop.bucket))
    })
}

async fn listed<R: Region>(records: &Route53Records, region: &R) -> Result<Readiness, CallError> {
    let (zone, wanted) = (&records.hosted_zone_id, &records.records);
    let listed = region.records(zone, wanted).await?;
    let mut gone = BTreeSet::new();
    // One after the other: Route 53 takes 5 calls a second for the whole account.
    for id in readiness::new_health_checks(wanted, &listed) {
        if !region.health_check_exists(id).await? {
            gone.insert(id);
        }
    }
    Ok(readiness::records(zone, wanted, &listed, &gone))
}

/// A replica and its lag samples of this time.
pub async fn replica_with_lag<R: Region>(
    replica: &RdsReadReplica,
    region: &R,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Option<ReplicaObserved>, Vec<LagSample>), CallError> {
    let id = &replica.replica_identifier;
    let (observed, samples) = join(region.replica(id), region.lag_samples(id, from, to)).await;
    Ok((observed?, samples?))
}

/// A global database and the lag samples of its recovery cluster of this time.
pub async fn global_cluster_with_lag<R: Region>(
    component: &AuroraGlobalCluster,
    source_region: &str,
    region: &R,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Option<GlobalClusterObserved>, Vec<LagSample>), CallError> {
    let (global, recovery) = (&component.global_cluster_identifier, &component.recovery_cluster_identifier);
    let (observed, samples) =
        join(region.global_cluster(global, recovery), region.rpo_lag_samples(recovery, source_region, from, to)).await;
    Ok((observed?, samples?))
}
