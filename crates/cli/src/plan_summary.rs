//! A plan in a few lines: what a run would do, in its order.

use std::collections::{BTreeMap, BTreeSet};

use pilot_core::plan::{
    Compute, Database, FenceItem, FencePolicy, Gate, RecoveryPlan, ServingCapacity, Signal, Traffic,
};

use crate::columns::table;

/// The summary, with the hash that a run pins the plan by.
pub fn text(plan: &RecoveryPlan, sha256: &str) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("plan", titled(&plan.metadata.name, &plan.metadata.description)),
        row("sha256", sha256.to_owned()),
        row("regions", format!("{} -> {}", plan.regions.primary, plan.regions.recovery)),
        row("objectives", format!("RTO {} s, RPO {} s", plan.objectives.rto_seconds, plan.objectives.rpo_seconds)),
        row("acts when", acts_when(plan)),
        row("fences", fences(plan)),
        row("promotes if", promotes_if(plan)),
    ];
    let databases = plan.databases.iter().map(|c| (c.wave(), database(c)));
    rows.extend(waves("data", databases));
    rows.extend(waves("compute", plan.compute.iter().map(|c| (c.wave(), compute(c)))));
    let endpoints: Vec<&str> = plan.validation.endpoints.iter().map(|e| e.name.as_str()).collect();
    rows.push(row("proof", endpoints.join(", ")));
    rows.extend(waves("traffic", plan.traffic.iter().map(|c| (c.wave(), traffic(c)))));
    table("  ", &rows)
}

fn titled(name: &str, description: &str) -> String {
    if description.is_empty() { name.to_owned() } else { format!("{name} ({description})") }
}

fn acts_when(plan: &RecoveryPlan) -> String {
    let fates: BTreeSet<&str> = plan.signals.iter().map(Signal::fate).collect();
    let names: Vec<&str> = fates.iter().copied().collect();
    let (quorum, hold) = (plan.policy.quorum, plan.policy.hold_seconds);
    format!("{quorum} of {} fates ({}) fail for {hold} s", fates.len(), names.join(", "))
}

fn fences(plan: &RecoveryPlan) -> String {
    let item = |item: &FenceItem| match item {
        FenceItem::AutoScalingGroup(item) => format!("{}: Auto Scaling group {} to 0", item.name, item.group_name),
        FenceItem::EcsService(item) => format!("{}: ECS service {} to 0", item.name, item.resource()),
        FenceItem::LoadBalancer(item) => format!("{}: the load balancer's door closed", item.name),
        FenceItem::RdsInstance(item) => format!("{}: DB instance {}'s door closed", item.name, item.identifier),
    };
    let items: Vec<String> = plan.fence.items.iter().map(item).collect();
    let policy = match plan.fence.policy {
        FencePolicy::BestEffort => "as far as the primary can be reached",
        FencePolicy::Required => "or nothing is promoted",
    };
    if items.is_empty() { "nothing of the primary".to_owned() } else { format!("{} ({policy})", items.join("; ")) }
}

fn promotes_if(plan: &RecoveryPlan) -> String {
    let policy = &plan.policy;
    let (bound, names) = (policy.max_data_loss_seconds, policy.approvers.join(", "));
    let who = if names.is_empty() { "somebody".to_owned() } else { format!("one of {names}") };
    match (policy.gate, names.is_empty()) {
        (Gate::Approval, _) => format!("{who} approves, and accepts any loss above {bound} s in numbers"),
        (Gate::Automatic, true) => format!("at most {bound} s of data would be lost"),
        (Gate::Automatic, false) => format!("at most {bound} s of data would be lost, or {who} accepts more"),
    }
}

/// One row a wave, lowest first; everything in a row goes at once.
fn waves(part: &str, components: impl Iterator<Item = (u32, String)>) -> Vec<Vec<String>> {
    let mut by_wave: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (wave, component) in components {
        by_wave.entry(wave).or_default().push(component);
    }
    let row = |(wave, components): (u32, Vec<String>)| vec![format!("{part} wave {wave}"), components.join("; ")];
    by_wave.into_iter().map(row).collect()
}

