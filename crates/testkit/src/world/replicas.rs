//! RDS read replicas: promotion is refused in the wrong state, does not show at once, and takes a while.

use jiff::Timestamp;
use pilot_core::observed::{LagSample, ReplicaObserved};
use pilot_shell::CallError;
use pilot_shell::ports::Replicas;

use super::{FakeWorld, refused};

/// How a promotion ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromotionEnd {
    /// The source is gone and the instance `available`.
    Promoted,
    /// The instance is `failed`, its source in place.
    Failed,
    /// RDS gives up: it is a replica again.
    GivenUp,
}

/// A DB instance in the recovery Region.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeReplica {
    /// As RDS would describe it now.
    pub observed: ReplicaObserved,
    /// The `ReplicaLag` metric.
    pub lag: Vec<LagSample>,
    /// How the next promotion ends.
    pub promotion_end: PromotionEnd,
    /// Statuses that the next descriptions show before the instance is `available` (a backup that runs).
    pub busy: Vec<String>,
    /// How often a promotion was accepted.
    pub promotions: u32,
    /// What the next descriptions show of a promotion under way, first first.
    under_way: Vec<&'static str>,
}

impl FakeReplica {
    /// A replica of this source that replicates and is available.
    pub fn replicating(source: &str) -> Self {
        FakeReplica {
            observed: ReplicaObserved {
                status: "available".into(),
                source: Some(source.into()),
                replication: Some("replicating".into()),
                backup_retention_days: 0,
            },
            lag: Vec::new(),
            promotion_end: PromotionEnd::Promoted,
            busy: Vec::new(),
            promotions: 0,
            under_way: Vec::new(),
        }
    }

    fn look(&mut self) -> ReplicaObserved {
        if !self.busy.is_empty() {
            self.observed.status = self.busy.remove(0);
            return self.observed.clone();
        }
        if !self.under_way.is_empty() {
            self.observed.status = self.under_way.remove(0).into();
            return self.observed.clone();
        }
        self.settle();
        self.observed.clone()
    }

    /// Brings the instance to where it stays: a backup or a promotion is through.
    fn settle(&mut self) {
        match (self.promotions, self.promotion_end) {
            (0, _) | (_, PromotionEnd::GivenUp) if self.observed.status != "failed" => {
                self.observed.status = "available".into();
            }
            (1.., PromotionEnd::Promoted) => {
                self.observed.status = "available".into();
                self.observed.source = None;
                self.observed.replication = None;
            }
            (1.., PromotionEnd::Failed) => self.observed.status = "failed".into(),
            _ => {}
        }
    }
}

impl FakeWorld {
    /// Puts an instance into the Region.
    pub fn put_replica(&self, identifier: &str, replica: FakeReplica) {
        self.write().replicas.insert(identifier.into(), replica);
    }

    /// Changes an instance from outside.
    pub fn change_replica(&self, identifier: &str, change: impl FnOnce(&mut FakeReplica)) {
        if let Some(replica) = self.write().replicas.get_mut(identifier) {
            change(replica);
        }
    }

    /// The instance as it is, without looking at it.
    pub fn peek_replica(&self, identifier: &str) -> Option<FakeReplica> {
        self.read().replicas.get(identifier).cloned()
    }
}

impl Replicas for FakeWorld {
    async fn describe(&self, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        Ok(self.write().replicas.get_mut(identifier).map(FakeReplica::look))
    }

    async fn lag_samples(&self, identifier: &str, from: Timestamp, to: Timestamp) -> Result<Vec<LagSample>, CallError> {
        // CloudWatch knows no instances: an unknown one has no samples.
        let state = self.read();
        let samples = state.replicas.get(identifier).map_or(&[][..], |replica| replica.lag.as_slice());
        Ok(samples.iter().filter(|sample| sample.at >= from && sample.at < to).copied().collect())
    }

    async fn promote(&self, identifier: &str, backup_retention_days: u32) -> Result<(), CallError> {
        let mut state = self.write();
        let Some(replica) = state.replicas.get_mut(identifier) else {
            return Err(refused("DBInstanceNotFound", format!("DBInstance {identifier} not found.")));
        };
        if replica.observed.source.is_none() {
            return Err(refused("InvalidDBInstanceState", format!("DB Instance {identifier} is not a read replica.")));
        }
        if replica.observed.status != "available" || !replica.under_way.is_empty() || !replica.busy.is_empty() {
            return Err(refused("InvalidDBInstanceState", format!("DB instance {identifier} is not available.")));
        }
        replica.promotions += 1;
        replica.observed.backup_retention_days = backup_retention_days;
        // Right after the call the status still reads `available`: the trap the decision must not fall into.
        replica.under_way = vec!["available", "modifying", "rebooting"];
        Ok(())
    }
}
