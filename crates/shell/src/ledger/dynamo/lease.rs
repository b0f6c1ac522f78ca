//! The lease: conditional writes on one item, each naming the holder when it is refused.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use pilot_core::contract::{Mode, Run};
use pilot_core::journal::{Lease, LeasePhase};
use pilot_core::{Failure, FailureName};

use super::DynamoLedger;
use super::items::{Item, Key, seconds, text};
use crate::CallError;
use crate::ledger::LeaseRequest;

/// A free lease, or one whose run was silent for too long. A run that gave its lease up never takes it again: a late copy of its
/// `open-run` would hold the workload for nobody.
const FREE: &str =
    "(attribute_not_exists(pk) OR (#runId <> :runId AND (#phase = :released OR #expiresAtSeconds <= :now)))";
/// The same, or a lease of the run that a person wants to go on with: the new generation shuts that one out.
const FREE_OR_RESUMED: &str = "(attribute_not_exists(pk) OR (#runId <> :runId AND \
     (#phase = :released OR #expiresAtSeconds <= :now OR #runId = :resume)))";
/// What holds an automatic start back.
const COOLED_DOWN: &str = "(attribute_not_exists(#cooldownUntilSeconds) OR #cooldownUntilSeconds <= :now)";
/// The lease is this run's.
const OURS: &str = "#runId = :runId AND #generation = :generation";

/// An update that was carried out, or the item that stood in its way.
enum Conditional {
    Done(Option<Item>),
    Refused(Option<Item>),
}

impl DynamoLedger {
    pub(super) async fn lease_take(&self, request: &LeaseRequest) -> Result<Lease, Failure> {
        let key = lease_key(&request.workload, request.mode);
        let expires_at = request.now + SignedDuration::from_secs(i64::from(request.lease_seconds));
        // The cooldown of an earlier run is left in place: a person's run in between must not lift it.
        let mut update = self
            .update(&key)
            .update_expression(
                // What stands on the right is read before anything is set: the earlier holder.
                "SET #previousRunId = if_not_exists(#runId, :none), #previousPhase = if_not_exists(#phase, :released), \
                 #workload = :workload, #runId = :runId, #generation = if_not_exists(#generation, :zero) + :one, \
                 #phase = :acting, #acquiredAt = :acquiredAt, #expiresAt = :expiresAt, \
                 #expiresAtSeconds = :expiresAtSeconds REMOVE #releasedAt",
            )
            .return_values(ReturnValue::AllNew)
            .expression_attribute_values(":workload", text(&request.workload))
            .expression_attribute_values(":runId", text(&request.run_id))
            .expression_attribute_values(":none", text(""))
            .expression_attribute_values(":zero", AttributeValue::N("0".into()))
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .expression_attribute_values(":acting", phase_value(LeasePhase::Acting))
            .expression_attribute_values(":released", phase_value(LeasePhase::Released))
            .expression_attribute_values(":acquiredAt", text(request.now.to_string()))
            .expression_attribute_values(":expiresAt", text(expires_at.to_string()))
            .expression_attribute_values(":expiresAtSeconds", seconds(expires_at))
            .expression_attribute_values(":now", seconds(request.now));
        let free = match &request.resume {
            Some(resume) => {
                update = update.expression_attribute_values(":resume", text(resume));
                FREE_OR_RESUMED
            }
            None => FREE,
        };
        update = if request.automatic {
            update.condition_expression(format!("{free} AND {COOLED_DOWN}"))
        } else {
            update.condition_expression(free)
        };
        let mut names = vec![
            "workload",
            "runId",
            "generation",
            "phase",
            "acquiredAt",
            "expiresAt",
            "expiresAtSeconds",
            "releasedAt",
            "previousRunId",
            "previousPhase",
        ];
        if request.automatic {
            names.push("cooldownUntilSeconds");
        }
        match self.send(update, &names, &key).await? {
            Conditional::Done(Some(item)) => self.read(item),
            Conditional::Refused(Some(item)) => {
                let lease: Lease = self.read(item)?;
                take_refused(request, lease, &self.resource(&key))
            }
            // DynamoDB answers a conditional update with the item it was asked for; without it nothing is known of the outcome.
            Conditional::Done(None) | Conditional::Refused(None) => {
                let error = CallError::Unknown { message: "the answer holds no item".into() };
                Err(self.call_error("dynamodb:UpdateItem", &key, error))
            }
        }
    }

    pub(super) async fn lease_hold(&self, run: &Run, phase: LeasePhase, expires_at: Timestamp) -> Result<(), Failure> {
        let key = lease_key(&run.plan.name, run.mode);
        let update = ours(self.update(&key), run)
            .update_expression("SET #expiresAt = :expiresAt, #expiresAtSeconds = :expiresAtSeconds")
            .condition_expression(format!("{OURS} AND #phase = :phase"))
            .expression_attribute_values(":phase", phase_value(phase))
            .expression_attribute_values(":expiresAt", text(expires_at.to_string()))
            .expression_attribute_values(":expiresAtSeconds", seconds(expires_at));
        let names = ["runId", "generation", "phase", "expiresAt", "expiresAtSeconds"];
        self.held(self.send(update, &names, &key).await?, run)
    }