fn database(component: &Database) -> String {
    match component {
        Database::RdsReadReplica(c) => {
            format!("{}: promote the RDS read replica {} (cannot be undone)", c.name, c.replica_identifier)
        }
        Database::AuroraGlobalCluster(c) => {
            let (global, recovery) = (&c.global_cluster_identifier, &c.recovery_cluster_identifier);
            format!("{}: fail the Aurora global cluster {global} over to {recovery} (cannot be undone)", c.name)
        }
        Database::AuroraCluster(c) => {
            let (cluster, to) = (&c.cluster_identifier, &c.recovery_instance_identifier);
            format!("{}: fail the Aurora cluster {cluster} over to {to}, in the same Region (cannot be undone)", c.name)
        }
        Database::RestoreToPointInTime(c) => format!(
            "{}: restore {} to {} as {} (cannot be undone)",
            c.name,
            c.resource_arn,
            c.restore_to.as_deref().unwrap_or("the latest restorable time"),
            c.restored_identifier
        ),
        Database::RestoreFromBackup(c) => format!(
            "{}: restore {} from vault {} as {} (cannot be undone)",
            c.name, c.resource_arn, c.vault_name, c.restored_identifier
        ),
        Database::ElastiCacheGlobal(c) => {
            let (global, recovery) = (&c.global_replication_group_id, &c.recovery_replication_group_id);
            format!(
                "{}: fail the ElastiCache global datastore {global} over to {recovery}; a rollback fails it back",
                c.name
            )
        }
        Database::ElastiCache(c) => {
            let (engine, node_type) = (c.engine.as_str(), &c.node_type);
            let id = &c.replication_group_id;
            format!(
                "{}: create the ElastiCache group {id} ({engine}, {node_type}), empty; a rollback deletes it again",
                c.name
            )
        }
    }
}

fn compute(component: &Compute) -> String {
    let to = |ServingCapacity { min, max, desired, percent_of_primary }| match percent_of_primary {
        Some(percent) => format!("to {percent} % of the primary's, at least {desired} (min {min}, max {max})"),
        None => format!("to {desired} (min {min}, max {max})"),
    };
    let what = match component {
        Compute::AutoScalingGroup(c) => format!("Auto Scaling group {} {}", c.group_name, to(c.capacity)),
        Compute::EcsService(c) => format!("ECS service {} {}", c.resource(), to(c.capacity)),
        Compute::LambdaConcurrency(c) => {
            let share = c.capacity.percent_of_primary.zip(c.capacity.max);
            let share = share.map(|(percent, max)| format!(", or {percent} % of the primary's, at most {max}"));
            format!("Lambda function {} to {}{}", c.resource(), c.capacity, share.unwrap_or_default())
        }
        Compute::AutomationHook(c) => format!("start the SSM automation {}", c.document_name),
        Compute::LambdaHook(c) => format!("call the Lambda function {} until it is done", c.resource()),
        Compute::CodeBuildHook(c) => format!("start a build of the CodeBuild project {}", c.project_name),
    };
    format!("{}: {what}", component.name())
}

fn traffic(component: &Traffic) -> String {
    match component {
        Traffic::StopObject(c) => format!("{}: put s3://{}/{}", c.name, c.bucket, c.key),
        Traffic::RoutingControl(c) => {
            let states = pilot_core::decide::routing::told(&pilot_core::decide::routing::wanted(c));
            format!("{}: set the routing controls of {} to {states}", c.name, c.resource())
        }
        Traffic::Route53Records(c) => {
            let names: Vec<String> = c.records.iter().map(pilot_core::decide::records::told).collect();
            format!("{}: write {} in zone {}", c.name, names.join(", "), c.hosted_zone_id)
        }
    }
}
