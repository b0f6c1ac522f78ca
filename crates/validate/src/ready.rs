//! The step `ready`: can the recovery Region take over as the plan says, and at what loss? Before anything is changed, so every problem
//! is said at once.

use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Assessment, Mode, StepResponse};
use pilot_core::decide::data_loss::{self, SAMPLE_AGE_SECONDS_MAX};
use pilot_core::decide::gate::{self, LossOf};
use pilot_core::decide::readiness::{self, Readiness, global_cluster};
use pilot_core::observed::LagSample;
use pilot_core::plan::{AuroraGlobalCluster, Database, Policy, RdsReadReplica, RecoveryPlan, Regions};
use pilot_core::{Failure, FailureName};
use pilot_shell::ledger::Ledger;
use pilot_shell::waves::{self, Progress};
use pilot_shell::{CallError, StepContext, capacity};

use crate::caches;
use crate::look::{global_cluster_with_lag, groups_and_traffic, replica_with_lag, say_shares};
use crate::ports::Region;
use crate::restores::{self, RunSoFar};
use crate::{global_caches, in_region, point_in_time, promoted};

/// How long a replica may be busy (a backup, a modification) before the run is refused: nothing has been changed yet, and a person
/// decides faster what to do about it.
pub const BUSY_TIMEOUT_SECONDS: u32 = 300;
const LOOK_AGAIN_SECONDS: u32 = 3;

/// What was found of one component.
enum Finding {
    Ready(String),
    Wait(String),
    Problem(String),
    /// Promoting would lose more than the plan allows.
    Loss(String),
}

/// One invocation of the step.
///
/// # Errors
/// `DataLossTooHigh` if that is all that is wrong, `NotReady` naming everything that is, `StepDeadlineExceeded` for a replica that
/// stays busy.
pub async fn step<L: Ledger, R: Region>(
    context: &StepContext<'_, L>,
    assessment: &Assessment,
    region: &R,
) -> Result<StepResponse, Failure> {
    let plan = context.plan;
    // A run that goes on after its pivot finds promoted what it promoted itself.
    let (now, mode) = (context.now(), context.run.resumes.is_none().then_some(context.run.mode));
    let run = RunSoFar { mode: context.run.mode, entries: context.ledger.entries(&context.run.run_id).await? };
    let run = &run;
    let databases = join_all(plan.databases.iter().map(async |database: &Database| {
        (database.name().to_owned(), database_finding(database, region, assessment, now, (plan, mode, run)).await)
    }));
    // Pinned before anything is brought up, so that the report shows from the beginning what a share is of.
    let known = capacity::pinned(context).await?;
    let fixed = known.fixed(plan);
    let (databases, mut others) = join(databases, groups_and_traffic(&fixed, region)).await;
    say_shares(&mut others, plan, &known, now);
    let others = others.into_iter().map(|(name, seen)| (name, finding_of(seen)));
    let findings: Vec<(String, Finding)> = databases.into_iter().chain(others).collect();
    refuse(&plan.metadata.name, &findings)?;
    findings
        .into_iter()
        .map(|(name, finding)| progress(context, &name, finding))
        .collect::<Result<Vec<_>, _>>()
        .map(StepResponse::of)
}

/// What is known of a database before it is promoted.
struct Standing {
    readiness: Readiness,
    /// What a promotion would lose. `None`: it was promoted before this run, there is nothing left to lose by it.
    loss: Option<LossOf>,
}

