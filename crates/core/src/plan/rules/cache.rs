//! Caches: what ElastiCache would refuse in the middle of a run, and what names the wrong Region.

use super::{PlanProblem, RecoveryPlan, names};
use crate::decide::cache::RUN_TAG;
use crate::plan::{Database, ElastiCache};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, component) in caches(plan) {
        let mut tell = |field: &str, message: &str| {
            problems.push(PlanProblem::new(format!("/databases/{i}/{field}"), message));
        };
        nodes(component, &mut tell);
        key(component, &plan.regions.recovery, &mut tell);
        if component.tags.keys().any(|tag| tag == RUN_TAG || tag.to_ascii_lowercase().starts_with("aws:")) {
            tell(
                "tags",
                &format!("must hold neither {RUN_TAG:?}, which a run puts on it, nor a key that begins with \"aws:\""),
            );
        }
        if plan.home.is_some() {
            let message = "the settings of an elastiCache are those of the recovery Region, so it has no way home by `failback`: leave \
                           `home` out, and write a plan of its own for the way back";
            tell("kind", message);
        }
    }
    // ElastiCache keeps ids in lower case, whatever was typed.
    let ids = caches(plan)
        .map(|(i, c)| (format!("/databases/{i}/replicationGroupId"), c.replication_group_id.to_ascii_lowercase()));
    names::unique(ids, problems);
}

fn caches(plan: &RecoveryPlan) -> impl Iterator<Item = (usize, &ElastiCache)> {
    plan.databases.iter().enumerate().filter_map(|(i, database)| match database {
        Database::ElastiCache(component) => Some((i, component)),
        _ => None,
    })
}

/// After the ElastiCache API reference, `CreateReplicationGroup`.
fn nodes(component: &ElastiCache, tell: &mut impl FnMut(&str, &str)) {
    let fails_over = component.automatic_failover == Some(true);
    if component.num_node_groups > 1 && !fails_over {
        tell("automaticFailover", "must be true with more than one node group: cluster mode has no other way");
    }
    // In cluster mode, which a parameter group can switch on for one node group, a primary may stand alone.
    let alone = component.replicas_per_node_group == 0;
    if fails_over && alone && component.num_node_groups == 1 && component.parameter_group.is_none() {
        tell("replicasPerNodeGroup", "must be at least 1 with automaticFailover: there is nobody to fail over to");
    }
    if component.multi_az == Some(true) && !fails_over {
        tell("multiAz", "needs automaticFailover");
    } else if component.multi_az == Some(true) && alone {
        tell("multiAz", "needs at least one replica a node group (replicasPerNodeGroup)");
    }
}

fn key(component: &ElastiCache, recovery_region: &str, tell: &mut impl FnMut(&str, &str)) {
    let Some(key) = &component.kms_key_id else { return };
    if component.at_rest_encryption != Some(true) {
        tell("kmsKeyId", "needs atRestEncryption: true");
    }
    if key.starts_with("alias/") || key.contains(":alias/") {
        tell("kmsKeyId", "must be a key's id or ARN: what an alias stood for cannot be read back");
    } else if let Some(region) = arn_region(key).filter(|region| *region != recovery_region) {
        tell("kmsKeyId", &format!("lies in {region}, not in the recovery Region {recovery_region}"));
    }
}

/// The Region of an ARN; `None`: no ARN.
fn arn_region(text: &str) -> Option<&str> {
    text.strip_prefix("arn:")?.split(':').nth(2)
}