    pub(super) async fn lease_begin_rollback(&self, run: &Run) -> Result<(), Failure> {
        let key = lease_key(&run.plan.name, run.mode);
        let update = ours(self.update(&key), run)
            .update_expression("SET #phase = :rollingBack")
            .condition_expression(format!("{OURS} AND #phase IN (:acting, :rollingBack)"))
            .expression_attribute_values(":acting", phase_value(LeasePhase::Acting))
            .expression_attribute_values(":rollingBack", phase_value(LeasePhase::RollingBack));
        self.held(self.send(update, &["runId", "generation", "phase"], &key).await?, run)
    }

    pub(super) async fn lease_act_again(&self, run: &Run) -> Result<(), Failure> {
        let key = lease_key(&run.plan.name, run.mode);
        let update = ours(self.update(&key), run)
            .update_expression("SET #phase = :acting")
            .condition_expression(format!("{OURS} AND #phase IN (:acting, :rollingBack)"))
            .expression_attribute_values(":acting", phase_value(LeasePhase::Acting))
            .expression_attribute_values(":rollingBack", phase_value(LeasePhase::RollingBack));
        self.held(self.send(update, &["runId", "generation", "phase"], &key).await?, run)
    }

    pub(super) async fn lease_release(&self, run: &Run, cooldown_until: Option<Timestamp>) -> Result<bool, Failure> {
        let key = lease_key(&run.plan.name, run.mode);
        let mut names = vec!["runId", "generation", "phase", "releasedAt"];
        let mut expression = "SET #phase = :released, #releasedAt = :releasedAt".to_owned();
        let mut update = ours(self.update(&key), run)
            .condition_expression(format!("{OURS} AND #phase <> :released"))
            .expression_attribute_values(":released", phase_value(LeasePhase::Released))
            // For people only: no condition reads it.
            .expression_attribute_values(":releasedAt", text(Timestamp::now().to_string()));
        if let Some(until) = cooldown_until {
            expression.push_str(", #cooldownUntil = :cooldownUntil, #cooldownUntilSeconds = :cooldownUntilSeconds");
            names.extend(["cooldownUntil", "cooldownUntilSeconds"]);
            update = update
                .expression_attribute_values(":cooldownUntil", text(until.to_string()))
                .expression_attribute_values(":cooldownUntilSeconds", seconds(until));
        }
        let update = update.update_expression(expression);
        match self.send(update, &names, &key).await? {
            Conditional::Done(_) => Ok(true),
            Conditional::Refused(item) => {
                let lease = item.map(|item| self.read::<Lease>(item)).transpose()?;
                // Given up already, by an earlier try of the same closing.
                Ok(lease.is_some_and(|lease| is_of(&lease, run)))
            }
        }
    }

    pub(super) async fn lease_read(&self, workload: &str, mode: Mode) -> Result<Option<Lease>, Failure> {
        let key = lease_key(workload, mode);
        let answer = self.get(&key).await.map_err(|error| self.call_error("dynamodb:GetItem", &key, error))?;
        answer.map(|item| self.read(item)).transpose()
    }

    /// One item, read consistently.
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Item>, CallError> {
        let call = self.client.get_item().table_name(&self.table).consistent_read(true);
        Ok(call.set_key(Some(key.attributes())).send().await?.item)
    }

    fn update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Sends a conditional update. Every attribute is named by a placeholder: DynamoDB's list of reserved words is long and grows.
    async fn send(
        &self,
        mut update: UpdateItemFluentBuilder,
        names: &[&str],
        key: &Key,
    ) -> Result<Conditional, Failure> {
        for name in names {
            update = update.expression_attribute_names(format!("#{name}"), *name);
        }
        let error = match update.send().await {
            Ok(answer) => return Ok(Conditional::Done(answer.attributes)),
            Err(error) => error,
        };
        if let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() {
            return Ok(Conditional::Refused(refused.item.clone()));
        }
        Err(self.call_error("dynamodb:UpdateItem", key, error.into()))
    }

    fn held(&self, result: Conditional, run: &Run) -> Result<(), Failure> {
        match result {
            Conditional::Done(_) => Ok(()),
            Conditional::Refused(item) => {
                let lease = item.map(|item| self.read::<Lease>(item)).transpose()?;
                Err(lease_lost(run, lease.as_ref()))
            }
        }
    }
}

