//! Has the other Region every write of a primary that was fenced? Asked before a planned promotion, which loses nothing.
//!
//! A sample of the lag metric at `t` with lag `l` proves that everything up to `t - l` arrived. Once that point lies after the fence
//! was seen to hold, nothing that was ever confirmed to a client is missing.

use jiff::{SignedDuration, Timestamp};

use crate::decide::data_loss::DataLoss;
use crate::observed::LagSample;

/// How long the last writes may take to arrive, and the metric to say so: RDS publishes once a minute, and a PostgreSQL primary that is idle
/// shows a lag of up to five minutes (RDS for PostgreSQL, "Monitoring replication lag").
pub const CAUGHT_UP_TIMEOUT_SECONDS: u32 = 600;

/// The proof that nothing is missing, as a loss of nothing; `None`: not proven yet.
pub fn caught_up(samples: &[LagSample], fenced_at: Timestamp) -> Option<DataLoss> {
    let proven = |sample: &&LagSample| {
        let lag = SignedDuration::try_from_secs_f64(sample.lag_seconds).ok().filter(|_| sample.lag_seconds >= 0.0);
        lag.and_then(|lag| sample.at.checked_sub(lag).ok()).is_some_and(|arrived| arrived >= fenced_at)
    };
    let sample = samples.iter().find(proven)?;
    Some(DataLoss {
        recovery_point_at: fenced_at,
        rpo_seconds: 0.0,
        lag_seconds: sample.lag_seconds,
        doubt_seconds: 0.0,
    })
}

/// The newest lag in words, for whoever waits.
pub fn newest(samples: &[LagSample]) -> String {
    match samples.iter().max_by_key(|sample| sample.at) {
        None => "no sample of its lag yet".into(),
        Some(sample) if sample.lag_seconds < 0.0 => "it does not replicate".into(),
        Some(sample) => format!("its lag was {:.1} seconds at {}", sample.lag_seconds, sample.at),
    }
}

#[cfg(test)]
mod tests;
