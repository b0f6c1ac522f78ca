//! How much data a promotion would lose. Whether that is allowed is for [`super::gate`] to say.
//!
//! The lag *now* says nothing in a disaster: a MySQL replica of a dead primary reads -1 (not replicating), a PostgreSQL one reads the
//! time since the last transaction, which grows for as long as the primary is dead. What counts is the lag at the incident: a sample
//! at `t` with lag `l` proves that everything up to `t - l` arrived. The newest such point is the recovery point; the loss is
//! the time from it to the incident. A missing sample is not zero.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::observed::LagSample;

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
    /// How much of `rpo_seconds` is not loss but not knowing: the time in which nobody looked at the primary before it was first
    /// seen failing, and the time between two samples of the metric (a minute on RDS).
    #[serde(default)]
    pub doubt_seconds: f64,
}

/// Not knowing excuses no more than this: two looks of a probe that comes every minute, and half a sample more.
pub const DOUBT_SECONDS_MAX: f64 = 150.0;

impl DataLoss {
    /// What is lost for certain, as far as the samples tell: never less than the lag that was measured, unless the bound is lower.
    pub fn certain_seconds(&self) -> f64 {
        (self.rpo_seconds - self.doubt_seconds).max(self.lag_seconds.min(self.rpo_seconds))
    }
}

/// What the move of a writer within one storage volume loses: nothing that was confirmed (Aurora user guide, "High availability for Amazon
/// Aurora": a write is confirmed once it is in the storage of several Availability Zones, which all instances read). `at`: up to when.
pub fn one_volume(at: Timestamp) -> DataLoss {
    DataLoss { recovery_point_at: at, rpo_seconds: 0.0, lag_seconds: 0.0, doubt_seconds: 0.0 }
}

/// Estimates the loss from the samples around the incident, which lies between the last good look and the first failing one.
/// `None`: nobody can say.
pub fn estimate(samples: &[LagSample], incident_at: Timestamp, last_healthy_at: Option<Timestamp>) -> Option<DataLoss> {
    let unseen_seconds = last_healthy_at.map_or(0.0, |last| seconds_between(last, incident_at));
    let doubt_seconds = (unseen_seconds + spacing_seconds(samples)).clamp(0.0, DOUBT_SECONDS_MAX);
    let oldest = incident_at.checked_sub(SignedDuration::from_secs(SAMPLE_AGE_SECONDS_MAX)).unwrap_or(Timestamp::MIN);
    samples
        .iter()
        .filter(|s| s.lag_seconds >= 0.0 && s.at >= oldest)
        .filter_map(|s| Some((recovery_point(s)?, s.lag_seconds)))
        .max_by_key(|(recovery_point_at, _)| *recovery_point_at)
        .map(|(recovery_point_at, lag_seconds)| DataLoss {
            recovery_point_at,
            rpo_seconds: seconds_between(recovery_point_at, incident_at).max(0.0),
            lag_seconds,
            doubt_seconds,
        })
}

/// The shortest time between two samples: how often the metric is taken. With fewer than two nobody can say, and nothing is excused.
fn spacing_seconds(samples: &[LagSample]) -> f64 {
    let mut times: Vec<Timestamp> = samples.iter().map(|sample| sample.at).collect();
    times.sort();
    times.dedup();
    let gaps = times.windows(2).filter_map(|pair| Some(seconds_between(*pair.first()?, *pair.last()?)));
    gaps.reduce(f64::min).unwrap_or(0.0)
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}

/// Up to when everything had arrived. `None` for a lag that is no time (infinite, not a number, older than the calendar).
fn recovery_point(sample: &LagSample) -> Option<Timestamp> {
    sample.at.checked_sub(SignedDuration::try_from_secs_f64(sample.lag_seconds).ok()?).ok()
}

#[cfg(test)]
mod tests;
