//! Is the primary down? A quorum over fates, held for a time.
//!
//! Signals that can fail for the same reason share a *fate*, and a fate votes once: ten probes of one load balancer are one opinion.
//! A signal that saw nothing has no vote at all, and an observer whose own network is down has no HTTP signals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observed::{SignalObserved, SignalState};

/// What the signals together say of the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing fails, and enough was seen to say so.
    Healthy,
    /// Something fails, but not enough to call the primary down.
    Impaired,
    /// A quorum of fates fails.
    Down,
    /// Too little was seen.
    Unknown,
}

impl Verdict {
    /// The verdict as events and reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Healthy => "healthy",
            Verdict::Impaired => "impaired",
            Verdict::Down => "down",
            Verdict::Unknown => "unknown",
        }
    }
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What each fate showed.
    pub fates: BTreeMap<String, SignalState>,
    /// Whether the observer's own network works; `false` voids the HTTP signals.
    pub observer_network_ok: bool,
    /// What each signal showed (after the voiding).
    pub signals: Vec<SignalObserved>,
}

impl Judgement {
    /// The judgement in a sentence, naming what fails and what was not seen.
    pub fn sentence(&self) -> String {
        let named = |state| {
            let names: Vec<&str> =
                self.fates.iter().filter(|(_, s)| **s == state).map(|(name, _)| name.as_str()).collect();
            if names.is_empty() { "none".to_string() } else { names.join(", ") }
        };
        let observer = if self.observer_network_ok { "" } else { "; the observer's own network is down" };
        format!(
            "the primary is {}: failing {}; healthy {}; unknown {}{observer}",
            self.verdict.as_str(),
            named(SignalState::Failing),
            named(SignalState::Healthy),
            named(SignalState::Unknown),
        )
    }
}

/// Judges one look at the primary.
///
/// `controls` tells for each control address whether it answered; with none of several answering, HTTP signals are unknown,
/// and the observer, being half blind, calls nothing healthy: somebody must hear that it is blind.
pub fn judge(mut signals: Vec<SignalObserved>, controls: &[bool], quorum: u32) -> Judgement {
    let observer_network_ok = controls.is_empty() || controls.iter().any(|answered| *answered);
    if !observer_network_ok {
        for signal in signals.iter_mut().filter(|s| s.over_http && s.state == SignalState::Failing) {
            signal.state = SignalState::Unknown;
            signal.evidence = format!("void, the observer's own network is down ({})", signal.evidence);
        }
    }
    let fates = by_fate(&signals);
    let count = |state| fates.values().filter(|s| **s == state).count() as u64;
    let (failing, healthy) = (count(SignalState::Failing), count(SignalState::Healthy));
    let verdict = if failing >= u64::from(quorum) {
        Verdict::Down
    } else if failing > 0 {
        Verdict::Impaired
    } else if healthy >= u64::from(quorum) && observer_network_ok {
        Verdict::Healthy
    } else {
        Verdict::Unknown
    };
    Judgement { verdict, fates, observer_network_ok, signals }
}

/// What a fate showed: the majority of its members that saw anything; a tie is failing, because a member that fails saw something
/// that must not be, and one fate alone never makes a quorum of two.
fn by_fate(signals: &[SignalObserved]) -> BTreeMap<String, SignalState> {
    let mut votes: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for signal in signals {
        let (healthy, failing) = votes.entry(signal.fate.clone()).or_default();
        match signal.state {
            SignalState::Healthy => *healthy += 1,
            SignalState::Failing => *failing += 1,
            SignalState::Unknown => {}
        }
    }
    let state = |(healthy, failing)| match (healthy, failing) {
        (0, 0) => SignalState::Unknown,
        (healthy, failing) if failing >= healthy => SignalState::Failing,
        _ => SignalState::Healthy,
    };
    votes.into_iter().map(|(fate, vote)| (fate, state(vote))).collect()
}

/// Two looks further apart than this say nothing about the time between: being down was not held. Two looks of a probe that comes
/// every minute may be missed.
pub const HELD_GAP_SECONDS_MAX: i64 = 150;
/// A memory that nobody has refreshed for this long is of another incident.
pub const MEMORY_AGE_SECONDS_MAX: i64 = 900;