async fn database_finding<R: Region>(
    database: &Database,
    region: &R,
    assessment: &Assessment,
    now: Timestamp,
    (plan, mode, run): (&RecoveryPlan, Option<Mode>, &RunSoFar),
) -> Finding {
    let standing = match database {
        Database::RdsReadReplica(replica) => of_replica(replica, region, assessment, now).await,
        Database::AuroraGlobalCluster(cluster) => {
            of_global_cluster(cluster, &plan.regions, region, assessment, now).await
        }
        Database::AuroraCluster(cluster) => {
            let standing = in_region::cluster_standing(cluster, region, assessment).await;
            standing.map(|(readiness, loss)| Standing { readiness, loss })
        }
        Database::RestoreToPointInTime(restore) => {
            let before = point_in_time::before(restore, region, assessment, run).await;
            before.map(|(readiness, loss)| Standing { readiness, loss })
        }
        Database::RestoreFromBackup(restore) => {
            let before = restores::before(restore, region, assessment, run).await;
            before.map(|(readiness, loss)| Standing { readiness, loss })
        }
        // Nothing to lose, and nobody it could follow: there is or it is created, whatever the run is for.
        Database::ElastiCache(cache) => return finding_of(caches::readiness(cache, region).await),
        Database::ElastiCacheGlobal(cache) => {
            return of_global_cache(global_caches::before(cache, &plan.regions, region).await, mode);
        }
    };
    let (readiness, loss) = match standing {
        Ok(Standing { readiness, loss }) => (readiness, loss),
        Err(error) => return finding_of(Err(error)),
    };
    let parted = match database {
        Database::AuroraCluster(_) => in_region::parted(loss.is_none(), mode),
        _ => parted(loss.is_none(), mode),
    };
    if let Some(problem) = parted {
        return match readiness {
            // What is wrong with the database itself says more.
            Readiness::Problem(problem) => Finding::Problem(problem),
            _ => Finding::Problem(problem.into()),
        };
    }
    match (finding_of(Ok(readiness)), loss) {
        (Finding::Ready(detail), Some(of)) => with_loss(detail, of, &plan.policy),
        (other, _) => other,
    }
}

async fn of_replica<R: Region>(
    replica: &RdsReadReplica,
    region: &R,
    assessment: &Assessment,
    now: Timestamp,
) -> Result<Standing, CallError> {
    let (observed, samples) = replica_with_lag(replica, region, samples_from(assessment), now).await?;
    let found = readiness::replica(replica, observed.as_ref());
    let readiness = promoted::replica_readiness(found, replica, region).await?;
    let promoted = observed.is_some_and(|replica| replica.source.is_none());
    let loss = loss_of(&replica.name, &replica.replica_identifier, &samples, assessment);
    Ok(Standing { readiness, loss: (!promoted).then_some(loss) })
}

async fn of_global_cluster<R: Region>(
    cluster: &AuroraGlobalCluster,
    regions: &Regions,
    region: &R,
    assessment: &Assessment,
    now: Timestamp,
) -> Result<Standing, CallError> {
    let from = samples_from(assessment);
    let (observed, samples) = global_cluster_with_lag(cluster, &regions.primary, region, from, now).await?;
    let found = global_cluster::cluster(cluster, regions, observed.as_ref());
    let readiness = promoted::cluster_readiness(found, cluster, observed.as_ref(), region).await?;
    let recovery = &cluster.recovery_cluster_identifier;
    let member = observed.as_ref().and_then(|global| global.member(recovery, &regions.recovery));
    let promoted = member.is_some_and(|member| member.is_writer);
    let loss = loss_of(&cluster.name, recovery, &samples, assessment);
    Ok(Standing { readiness, loss: (!promoted).then_some(loss) })
}

/// It follows or is followed like a database, and has nothing to lose that is counted.
fn of_global_cache(seen: Result<(Readiness, bool), CallError>, mode: Option<Mode>) -> Finding {
    match (seen, mode) {
        (Ok((readiness, true)), Some(Mode::Switchover | Mode::Failback)) => match readiness {
            Readiness::Ready(detail) => Finding::Problem(format!("{detail}: there is nothing to fail over to")),
            other => finding_of(Ok(other)),
        },
        (Ok((Readiness::Ready(detail), false)), Some(Mode::Protect)) => {
            Finding::Problem(format!("{detail}: it was not failed over, there is nothing to protect"))
        }
        (seen, _) => finding_of(seen.map(|(readiness, _)| readiness)),
    }
}

