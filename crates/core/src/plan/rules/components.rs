//! Components: is there something to do, is it possible, and is each resource only one component's?

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{PlanProblem, RecoveryPlan, concurrency, in_region, names};
use crate::decide::records::{BATCH_CHARACTERS_MAX, upsert_characters};
use crate::plan::{Capacity, Compute, Database, DnsRecord, RecordType, Traffic};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.databases.is_empty() && plan.compute.is_empty() {
        problems.push(PlanProblem::new("/databases", "and /compute are both empty: there is nothing to recover"));
    }
    // Within one Region an endpoint stays what it was.
    if plan.traffic.is_empty() && !in_region::is_one_region(plan) {
        problems.push(PlanProblem::new("/traffic", "is empty: clients would never be led to the recovery Region"));
    }
    capacities(plan, problems);
    for (i, traffic) in plan.traffic.iter().enumerate() {
        if let Traffic::Route53Records(component) = traffic {
            let path = format!("/traffic/{i}/records");
            if component.records.is_empty() {
                problems.push(PlanProblem::new(path.as_str(), "is empty"));
            }
            for (j, record) in component.records.iter().enumerate() {
                record_values(record, &format!("{path}/{j}"), problems);
            }
        }
    }
    resources(plan, problems);
}

fn capacities(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, compute) in plan.compute.iter().enumerate() {
        if let Compute::LambdaConcurrency(component) = compute {
            concurrency::check(component, &format!("/compute/{i}"), problems);
        }
        let resting = compute.resting_capacity().map(Capacity::from);
        for (field, c) in [("capacity", compute.capacity()), ("restingCapacity", resting)] {
            let Some(c) = c.filter(|c| c.min > c.desired || c.desired > c.max) else { continue };
            problems.push(PlanProblem::new(
                format!("/compute/{i}/{field}"),
                format!("must keep min <= desired <= max, is {} <= {} <= {}", c.min, c.desired, c.max),
            ));
        }
    }
}

fn record_values(record: &DnsRecord, path: &str, problems: &mut Vec<PlanProblem>) {
    if record.values.is_empty() {
        problems.push(PlanProblem::new(format!("{path}/values"), "is empty"));
    }
    if record.record_type == RecordType::Cname && record.values.len() > 1 {
        problems.push(PlanProblem::new(format!("{path}/values"), "a CNAME has one value"));
    }
    // The whole batch would be refused, with every other record in it.
    if upsert_characters(record) > BATCH_CHARACTERS_MAX {
        let message = format!("is too long: Route 53 takes {BATCH_CHARACTERS_MAX} characters, an UPSERT counted twice");
        problems.push(PlanProblem::new(path, message));
    }
    for (k, value) in record.values.iter().enumerate() {
        let expected = match record.record_type {
            RecordType::A if value.parse::<Ipv4Addr>().is_err() => "an IPv4 address",
            RecordType::Aaaa if value.parse::<Ipv6Addr>().is_err() => "an IPv6 address",
            RecordType::Cname if value.is_empty() || value.contains([' ', '/', ':']) => "a host name",
            _ => continue,
        };
        problems.push(PlanProblem::new(format!("{path}/values/{k}"), format!("must be {expected}, is {value:?}")));
    }
}

/// Two components that act on one resource would journal each other's values as those before.
fn resources(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    let replicas = plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::RdsReadReplica(c) => {
            Some((format!("/databases/{i}/replicaIdentifier"), c.replica_identifier.as_str()))
        }
        _ => None,
    });
    names::unique(replicas, problems);
    // One cluster is a member of one global database, so the global one tells two components apart.
    let global_clusters = plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::AuroraGlobalCluster(c) => {
            Some((format!("/databases/{i}/globalClusterIdentifier"), c.global_cluster_identifier.to_ascii_lowercase()))
        }
        _ => None,
    });
    names::unique(global_clusters, problems);
    let groups = plan.compute.iter().enumerate().filter_map(|(i, compute)| match compute {
        Compute::AutoScalingGroup(c) => Some((format!("/compute/{i}/groupName"), c.group_name.as_str())),
        _ => None,
    });
    names::unique(groups, problems);
    let services = plan.compute.iter().enumerate().filter_map(|(i, compute)| match compute {
        Compute::EcsService(c) => Some((format!("/compute/{i}/serviceName"), c.resource())),
        _ => None,
    });
    names::unique(services, problems);
    // Reserved concurrency belongs to the whole function, whatever the qualifier.
    let functions = plan.compute.iter().enumerate().filter_map(|(i, compute)| match compute {
        Compute::LambdaConcurrency(c) => Some((format!("/compute/{i}/functionName"), c.function_name.as_str())),
        _ => None,
    });
    names::unique(functions, problems);
    let switches = plan.traffic.iter().enumerate().filter_map(|(i, traffic)| match traffic {
        Traffic::StopObject(c) => Some((format!("/traffic/{i}/key"), format!("s3://{}/{}", c.bucket, c.key))),
        Traffic::RoutingControl(_) | Traffic::Route53Records(_) => None,
    });
    names::unique(switches, problems);
    names::unique(records(plan), problems);
}

fn records(plan: &RecoveryPlan) -> impl Iterator<Item = (String, String)> {
    plan.traffic.iter().enumerate().flat_map(|(i, traffic)| {
        let (zone, records) = match traffic {
            Traffic::Route53Records(c) => (c.hosted_zone_id.as_str(), c.records.as_slice()),
            Traffic::StopObject(_) | Traffic::RoutingControl(_) => ("", &[][..]),
        };
        records.iter().enumerate().map(move |(j, record)| {
            let (name, record_type, identifier) = crate::decide::records::key_of(record);
            let of = identifier.map_or_else(String::new, |identifier| format!(" {identifier:?}"));
            (format!("/traffic/{i}/records/{j}"), format!("{name} {record_type}{of} in {zone}"))
        })
    })
}
