//! A database that is promoted: whether it could be set as the plan says, before; whether it is promoted and set so, after.

use futures::future::{join, join_all};
use pilot_core::decide::promoted::{Described, Next, Wanted, next, said};
use pilot_core::decide::readiness::Readiness;
use pilot_core::decide::readiness::promoted::{GroupSeen, groups, settings};
use pilot_core::observed::{GlobalClusterObserved, RestoredObserved};
use pilot_core::plan::{AuroraGlobalCluster, RdsReadReplica, RestoredKind};
use pilot_shell::CallError;

use crate::ports::Region;
use crate::proof::unseen;

/// What is ready otherwise, held against the parameter groups that the plan names. Security groups are not asked about: that is EC2's
/// business, and RDS refuses an unknown one by name.
pub(crate) async fn readiness<R: Region>(
    found: Readiness,
    wanted: &Wanted<'_>,
    instances: &[&str],
    region: &R,
) -> Result<Readiness, CallError> {
    let Readiness::Ready(detail) = found else { return Ok(found) };
    if wanted.settings.parameter_group.is_none() && wanted.settings.cluster_parameter_group.is_none() {
        return Ok(Readiness::Ready(detail));
    }
    let (database, instances) = described(wanted, instances, region).await?;
    let there = |described: Described| Some((described.identifier, described.observed?));
    let instances: Vec<(String, RestoredObserved)> = instances.into_iter().filter_map(there).collect();
    let Some(database) = database.observed else { return Ok(Readiness::Ready(detail)) };
    let groups = join_all(groups(wanted, &database, &instances).into_iter().map(|group| asked(group, region))).await;
    Ok(settings(detail, &groups.into_iter().collect::<Result<Vec<_>, _>>()?))
}

async fn asked<R: Region>(mut group: GroupSeen, region: &R) -> Result<GroupSeen, CallError> {
    group.wanted_family = region.parameter_group_family(group.kind, &group.wanted).await?;
    if let Some(now) = &group.now {
        group.now_family = region.parameter_group_family(group.kind, now).await?;
    }
    Ok(group)
}

/// A read replica and its settings, before the promotion.
pub(crate) async fn replica_readiness<R: Region>(
    found: Readiness,
    component: &RdsReadReplica,
    region: &R,
) -> Result<Readiness, CallError> {
    readiness(found, &Wanted::of_replica(component), &[], region).await
}

/// A global database and its settings, before the promotion.
pub(crate) async fn cluster_readiness<R: Region>(
    found: Readiness,
    component: &AuroraGlobalCluster,
    observed: Option<&GlobalClusterObserved>,
    region: &R,
) -> Result<Readiness, CallError> {
    readiness(found, &Wanted::of_cluster(component), &instances(observed), region).await
}

/// The proof of a read replica: no replica any more, available, and every setting of the plan in force.
pub(crate) async fn replica<R: Region>(component: &RdsReadReplica, region: &R) -> Result<String, String> {
    let instance = region.replica(&component.replica_identifier).await.map_err(unseen)?;
    let instance = instance.ok_or_else(|| format!("no DB instance {}", component.replica_identifier))?;
    let promoted = match (&instance.source, instance.status.as_str()) {
        (None, "available") => "no replica any more, and available",
        (None, status) => return Err(format!("no replica any more, but `{status}`")),
        (Some(source), status) => return Err(format!("still a replica of {source}, `{status}`")),
    };
    proof(promoted.to_owned(), &Wanted::of_replica(component), &[], region).await
}

/// The proof of a global database: the recovery cluster is the writer, nothing is on the move, and every setting of the plan in force.
pub(crate) async fn cluster<R: Region>(
    component: &AuroraGlobalCluster,
    recovery_region: &str,
    region: &R,
) -> Result<String, String> {
    let (id, recovery) = (&component.global_cluster_identifier, &component.recovery_cluster_identifier);
    let global = region.global_cluster(id, recovery).await.map_err(unseen)?;
    let global = global.ok_or_else(|| format!("no global cluster {id}"))?;
    let is_writer = global.member(recovery, recovery_region).is_some_and(|member| member.is_writer);
    let promoted = match (is_writer, &global.failover_state) {
        (true, None) => format!("{recovery} is the writer of {id}, and nothing is on the move"),
        (_, Some(state)) => return Err(format!("{id} is on the move, `{}`", state.status)),
        (false, None) => return Err(format!("{recovery} is not the writer of {id}")),
    };
    proof(promoted, &Wanted::of_cluster(component), &instances(Some(&global)), region).await
}

async fn proof<R: Region>(
    promoted: String,
    wanted: &Wanted<'_>,
    instances: &[&str],
    region: &R,
) -> Result<String, String> {
    if wanted.settings.is_empty() {
        return Ok(promoted);
    }
    let (database, instances) = described(wanted, instances, region).await.map_err(unseen)?;
    match next(wanted, &database, &instances) {
        Next::Done { pending_reboot } => {
            let set = said(wanted, &pending_reboot).map_or(String::new(), |said| format!("; {said}"));
            Ok(format!("{promoted}{set}"))
        }
        Next::Wait { reason, .. } => Err(reason),
        Next::Change { identifier, change } => Err(format!("{identifier} is not {}", change.said())),
        Next::Fail(failure) => Err(failure.what),
    }
}

/// The database and, where they are to get anything of their own, its instances.
async fn described<R: Region>(
    wanted: &Wanted<'_>,
    instances: &[&str],
    region: &R,
) -> Result<(Described, Vec<Described>), CallError> {
    let describe = async |kind: RestoredKind, id: &str| {
        let observed = region.restored(kind, id).await;
        observed.map(|observed| Described { identifier: id.to_owned(), observed })
    };
    let asked = if wanted.of_instances().is_empty() { &[] } else { instances };
    let instances = join_all(asked.iter().map(|id| describe(RestoredKind::Instance, id)));
    let (database, instances) = join(describe(wanted.kind, wanted.identifier), instances).await;
    Ok((database?, instances.into_iter().collect::<Result<_, _>>()?))
}

fn instances(observed: Option<&GlobalClusterObserved>) -> Vec<&str> {
    let recovery = observed.and_then(|global| global.recovery.as_ref());
    recovery.map_or(Vec::new(), |cluster| cluster.instances.iter().map(|i| i.identifier.as_str()).collect())
}