/// A dry run changes nothing, so it must not hold up a run that does: its lease is another one.
pub(super) fn lease_key(workload: &str, mode: Mode) -> Key {
    Key::workload(workload, if mode.acts() { "lease" } else { "lease#dryRun" })
}

pub(super) fn phase_value(phase: LeasePhase) -> AttributeValue {
    text(phase_name(phase))
}

/// The same text that serde writes: a test holds the two together.
fn phase_name(phase: LeasePhase) -> &'static str {
    match phase {
        LeasePhase::Acting => "acting",
        LeasePhase::RollingBack => "rollingBack",
        LeasePhase::Released => "released",
    }
}

fn ours(update: UpdateItemFluentBuilder, run: &Run) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_values(":runId", text(&run.run_id))
        .expression_attribute_values(":generation", AttributeValue::N(run.generation.to_string()))
}

fn is_of(lease: &Lease, run: &Run) -> bool {
    lease.run_id == run.run_id && lease.generation == run.generation
}

/// Why the lease could not be taken: from the item that stood in the way.
fn take_refused(request: &LeaseRequest, lease: Lease, resource: &str) -> Result<Lease, Failure> {
    let free = lease.phase == LeasePhase::Released || lease.expires_at.as_second() <= request.now.as_second();
    if lease.run_id == request.run_id {
        if lease.phase != LeasePhase::Released {
            // The same run asks again: the answer to its first try was lost.
            return Ok(lease);
        }
        return Err(Failure::new(FailureName::LeaseLost, resource, format!("run {} is over", lease.run_id))
            .now("nothing was touched; the lease stays free")
            .next("start a new run under another name"));
    }
    if !free {
        let what = format!("run {} holds the workload {:?}", lease.run_id, lease.workload);
        return Err(Failure::new(FailureName::LeaseHeld, resource, what)
            .now(format!("that run goes on; its lease runs out at {} if it falls silent", lease.expires_at))
            .next("follow that run; start again once it has ended. If its execution has ended already, go on with it: pilot resume"));
    }
    let until = lease.cooldown_until.map_or("an unknown time".into(), |until| until.to_string());
    let what = format!("an automatic start is held back until {until}, after run {} acted", lease.run_id);
    Err(Failure::new(FailureName::CooldownActive, resource, what)
        .now("nothing was touched")
        .next("look at that run's report; a person can start a run at once"))
}

/// The failure of a run that must not act any more.
pub(super) fn lease_lost(run: &Run, lease: Option<&Lease>) -> Failure {
    let what = match lease {
        None => "there is no lease for the workload any more".into(),
        Some(lease) if is_of(lease, run) => {
            format!("this run's lease is in the phase {}: this act comes late", phase_name(lease.phase))
        }
        Some(lease) => {
            format!("run {} took the lease over, generation {}", lease.run_id, lease.generation)
        }
    };
    Failure::new(FailureName::LeaseLost, format!("workload {}", run.plan.name), what)
        .now("this call changed nothing; what the run did before stands in its journal")
        .next("follow the run that holds the lease; it observes what is there before it acts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn request(run_id: &str, automatic: bool) -> LeaseRequest {
        LeaseRequest {
            workload: "shop".into(),
            run_id: run_id.into(),
            automatic,
            mode: Mode::Failover,
            resume: None,
            now: at("2026-01-01T00:10:00Z"),
            lease_seconds: 900,
        }
    }

    fn lease(phase: LeasePhase, expires_at: &str) -> Lease {
        Lease {
            workload: "shop".into(),
            run_id: "run-1".into(),
            generation: 7,
            phase,
            expires_at: at(expires_at),
            cooldown_until: Some(at("2026-01-01T00:30:00Z")),
            previous_run_id: None,
            previous_phase: None,
        }
    }

    fn refusal(request: &LeaseRequest, lease: Lease) -> FailureName {
        take_refused(request, lease, "table").unwrap_err().name
    }

    #[test]
    fn phases_are_written_as_they_are_read() {
        for phase in [LeasePhase::Acting, LeasePhase::RollingBack, LeasePhase::Released] {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase_name(phase));
        }
    }

    #[test]
    fn a_refused_lease_names_what_stands_in_the_way() {
        let later = "2026-01-01T00:20:00Z";
        let earlier = "2026-01-01T00:00:00Z";
        let first = lease(LeasePhase::Acting, later);
        assert_eq!(take_refused(&request("run-1", true), first.clone(), "table").unwrap(), first);
        assert_eq!(refusal(&request("run-2", true), first), FailureName::LeaseHeld);
        assert_eq!(refusal(&request("run-2", true), lease(LeasePhase::Released, later)), FailureName::CooldownActive);
        assert_eq!(refusal(&request("run-2", true), lease(LeasePhase::Acting, earlier)), FailureName::CooldownActive);
        assert_eq!(refusal(&request("run-1", false), lease(LeasePhase::Released, later)), FailureName::LeaseLost);
    }
}
