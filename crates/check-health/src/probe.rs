//! The scheduled probe, and the look that writes nothing: the same judgement without a run.

use http_probe::Http;
use jiff::Timestamp;
use pilot_core::Failure;
use pilot_core::decide::health::{Judgement, Memory, Verdict, remember};
use pilot_core::plan::RecoveryPlan;
use pilot_shell::context::Clock;
use pilot_shell::ledger::Ledger;
use pilot_shell::telemetry::{Metric, emf};
use serde::Serialize;
use serde_json::Value;

use crate::look::{Alarms, Eyes, Instances};

/// What probe and look return.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Looked {
    /// How the primary is.
    pub verdict: Verdict,
    /// What that rests on.
    pub judgement: Judgement,
    /// What is remembered of it (for a look: what would be).
    pub memory: Memory,
}

/// Looks, publishes, remembers. A run that is under way is no reason to hold back: it feeds the same memory, and
/// [`remember`] never moves a clock that is already running.
///
/// # Errors
/// The ledger's. The metrics are out by then: the alarm does not depend on the table.
pub async fn probe<L: Ledger, H: Http, A: Alarms, I: Instances>(
    plan: &RecoveryPlan,
    ledger: &L,
    eyes: &Eyes<'_, H, A, I>,
    clock: Clock,
    publish: impl Fn(&Value),
    namespace: &str,
) -> Result<Looked, Failure> {
    let judgement = eyes.judge(plan).await;
    let workload = &plan.metadata.name;
    publish(&metrics(namespace, workload, judgement.verdict, clock()));
    let memory = remember(ledger.memory(workload).await?, judgement.verdict, clock());
    ledger.set_memory(workload, &memory).await?;
    Ok(Looked { verdict: judgement.verdict, judgement, memory })
}

/// Looks, and writes nothing: for people.
///
/// # Errors
/// The ledger's.
pub async fn look<L: Ledger, H: Http, A: Alarms, I: Instances>(
    plan: &RecoveryPlan,
    ledger: &L,
    eyes: &Eyes<'_, H, A, I>,
    clock: Clock,
) -> Result<Looked, Failure> {
    let judgement = eyes.judge(plan).await;
    let memory = remember(ledger.memory(&plan.metadata.name).await?, judgement.verdict, clock());
    Ok(Looked { verdict: judgement.verdict, judgement, memory })
}

/// The probe's metrics. `PrimaryDown` is missing while nobody knows: a zero would say that the primary is up, and the alarm on it
/// ignores what is missing.
fn metrics(namespace: &str, workload: &str, verdict: Verdict, at: Timestamp) -> Value {
    let count = |name, is: bool| Metric { name, unit: "Count", value: f64::from(u8::from(is)) };
    let mut metrics = vec![
        count("PrimaryUnknown", verdict == Verdict::Unknown),
        count("PrimaryImpaired", verdict == Verdict::Impaired),
    ];
    if verdict != Verdict::Unknown {
        metrics.push(count("PrimaryDown", verdict == Verdict::Down));
    }
    emf(namespace, &[("Workload", workload)], &metrics, at)
}
