//! How much data a promotion would lose, and whether that is allowed.
//!
//! The lag *now* says nothing in a disaster: a MySQL replica of a dead primary reads -1 (not replicating), a PostgreSQL one reads the
//! time since the last transaction, which grows for as long as the primary is dead. What counts is the lag at the incident: a sample
//! at `t` with lag `l` proves that everything up to `t - l` arrived. The newest such point is the recovery point; the loss is
//! the time from it to the incident. A missing sample is not zero.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::observed::LagSample;
use crate::{Failure, FailureName};

/// A sample older than this before the incident proves nothing about it.
pub const SAMPLE_AGE_SECONDS_MAX: i64 = 300;

/// What a promotion would lose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataLoss {
    /// Everything up to here is in the replica.
    pub recovery_point_at: Timestamp,
    /// From there to the incident: at most this much is lost, in seconds.
    pub rpo_seconds: f64,
    /// The sample's own lag, in seconds.
    pub lag_seconds: f64,
}

/// Estimates the loss from the samples around the incident. `None`: nobody can say.
pub fn estimate(samples: &[LagSample], incident_at: Timestamp) -> Option<DataLoss> {
    let oldest = incident_at.checked_sub(SignedDuration::from_secs(SAMPLE_AGE_SECONDS_MAX)).unwrap_or(Timestamp::MIN);
    samples
        .iter()
        .filter(|s| s.lag_seconds >= 0.0 && s.at >= oldest)
        .filter_map(|s| Some((recovery_point(s)?, s.lag_seconds)))
        .max_by_key(|(recovery_point_at, _)| *recovery_point_at)
        .map(|(recovery_point_at, lag_seconds)| DataLoss {
            recovery_point_at,
            rpo_seconds: (incident_at.as_millisecond() - recovery_point_at.as_millisecond()).max(0) as f64 / 1000.0,
            lag_seconds,
        })
}

/// Up to when everything had arrived. `None` for a lag that is no time (infinite, not a number, older than the calendar).
fn recovery_point(sample: &LagSample) -> Option<Timestamp> {
    sample.at.checked_sub(SignedDuration::try_from_secs_f64(sample.lag_seconds).ok()?).ok()
}

/// The RPO gate: a known loss within the plan's bound passes.
///
/// # Errors
/// [`FailureName::DataLossTooHigh`], for a loss above the bound and for an unknown one.
pub fn gate(replica: &str, loss: Option<DataLoss>, max_data_loss_seconds: u32) -> Result<DataLoss, Failure> {
    let refuse = |what: String| {
        Failure::new(FailureName::DataLossTooHigh, replica, what)
            .now("nothing was promoted")
            .next("mend replication, or raise policy.maxDataLossSeconds in the plan if the owners accept the loss")
    };
    match loss {
        None => Err(refuse(format!(
            "no valid ReplicaLag sample within {SAMPLE_AGE_SECONDS_MAX} seconds before the incident: the loss is unknown"
        ))),
        Some(loss) if loss.rpo_seconds > f64::from(max_data_loss_seconds) => Err(refuse(format!(
            "promoting would lose up to {:.1} seconds of data, the plan allows {max_data_loss_seconds}",
            loss.rpo_seconds
        ))),
        Some(loss) => Ok(loss),
    }
}

#[cfg(test)]
mod tests;
