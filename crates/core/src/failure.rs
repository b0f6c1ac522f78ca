//! Every way a run can fail, named once.
//!
//! A name is what the state machine's `Retry` and `Catch` match (exactly: AWS compares error names to the letter) and what the
//! person on call reads first. `tests/state_machine_names.rs` holds the state machine against this list.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! failure_names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The documented error names. The text of a name is its identifier.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum FailureName { $($(#[$doc])* $name),+ }

        impl FailureName {
            /// Every name there is.
            pub const ALL: &'static [FailureName] = &[$(FailureName::$name),+];

            /// The name as the state machine, the journal and the report write it.
            pub fn as_str(self) -> &'static str {
                match self { $(FailureName::$name => stringify!($name)),+ }
            }
        }
    };
}

failure_names! {
    /// The event handed to a function is not what it takes. Nothing was touched.
    EventInvalid,
    /// The plan document does not hold: every problem is listed with its path. Nothing was touched.
    PlanInvalid,
    /// There is no plan of that name in the artifacts bucket. Nothing was touched.
    PlanNotFound,
    /// The pinned version of the plan no longer has the hash it had when the run began.
    PlanChanged,
    /// Another run holds the workload's lease. Nothing was touched.
    LeaseHeld,
    /// An automatic start fell into the cooldown after an earlier run. Nothing was touched.
    CooldownActive,
    /// This run no longer holds the lease (taken over, or closed): it must not act any more.
    LeaseLost,
    /// The primary is serving: there is nothing to recover from.
    PrimaryHealthy,
    /// The signals never agreed that the primary is down.
    PrimaryNotDown,
    /// The recovery Region cannot take over as the plan says (missing replica, group, record ...).
    NotReady,
    /// A required fence was not achieved: the old primary may still take writes.
    FenceNotAchieved,
    /// A person refused the promotion.
    ApprovalRefused,
    /// Nobody approved the promotion in time.
    ApprovalExpired,
    /// A door at home, closed by an earlier fence, could not be opened: nothing was promoted.
    LiftFailed,
    /// A planned run wants every part to be well, and something is not: nothing was changed.
    NotHealthy,
    /// The fenced primary's last writes did not arrive in the other Region in time: nothing was promoted.
    NotCaughtUp,
    /// Replication could not be rebuilt towards the Region that does not serve.
    ProtectFailed,
    /// The primary serves again, and the pivot was not passed: everything is put back.
    PrimaryRecovered,
    /// The run that was to be gone on with is not stuck, and holds no lease.
    NothingToResume,
    /// An earlier run of another mode is between two Regions, and nobody in person decided to leave it there. Nothing was touched.
    UnfinishedRun,
    /// A promotion was asked for that the gate did not pass.
    GateNotPassed,
    /// Promoting now would lose more data than the plan allows, or nobody can say how much.
    DataLossTooHigh,
    /// AWS refused the promotion; the replica is still a replica.
    PromotionRefused,
    /// A promotion was accepted but did not lead to a writable database.
    PromotionFailed,
    /// The compute component cannot be brought to its capacity.
    ComputeFailed,
    /// What the owner's own hook does (a build, an automation, a function) did not come to a good end, or could not be started.
    HookFailed,
    /// The traffic switch could not be moved.
    TrafficFailed,
    /// The recovered application does not work.
    ValidationFailed,
    /// A step did not reach its goal within the plan's time.
    StepDeadlineExceeded,
    /// An undo could not bring a value back.
    RollbackIncomplete,
    /// The journal could not be read or written; no act may follow.
    JournalUnavailable,
    /// AWS throttled, failed or did not answer: the outcome may be unknown. Retried by observing again.
    AwsUnavailable,
    /// AWS refused a call for good (permissions, wrong parameters).
    AwsRefused,
    /// The function's own configuration is wrong (a missing environment variable).
    Misconfigured,
    /// Terminal: the run was refused before anything was changed.
    Refused,
    /// Terminal: the run failed before the pivot and every value is back as it was.
    RolledBack,
    /// Terminal: the run cannot go on and cannot go back by itself; a person was paged.
    Stuck,
}

impl fmt::Display for FailureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure for the person on call: what failed, on which resource, what is now true, what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{name}: {what} [{resource}]. Now: {now_true}. Next: {next}")]
pub struct Failure {
    /// Which of the documented failures this is.
    pub name: FailureName,
    /// What failed, in one sentence without a full stop.
    pub what: String,
    /// The resource it failed on (an identifier, ARN, path or field).
    pub resource: String,
    /// What is true now: what was changed, what was not.
    pub now_true: String,
    /// What the person on call should do next.
    pub next: String,
}

impl Failure {
    /// A failure whose state and next step are still to be said with [`Failure::now`] and [`Failure::next`].
    pub fn new(name: FailureName, resource: impl Into<String>, what: impl Into<String>) -> Self {
        Failure {
            name,
            what: what.into(),
            resource: resource.into(),
            now_true: "nothing was changed by this call".into(),
            next: "mend the cause and start the run again".into(),
        }
    }

    /// Says what is true now.
    #[must_use]
    pub fn now(mut self, now_true: impl Into<String>) -> Self {
        self.now_true = now_true.into();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_their_identifiers_everywhere() {
        for name in FailureName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
            assert_eq!(name.to_string(), name.as_str());
        }
    }

    #[test]
    fn a_failure_reads_as_a_page() {
        let failure = Failure::new(FailureName::PromotionRefused, "orders-db-replica", "RDS refused the promotion")
            .now("the replica still replicates")
            .next("wait for the backup to end, then start again");
        assert_eq!(
            failure.to_string(),
            "PromotionRefused: RDS refused the promotion [orders-db-replica]. Now: the replica still replicates. \
             Next: wait for the backup to end, then start again"
        );
    }
}