/// What the observer remembers between two looks. The scheduled probe and the runs feed the same memory, so a run finds the
/// incident's clock running and does not set it back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// When somebody last looked, whatever was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// When the primary was last seen healthy: the incident began after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_healthy_at: Option<Timestamp>,
    /// The first look that saw the primary down, with none since that saw it serve: the incident's clock.
    ///
    /// A primary that is merely impaired may still take writes, so the clock does not start there: the data loss is measured up to
    /// this point, and a replication that broke hours before the primary died must not make the loss look like nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Since when it has been seen down without a break: what is held against the plan's `holdSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_since: Option<Timestamp>,
}

impl Memory {
    /// The memory as far as it still means something now.
    fn fresh(self, now: Timestamp) -> Self {
        let silent_seconds = self.looked_at.map_or(i64::MAX, |looked_at| now.as_second() - looked_at.as_second());
        Memory {
            failing_since: self.failing_since.filter(|_| silent_seconds <= MEMORY_AGE_SECONDS_MAX),
            down_since: self.down_since.filter(|_| silent_seconds <= HELD_GAP_SECONDS_MAX),
            ..self
        }
    }
}

/// Remembers one more look. Unknown breaks the time of being down (what nobody saw was not held) but not the incident's clock.
///
/// It is monotone enough for two observers at once (a run and the probe): between two healthy looks the clock only ever keeps the
/// time it has, and whoever writes last writes what the other would have written a moment before.
pub fn remember(memory: Memory, verdict: Verdict, now: Timestamp) -> Memory {
    let memory = Memory { looked_at: Some(now), ..memory.fresh(now) };
    match verdict {
        Verdict::Healthy => Memory { last_healthy_at: Some(now), failing_since: None, down_since: None, ..memory },
        Verdict::Impaired => Memory { failing_since: None, down_since: None, ..memory },
        Verdict::Down => Memory {
            failing_since: memory.failing_since.or(Some(now)),
            down_since: memory.down_since.or(Some(now)),
            ..memory
        },
        Verdict::Unknown => Memory { down_since: None, ..memory },
    }
}

/// What a run does after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssessDecision {
    /// The primary is down and has been for the plan's time: act.
    Act {
        /// When the incident began.
        incident_at: Timestamp,
    },
    /// The primary is healthy: there is nothing to recover from.
    Healthy,
    /// Look again.
    LookAgain {
        /// After this many seconds.
        after_seconds: u32,
    },
    /// The time for looking is over without a verdict of down.
    GiveUp,
}

/// Whether a run goes forward for one that got stuck past its pivot, whatever the quorum says: the database is promoted, and a
/// promoted replica's signals are silent. Only a primary seen healthy holds it back: its clients may be writing there, to data that
/// the promoted database does not have, and that is a person's choice.
pub fn goes_forward(verdict: Verdict) -> bool {
    verdict != Verdict::Healthy
}

/// Decides what a run does after a look, `waited_seconds` after the step began.
pub fn assess(
    verdict: Verdict,
    memory: Memory,
    now: Timestamp,
    hold_seconds: u32,
    waited_seconds: i64,
    timeout_seconds: u32,
) -> AssessDecision {
    if verdict == Verdict::Healthy {
        return AssessDecision::Healthy;
    }
    if let (Verdict::Down, Some(down_since)) = (verdict, memory.down_since) {
        let held_seconds = now.as_second() - down_since.as_second();
        let missing_seconds = i64::from(hold_seconds) - held_seconds;
        if missing_seconds <= 0 {
            return AssessDecision::Act { incident_at: memory.failing_since.unwrap_or(down_since) };
        }
        // Holding is progress, so it is not cut off by the time for looking: that time is for signals that never agree.
        let after_seconds = u32::try_from(missing_seconds.min(5)).unwrap_or(5);
        return AssessDecision::LookAgain { after_seconds };
    }
    if waited_seconds >= i64::from(timeout_seconds) {
        AssessDecision::GiveUp
    } else {
        AssessDecision::LookAgain { after_seconds: 3 }
    }
}

#[cfg(test)]
mod tests;
