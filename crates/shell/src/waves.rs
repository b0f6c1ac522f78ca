//! Waves: lower ones first, everything within a wave at once.
//!
//! Every invocation begins with the first wave again: what is done is seen to be done by a look, so no step function has to remember
//! how far it was, and a component that falls back is mended.

use futures::future::join_all;
use pilot_core::contract::{ComponentProgress, Status, StepResponse};
use pilot_core::plan::{Compute, Database, Traffic};
use pilot_core::{Failure, FailureName};

/// How far a component is, and after how many seconds to look again.
pub type Progress = (ComponentProgress, u32);

/// Progress of a component that is as it should be.
pub fn done(name: &str, detail: impl Into<String>) -> Progress {
    (ComponentProgress { name: name.into(), status: Status::Done, detail: detail.into() }, 1)
}

/// Progress of a component that is on its way.
pub fn in_progress(name: &str, detail: impl Into<String>, after_seconds: u32) -> Progress {
    (ComponentProgress { name: name.into(), status: Status::InProgress, detail: detail.into() }, after_seconds)
}

/// A plan's component, as far as waves go.
pub trait InWaves {
    /// Its name.
    fn name(&self) -> &str;
    /// Its wave.
    fn wave(&self) -> u32;
    /// How long it may take once its wave's turn has come.
    fn timeout_seconds(&self) -> u32;
}

impl InWaves for Database {
    fn name(&self) -> &str {
        self.name()
    }
    fn wave(&self) -> u32 {
        self.wave()
    }
    fn timeout_seconds(&self) -> u32 {
        match self {
            Database::RdsReadReplica(c) => c.timeout_seconds,
            Database::AuroraGlobalCluster(c) => c.timeout_seconds,
            Database::AuroraCluster(c) => c.timeout_seconds,
            Database::RestoreFromBackup(c) => c.timeout_seconds,
            Database::RestoreToPointInTime(c) => c.timeout_seconds,
            Database::ElastiCache(c) => c.timeout_seconds,
            Database::ElastiCacheGlobal(c) => c.timeout_seconds,
        }
    }
}

impl InWaves for Compute {
    fn name(&self) -> &str {
        self.name()
    }
    fn wave(&self) -> u32 {
        self.wave()
    }
    fn timeout_seconds(&self) -> u32 {
        match self {
            Compute::AutoScalingGroup(c) => c.timeout_seconds,
            Compute::EcsService(c) => c.timeout_seconds,
            Compute::LambdaConcurrency(c) => c.timeout_seconds,
            Compute::CodeBuildHook(c) => c.timeout_seconds,
            Compute::AutomationHook(c) => c.timeout_seconds,
            Compute::LambdaHook(c) => c.timeout_seconds,
        }
    }
}

impl InWaves for Traffic {
    fn name(&self) -> &str {
        self.name()
    }
    fn wave(&self) -> u32 {
        self.wave()
    }
    fn timeout_seconds(&self) -> u32 {
        match self {
            Traffic::StopObject(c) => c.timeout_seconds,
            Traffic::RoutingControl(c) => c.timeout_seconds,
            Traffic::Route53Records(c) => c.timeout_seconds,
        }
    }
}

/// Reconciles the components wave by wave: all of a wave concurrently, the next wave once every component of it is done.
///
/// `reconcile` gets a component and the seconds it is allowed since the *step* began: its own, and before them the longest of every
/// wave that went first, because nobody wrote down when its wave's turn came.
///
/// # Errors
/// The first failure of the wave - one for good before one that is tried again. The others of the wave were reconciled all the same.
pub async fn reconcile<C, R>(components: &[C], reconcile: R) -> Result<StepResponse, Failure>
where
    C: InWaves,
    R: AsyncFn(&C, u32) -> Result<Progress, Failure>,
{
    let mut waves: Vec<u32> = components.iter().map(InWaves::wave).collect();
    waves.sort_unstable();
    waves.dedup();
    let mut progress: Vec<Progress> = Vec::new();
    let mut waits_for = None;
    let mut earlier_seconds: u32 = 0;
    for wave in waves {
        let members: Vec<&C> = components.iter().filter(|c| c.wave() == wave).collect();
        if let Some(open) = waits_for {
            progress.extend(members.iter().map(|c| waiting(c.name(), open)));
            continue;
        }
        let allowed = |c: &C| earlier_seconds.saturating_add(c.timeout_seconds());
        let results = join_all(members.iter().map(|c| reconcile(c, allowed(c)))).await;
        let of_wave = all_or_worst(results)?;
        if of_wave.iter().any(|(c, _)| c.status != Status::Done) {
            waits_for = Some(wave);
        }
        progress.extend(of_wave);
        let longest = members.iter().map(|c| c.timeout_seconds()).max().unwrap_or(0);
        earlier_seconds = earlier_seconds.saturating_add(longest);
    }
    Ok(StepResponse::of(progress))
}

/// What waits has no say in when to look again: the wave it waits for has.
fn waiting(name: &str, wave: u32) -> Progress {
    in_progress(name, format!("waits for wave {wave}"), u32::MAX)
}

fn all_or_worst(results: Vec<Result<Progress, Failure>>) -> Result<Vec<Progress>, Failure> {
    let mut worst: Option<Failure> = None;
    let mut progress = Vec::new();
    for result in results {
        match result {
            Ok(one) => progress.push(one),
            Err(failure) => match &worst {
                Some(kept) if kept.name != FailureName::AwsUnavailable => {}
                Some(_) if failure.name == FailureName::AwsUnavailable => {}
                _ => worst = Some(failure),
            },
        }
    }
    worst.map_or(Ok(progress), Err)
}
