//! An Aurora cluster on its way to having its writer on another of its instances, in the same Region.
//!
//! AWS behaviour relied on (RDS API reference, `FailoverDBCluster`; Aurora user guide, "Failing over an Amazon Aurora DB cluster"): the call
//! only begins the move, which shows as the cluster's status `failing-over`, though not at once; an instance of any other cluster is no
//! target. Aurora moves the writer by itself when it fails, to the reader of its own choice: that counts if it is the one the plan names.
//! Moved means: the named instance's `IsClusterWriter` is true, **and** it and the cluster read `available`.

use crate::decide::global_cluster::is_lost;
use crate::decide::replica;
use crate::observed::InRegionCluster;
use crate::plan::AuroraCluster;
use crate::{Failure, FailureName};

/// What to do with the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The named instance is the writer, and nothing is on the move.
    Done,
    /// Ask for the failover.
    FailOver,
    /// Look again: why, and after how many seconds.
    Wait {
        /// What it waits for.
        reason: String,
        /// After how many seconds.
        after_seconds: u32,
    },
    /// It will not get there.
    Fail(Box<Failure>),
}

/// How long after an accepted call the cluster may still read as if nothing had been asked of it.
pub const ACCEPTED_GRACE_SECONDS: i64 = 180;

/// Decides from the cluster as described (`None`: RDS knows no such one), and the seconds since a failover was accepted in this run, if one
/// was.
pub fn decide(
    component: &AuroraCluster,
    observed: Option<&InRegionCluster>,
    accepted_seconds_ago: Option<i64>,
) -> Decision {
    let (id, target) = (&component.cluster_identifier, &component.recovery_instance_identifier);
    let cluster = match fit(component, observed) {
        Ok(cluster) => cluster,
        Err(Unfit { what, next }) => return fail(id, &what, UNTOUCHED, &next),
    };
    let instance_status = cluster.instance(target).map_or("unknown", |instance| instance.status.as_str());
    let still = |what: &str| format!("{what}: the cluster is `{}`, {target} is `{instance_status}`", cluster.status);
    let is_writer = cluster.is_writer(target);
    let settled = cluster.status == "available" && instance_status == "available";
    match accepted_seconds_ago {
        _ if is_writer && settled => Decision::Done,
        _ if is_writer => wait(still(&format!("{target} is the writer, and not through yet")), 2),
        _ if cluster.status == "failing-over" => wait("the cluster is failing over".into(), 2),
        Some(ago) if ago <= ACCEPTED_GRACE_SECONDS => {
            wait("the failover was accepted and has not begun to show".into(), 1)
        }
        Some(ago) => fail(
            id,
            &format!("{ago} seconds after RDS accepted the failover {target} is still no writer"),
            "nothing is on the move; no second failover was tried",
            "see the events of the cluster in the RDS console for why the writer did not move",
        ),
        None if settled => Decision::FailOver,
        None => wait(still("both must be `available` for a failover"), 3),
    }
}

const UNTOUCHED: &str = "the writer is where it was; nothing was failed over";

/// Why the writer cannot move to the named instance, and what to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) what: String,
    pub(crate) next: String,
}

/// Whether the writer could move to the named instance at all, whatever the cluster is busy with.
pub(crate) fn fit<'a>(
    component: &AuroraCluster,
    observed: Option<&'a InRegionCluster>,
) -> Result<&'a InRegionCluster, Unfit> {
    let unfit = |what: String, next: &str| Err(Unfit { what, next: next.to_owned() });
    let (id, target) = (&component.cluster_identifier, &component.recovery_instance_identifier);
    let Some(cluster) = observed else {
        return unfit(
            "the Region has no such DB cluster".into(),
            "correct clusterIdentifier or regions.recovery in the plan",
        );
    };
    if is_lost(&cluster.status) {
        return unfit(
            format!("the cluster is `{}`", cluster.status),
            "mend the cluster, or restore it to a point in time",
        );
    }
    if cluster.member(target).is_none() {
        return unfit(
            format!("{target} is no instance of {id}, its instances are {}", cluster.members_said()),
            "correct recoveryInstanceIdentifier in the plan, or add a reader of that name to the cluster",
        );
    }
    match cluster.instance(target) {
        None => unfit(format!("RDS knows no DB instance {target}"), "add a reader of that name to the cluster"),
        Some(instance) if replica::is_lost(&instance.status) || instance.status.starts_with("stop") => {
            unfit(format!("{target} is `{}`", instance.status), "mend it, or name another reader in the plan")
        }
        Some(_) => Ok(cluster),
    }
}

/// Whether an old writer has come back as a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejoin {
    /// It is an available reader.
    Done,
    /// Look again.
    Wait {
        /// What it waits for.
        reason: String,
        /// After how many seconds.
        after_seconds: u32,
    },
    /// It does not come back by itself.
    Fail(Box<Failure>),
}

/// After the writer moved Aurora starts the old writer again as a reader, once its Availability Zone is well (Aurora user guide, "High
/// availability for Amazon Aurora"). `component` is the mirrored one: its recovery instance is the old writer.
pub fn rejoin(component: &AuroraCluster, observed: Option<&InRegionCluster>) -> Rejoin {
    let (id, follower) = (&component.cluster_identifier, &component.recovery_instance_identifier);
    let failed = |what: &str, next: &str| {
        let failure = Failure::new(FailureName::ProtectFailed, id, what);
        Rejoin::Fail(Box::new(failure.now("the writer serves, and nothing was changed").next(next)))
    };
    let cluster = match fit(component, observed) {
        Ok(cluster) => cluster,
        Err(Unfit { what, next }) => return failed(&what, &next),
    };
    if cluster.is_writer(follower) {
        return failed(
            &format!("{follower} is the writer itself: nobody is left to follow"),
            "see who moved it, and start again",
        );
    }
    match cluster.instance(follower).map(|instance| instance.status.as_str()) {
        Some("available") if cluster.status == "available" => Rejoin::Done,
        status => Rejoin::Wait {
            reason: format!("{follower} is `{}`, the cluster `{}`", status.unwrap_or("unknown"), cluster.status),
            after_seconds: 5,
        },
    }
}

fn wait(reason: String, after_seconds: u32) -> Decision {
    Decision::Wait { reason, after_seconds }
}

fn fail(resource: &str, what: &str, now: &str, next: &str) -> Decision {
    Decision::Fail(Box::new(Failure::new(FailureName::PromotionFailed, resource, what).now(now).next(next)))
}

#[cfg(test)]
mod tests;
