//! The journal: what a run meant to do, the values before, and what came of it. Written around every act.
//!
//! An entry's key is made of step, component and action, so an act that is tried again finds its first entry: the values
//! before are those before the *first* try, whatever a retry would read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{ComponentProgress, Status, Step};
use crate::decide::deadline::seconds_between;

/// One act of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The step it belongs to.
    pub step: Step,
    /// The component's name in the plan.
    pub component: String,
    /// What is done: see [`Action`].
    pub action: Action,
    /// The resource it is done to, by identifier.
    pub resource: String,
    /// When it was meant, before the call.
    pub intent_at: Timestamp,
    /// The lease's generation it was meant under.
    pub generation: u64,
    /// Whether it cannot be undone: such an entry is the pivot.
    pub irreversible: bool,
    /// The values before, as the component kind needs them for its undo.
    pub before: Value,
    /// What came of it. `None`: not known (yet).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<EntryOutcome>,
    /// When it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_at: Option<Timestamp>,
    /// The run that did it, if this one goes on with that run's journal: the values before are those that run found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_from: Option<String>,
}

impl Entry {
    /// The entry's key within its run.
    pub fn key(&self) -> String {
        format!("{}#{}#{}", self.step.as_str(), self.component, self.action.as_str())
    }

    /// Whether it changed something, or may have: an outcome nobody knows counts as done.
    pub fn may_have_changed(&self) -> bool {
        !matches!(self.outcome, Some(EntryOutcome::NotDone { .. }))
    }

    /// For how many seconds the act has been on its way at `now`: since it was accepted or, while nobody knows, since it was intended.
    /// `None`: it is known not to have been done, or its answer has been missing for more than `unanswered_grace_seconds`.
    pub fn on_its_way_seconds(&self, unanswered_grace_seconds: i64, now: Timestamp) -> Option<i64> {
        match &self.outcome {
            Some(EntryOutcome::Accepted { at, .. }) => Some(seconds_between(*at, now)),
            Some(EntryOutcome::NotDone { .. }) => None,
            None => Some(seconds_between(self.intent_at, now)).filter(|ago| *ago <= unanswered_grace_seconds),
        }
    }
}

/// The acts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `autoscaling:UpdateAutoScalingGroup` of the primary's group, to nothing.
    FenceGroup,
    /// `application-autoscaling:RegisterScalableTarget` and `ecs:UpdateService` of the primary's service, to nothing.
    FenceService,
    /// `elasticloadbalancing:SetSecurityGroups` of the primary's load balancer, to one that admits nobody.
    FenceLoadBalancer,
    /// `rds:ModifyDBInstance` of the primary's instance, to a security group that admits nobody.
    FenceInstance,
    /// `elasticloadbalancing:SetSecurityGroups` of a load balancer that was fenced, to the groups that admit its clients.
    LiftLoadBalancer,
    /// `rds:ModifyDBInstance` of an instance that was fenced, to the groups that admit its clients.
    LiftInstance,
    /// `rds:PromoteReadReplica`.
    PromoteReadReplica,
    /// A promoted database is set as the plan says: `rds:ModifyDBInstance`, `rds:ModifyDBCluster`.
    SetPromoted,
    /// A promoted database gets its tags: `rds:AddTagsToResource`.
    TagPromoted,
    /// `rds:ModifyDBInstance` of an old primary: another identifier, so that its name is free for a replica. Its data is kept.
    SetAside,
    /// `rds:CreateDBInstanceReadReplica`.
    CreateReplica,
    /// `rds:CopyDBClusterSnapshot` of what an old Aurora primary had not replicated, to one that nobody's retention takes.
    KeepLostData,
    /// `autoscaling:UpdateAutoScalingGroup`, down to the resting capacity.
    RestGroup,
    /// `rds:FailoverGlobalCluster` with `AllowDataLoss`.
    FailoverGlobalCluster,
    /// `rds:SwitchoverGlobalCluster`, which loses nothing.
    SwitchoverGlobalCluster,
    /// `rds:FailoverDBCluster`: the writer moves within its Region, and nothing is lost.
    FailoverCluster,
    /// `rds:RestoreDBClusterToPointInTime`, `dynamodb:RestoreTableToPointInTime`.
    RestoreToPointInTime,
    /// `backup:StartRestoreJob`.
    StartRestoreJob,
    /// `rds:CreateDBInstance` in a cluster that was restored.
    CreateRestoredInstance,
    /// A restored database is set as the plan says: `rds:ModifyDBCluster`, `rds:ModifyDBInstance`, `rds:RebootDBInstance`,
    /// `dynamodb:UpdateTable`, `dynamodb:UpdateContinuousBackups`, tags.
    SetRestored,
    /// `elasticache:CreateReplicationGroup`.
    CreateCache,
    /// `elasticache:FailoverGlobalReplicationGroup`: the primary's role of a global datastore moves to another Region.
    FailoverGlobalCache,
    /// `autoscaling:UpdateAutoScalingGroup`.
    ResizeGroup,
    /// `application-autoscaling:RegisterScalableTarget` with a minimum and a maximum: up, or in the step `rest` to the resting capacity.
    SetScalableTarget,
    /// `ecs:UpdateService` with a desired count: up, or in the step `rest` to the resting capacity.
    SetDesiredCount,
    /// `lambda:PutFunctionConcurrency` or `DeleteFunctionConcurrency`: up, or in the step `rest` to the resting capacity.
    SetReservedConcurrency,
    /// `lambda:PutProvisionedConcurrencyConfig` or `DeleteProvisionedConcurrencyConfig`: up, or in the step `rest` to the resting capacity.
    SetProvisionedConcurrency,
    /// `codebuild:StartBuild` of a project of the owner's.
    StartBuild,
    /// `ssm:StartAutomationExecution` of a document of the owner's.
    StartAutomation,
    /// `lambda:Invoke` of a function of the owner's, for the first time under this token.
    CallFunction,
    /// `s3:PutObject` of the STOP object.
    PutStopObject,
    /// `s3:DeleteObject` of the STOP object.
    RemoveStopObject,
    /// `route53-recovery-cluster:UpdateRoutingControlStates`.
    SetRoutingControls,
    /// `route53:ChangeResourceRecordSets`.
    UpsertRecords,
}

