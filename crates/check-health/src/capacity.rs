//! What the primary has while it is healthy, written down where a failover can read it.

use std::collections::BTreeMap;
use std::future::Future;

use futures::future::join_all;
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::contract::Mode;
use pilot_core::decide::health::Verdict;
use pilot_core::decide::last_known::{remember, watched};
use pilot_core::journal::LeasePhase;
use pilot_core::plan::{Compute, Had, RecoveryPlan};
use pilot_shell::CallError;
use pilot_shell::ledger::Ledger;

/// Compute in any Region, as far as its capacity goes.
pub trait Capacities {
    /// What a component has: its desired capacity or count, or its concurrency; `None`: there is no such group, service or function.
    fn had(&self, region: &str, component: &Compute) -> impl Future<Output = Result<Option<Had>, CallError>>;
}

/// Writes down what the primary has of that which the plan wants a share of. Only of a healthy primary, and only while no run is under way: a
/// run empties groups and brings them up. What cannot be described keeps what was known of it, with its age.
///
/// # Errors
/// The ledger's.
pub async fn write_down<L: Ledger, C: Capacities>(
    plan: &RecoveryPlan,
    verdict: Verdict,
    ledger: &L,
    capacities: &C,
    now: Timestamp,
) -> Result<(), Failure> {
    let (watched, workload) = (watched(plan), &plan.metadata.name);
    if watched.is_empty() || verdict != Verdict::Healthy || is_under_way(ledger, workload, now).await? {
        return Ok(());
    }
    let looks = watched.iter().map(async |component| {
        let seen = capacities.had(&plan.regions.primary, component).await;
        (component.name().to_owned(), seen)
    });
    let mut seen = BTreeMap::new();
    for (name, look) in join_all(looks).await {
        match look {
            Ok(Some(had)) => drop(seen.insert(name, had)),
            Ok(None) => tracing::warn!(
                workload,
                component = name,
                "the primary Region has no such component: its capacity is not written down"
            ),
            Err(error) => tracing::warn!(workload, component = name, "its capacity could not be seen: {error}"),
        }
    }
    if seen.is_empty() {
        return Ok(());
    }
    let before = ledger.capacity(workload).await?;
    ledger.set_capacity(workload, &remember(&before, plan, &seen, now)).await
}

async fn is_under_way<L: Ledger>(ledger: &L, workload: &str, now: Timestamp) -> Result<bool, Failure> {
    let lease = ledger.lease(workload, Mode::Failover).await?;
    Ok(lease.is_some_and(|lease| lease.phase != LeasePhase::Released && lease.expires_at > now))
}