fn samples_from(assessment: &Assessment) -> Timestamp {
    assessment.incident_at - SignedDuration::from_secs(SAMPLE_AGE_SECONDS_MAX)
}

fn loss_of(component: &str, resource: &str, samples: &[LagSample], assessment: &Assessment) -> LossOf {
    let loss = data_loss::estimate(samples, assessment.incident_at, assessment.last_healthy_at);
    LossOf { component: component.to_owned(), resource: resource.to_owned(), loss }
}

/// What is ready, held against what its promotion would lose.
fn with_loss(detail: String, of: LossOf, policy: &Policy) -> Finding {
    let most = of.loss.map_or(0.0, |loss| loss.rpo_seconds);
    match gate::decide(&[of], policy) {
        gate::Decision::Refuse(failure) => Finding::Loss(failure.what),
        gate::Decision::Ask { why, .. } => {
            Finding::Ready(format!("{detail}; a person will be asked: {}", why.join("; ")))
        }
        gate::Decision::Pass => Finding::Ready(format!("{detail}; promoting loses at most {most:.1} seconds")),
    }
}

/// A planned run wants one database in two Regions; protect is for two that have parted.
fn parted(promoted: bool, mode: Option<Mode>) -> Option<&'static str> {
    match (mode, promoted) {
        (Some(Mode::Protect), false) => {
            Some("it still follows: the workload was not failed over, there is nothing to protect")
        }
        (Some(Mode::Switchover | Mode::Failback), true) => {
            Some("it follows nobody: promoting it would bring up old data; run `protect` first")
        }
        _ => None,
    }
}

/// What AWS refuses is a problem of the plan or of the role; what it did not answer is asked again.
fn finding_of(seen: Result<Readiness, CallError>) -> Finding {
    match seen {
        Ok(Readiness::Ready(detail)) => Finding::Ready(detail),
        Ok(Readiness::Wait(detail)) => Finding::Wait(detail),
        Ok(Readiness::Problem(problem)) => Finding::Problem(problem),
        Err(error @ CallError::Refused { .. }) => {
            Finding::Problem(format!("AWS refused to tell, {error}; check the plan and the function's role"))
        }
        Err(error) => Finding::Wait(error.to_string()),
    }
}

fn refuse(workload: &str, findings: &[(String, Finding)]) -> Result<(), Failure> {
    let of = |wanted: fn(&Finding) -> Option<&String>| {
        findings.iter().filter_map(move |(name, finding)| Some(format!("{name}: {}", wanted(finding)?)))
    };
    let problems: Vec<String> = of(|f| if let Finding::Problem(p) = f { Some(p) } else { None }).collect();
    let losses: Vec<String> = of(|f| if let Finding::Loss(l) = f { Some(l) } else { None }).collect();
    let (name, next) = match (problems.is_empty(), losses.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => (
            FailureName::DataLossTooHigh,
            "mend replication, name approvers in the plan (policy.approvers), or raise policy.maxDataLossSeconds if the owners accept the loss",
        ),
        (false, _) => {
            (FailureName::NotReady, "mend each of these and start again; `readiness` asks the same every few minutes")
        }
    };
    let all: Vec<String> = problems.into_iter().chain(losses).collect();
    Err(Failure::new(name, workload, all.join("; ")).now("nothing was changed").next(next))
}

fn progress<L: Ledger>(context: &StepContext<'_, L>, name: &str, finding: Finding) -> Result<Progress, Failure> {
    match finding {
        Finding::Ready(detail) => Ok(waves::done(name, detail)),
        Finding::Wait(detail) | Finding::Problem(detail) | Finding::Loss(detail) => {
            context.check_deadline(name, &detail, BUSY_TIMEOUT_SECONDS)?;
            Ok(waves::in_progress(name, detail, LOOK_AGAIN_SECONDS))
        }
    }
}