impl Action {
    /// The action as the journal writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::FenceGroup => "fence-group",
            Action::FenceService => "fence-service",
            Action::FenceLoadBalancer => "fence-load-balancer",
            Action::FenceInstance => "fence-instance",
            Action::LiftLoadBalancer => "lift-load-balancer",
            Action::LiftInstance => "lift-instance",
            Action::PromoteReadReplica => "promote-read-replica",
            Action::SetPromoted => "set-promoted",
            Action::TagPromoted => "tag-promoted",
            Action::SetAside => "set-aside",
            Action::CreateReplica => "create-replica",
            Action::KeepLostData => "keep-lost-data",
            Action::RestGroup => "rest-group",
            Action::FailoverGlobalCluster => "failover-global-cluster",
            Action::SwitchoverGlobalCluster => "switchover-global-cluster",
            Action::FailoverCluster => "failover-cluster",
            Action::RestoreToPointInTime => "restore-to-point-in-time",
            Action::StartRestoreJob => "start-restore-job",
            Action::CreateRestoredInstance => "create-restored-instance",
            Action::SetRestored => "set-restored",
            Action::CreateCache => "create-cache",
            Action::FailoverGlobalCache => "failover-global-cache",
            Action::ResizeGroup => "resize-group",
            Action::SetScalableTarget => "set-scalable-target",
            Action::SetDesiredCount => "set-desired-count",
            Action::SetReservedConcurrency => "set-reserved-concurrency",
            Action::SetProvisionedConcurrency => "set-provisioned-concurrency",
            Action::StartBuild => "start-build",
            Action::StartAutomation => "start-automation",
            Action::CallFunction => "call-function",
            Action::PutStopObject => "put-stop-object",
            Action::RemoveStopObject => "remove-stop-object",
            Action::SetRoutingControls => "set-routing-controls",
            Action::UpsertRecords => "upsert-records",
        }
    }
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum EntryOutcome {
    /// AWS accepted it.
    Accepted {
        /// When.
        at: Timestamp,
        /// What AWS answered that is needed later (a change id), or a word for people.
        detail: String,
    },
    /// AWS refused it for certain: it had no effect.
    NotDone {
        /// When.
        at: Timestamp,
        /// Why.
        detail: String,
    },
}

/// How far a step was, at its newest invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The step.
    pub name: Step,
    /// When the state machine entered it.
    pub started_at: Timestamp,
    /// When it was done or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How far it is.
    pub outcome: Status,
    /// Its components.
    pub components: Vec<ComponentProgress>,
    /// The failure that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The workload's lease, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// The workload.
    pub workload: String,
    /// The run that holds it, or held it last.
    pub run_id: String,
    /// Counts up by one with every run that takes it.
    pub generation: u64,
    /// What its holder may do.
    pub phase: LeasePhase,
    /// After this it may be taken over.
    pub expires_at: Timestamp,
    /// Until then an automatic start is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_until: Option<Timestamp>,
    /// The run that held it before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_run_id: Option<String>,
    /// How that run left it: not released means that it was taken over from a run that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_phase: Option<LeasePhase>,
}

impl Lease {
    /// The run this lease was taken over from, if that one never gave it up.
    pub fn taken_over_from(&self) -> Option<&str> {
        self.previous_run_id.as_deref().filter(|_| self.previous_phase.is_some_and(|p| p != LeasePhase::Released))
    }
}

/// A run that got stuck: past its pivot and not through, or with an undo that failed. The next run takes up its
/// assessment - the signals of a replica that was promoted say nothing any more - and its journal, and goes forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    /// The run that got stuck.
    pub run_id: String,
    /// When a later run got through. Absent: still between two Regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// What a lease's holder may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeasePhase {
    /// Act.
    Acting,
    /// Only undo: an act that comes late (a function that outlived its state) is refused.
    RollingBack,
    /// Nothing: the run is over.
    Released,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_on_its_way_since_it_was_accepted_or_while_its_answer_may_still_come() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let accepted = Some(EntryOutcome::Accepted { at: at(105), detail: String::new() });
        let not_done = Some(EntryOutcome::NotDone { at: at(105), detail: String::new() });
        // Its outcome, the time of the look, and for how long it has been on its way, with 60 seconds of grace from 100 on.
        let cases = [
            (accepted.clone(), 110, Some(5)),
            (accepted, 900, Some(795)),
            (not_done, 110, None),
            (None, 160, Some(60)),
            (None, 161, None),
        ];
        for (outcome, now, expected) in cases {
            let entry = Entry {
                step: Step::PromoteData,
                component: "db".into(),
                action: Action::PromoteReadReplica,
                resource: "db".into(),
                intent_at: at(100),
                generation: 1,
                irreversible: true,
                before: Value::Null,
                outcome: outcome.clone(),
                undone_at: None,
                adopted_from: None,
            };
            assert_eq!(entry.on_its_way_seconds(60, at(now)), expected, "{outcome:?} at {now}");
        }
    }
}
