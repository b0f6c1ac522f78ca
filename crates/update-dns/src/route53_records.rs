//! Route 53 records: observe, decide, upsert - and the undo of it, in one file.
//!
//! Editing records is a control-plane call that depends on us-east-1, which may be the Region that is down: the stated alternative for
//! workloads that cannot have the STOP object.

use std::cell::RefCell;

use pilot_core::decide::records::{ChangeState, Decision, batches, decide, key_of};
use pilot_core::journal::{Action, Entry, EntryOutcome};
use pilot_core::observed::RecordObserved;
use pilot_core::plan::{DnsRecord, RecordType, Route53Records};
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{Listed, Records};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde::{Deserialize, Serialize};
use serde_json::json;

const CHANGE: &str = "route53:ChangeResourceRecordSets";
/// How soon a change on its way is asked for again: Route 53 takes 5 calls a second for the whole account.
const INSYNC_LOOK_SECONDS: u32 = 2;

/// A record before the run; `found` is absent where there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Before {
    name: String,
    record_type: RecordType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<RecordObserved>,
}

/// Brings one component's records a step on towards the recovery Region.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, R: Records>(
    context: &StepContext<'_, L>,
    records: &R,
    component: &Route53Records,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let zone = component.hosted_zone_id.as_str();
    let listed = observe(records, zone, &component.records).await?;
    let earlier = context.earlier(&component.name, Action::UpsertRecords).await?;
    let change = match changes_of(earlier.as_ref()) {
        Changes::None => ChangeState::None,
        // Nobody knows the change's id, so nobody can ask for it: made again, it is the same and has an id.
        Changes::Unknown => ChangeState::Gone,
        Changes::Made(ids) => change_state(records, &ids).await?,
    };
    match decide(&component.records, &listed, change) {
        Decision::Done => Ok(done(&component.name, format!("{} records, in sync", component.records.len()))),
        Decision::Wait => {
            let detail = "the change is on its way to the name servers";
            context.check_deadline(zone, detail, allowed_seconds)?;
            Ok(in_progress(&component.name, detail, INSYNC_LOOK_SECONDS))
        }
        Decision::Upsert(differing) => {
            context.check_deadline(zone, "the records do not lead to the recovery Region", allowed_seconds)?;
            upsert(context, records, component, &differing, &listed, earlier.as_ref()).await
        }
    }
}

async fn upsert<L: Ledger, R: Records>(
    context: &StepContext<'_, L>,
    records: &R,
    component: &Route53Records,
    differing: &[DnsRecord],
    listed: &Listed,
    earlier: Option<&Entry>,
) -> Result<Progress, Failure> {
    let zone = component.hosted_zone_id.as_str();
    let act = Act {
        component: component.name.clone(),
        action: Action::UpsertRecords,
        resource: zone.to_owned(),
        irreversible: false,
        // All of them, not only those that differ now: a later try may have to write the others.
        before: json!(before(&component.records, listed)),
        intention: format!("rewritten: {} records", differing.len()),
    };
    let refusal = RefCell::new(None);
    let call = || async { in_batches(records, zone, differing, &refusal).await };
    let result = context.act(act, earlier, call).await?;
    if let Some(refused) = refusal.into_inner() {
        return Err(Failure::new(FailureName::TrafficFailed, zone, format!("{CHANGE} was {refused}"))
            .now("the journal holds every record's values before; a batch is taken whole or not at all")
            .next("check update-dns's role and the records in the plan; then start the run again"));
    }
    match result {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(_) => {
            Ok(in_progress(&component.name, format!("{} records written", differing.len()), INSYNC_LOOK_SECONDS))
        }
        Acted::Failed(error) => Err(error.into_failure(CHANGE, zone)),
    }
}

/// Writes the records in as many batches as Route 53 needs; the changes' ids as a JSON list.
///
/// Once one batch was taken, whatever befalls a later one leaves the act half done: its outcome is unknown and not "not done". A
/// refusal is put aside, so that it can be told as one.
async fn in_batches<R: Records>(
    records: &R,
    zone: &str,
    differing: &[DnsRecord],
    refusal: &RefCell<Option<CallError>>,
) -> Result<String, CallError> {
    let batches = batches(differing);
    let mut ids: Vec<String> = Vec::new();
    for (i, batch) in batches.iter().enumerate() {
        match records.upsert(zone, batch).await {
            Ok(id) => ids.push(id),
            Err(error) => {
                if matches!(error, CallError::Refused { .. }) {
                    *refusal.borrow_mut() = Some(error.clone());
                }
                if ids.is_empty() {
                    return Err(error);
                }
                return Err(CallError::Unknown { message: format!("batch {} of {}: {error}", i + 1, batches.len()) });
            }
        }
    }
    Ok(json!(ids).to_string())
}

/// The changes a journal entry knows of.
enum Changes {
    /// None was made.
    None,
    /// Some may have been made, under ids nobody knows.
    Unknown,
    /// These.
    Made(Vec<String>),
}

fn changes_of(earlier: Option<&Entry>) -> Changes {
    match earlier.map(|entry| &entry.outcome) {
        None | Some(Some(EntryOutcome::NotDone { .. })) => Changes::None,
        Some(None) => Changes::Unknown,
        Some(Some(EntryOutcome::Accepted { detail, .. })) => {
            serde_json::from_str(detail).map_or(Changes::Unknown, Changes::Made)
        }
    }
}

/// The state of several changes together: one that is lost counts most, one that is on its way next.
async fn change_state<R: Records>(records: &R, ids: &[String]) -> Result<ChangeState, Failure> {
    let mut together = ChangeState::InSync;
    for id in ids {
        let state = records.change_state(id).await.map_err(|error| error.into_failure("route53:GetChange", id))?;
        together = match (together, state) {
            (ChangeState::Gone, _) | (_, ChangeState::Gone | ChangeState::None) => ChangeState::Gone,
            (ChangeState::Pending, _) | (_, ChangeState::Pending) => ChangeState::Pending,
            (together, ChangeState::InSync) => together,
        };
    }
    Ok(if ids.is_empty() { ChangeState::Gone } else { together })
}

async fn observe<R: Records>(records: &R, zone: &str, wanted: &[DnsRecord]) -> Result<Listed, Failure> {
    let listed = records.list(zone, wanted).await;
    listed.map_err(|error| error.into_failure("route53:ListResourceRecordSets", zone))
}

fn before(wanted: &[DnsRecord], listed: &Listed) -> Vec<Before> {
    let before = |record: &DnsRecord| Before {
        name: record.name.clone(),
        record_type: record.record_type,
        set_identifier: record.set_identifier.clone(),
        found: listed.get(&key_of(record)).cloned(),
    };
    wanted.iter().map(before).collect()
}

/// The evidence that keeps the undo's own changes, so that the next invocation can ask whether they are everywhere. An empty list: a
/// change was meant and its id is not known.
fn undo_evidence_name(component: &str) -> String {
    format!("undo-changes#{component}")
}

/// The undo of [`reconcile`]: records go back to exactly the journalled values, those that were not there are deleted, and the change
/// is waited for until it is everywhere. Doing it twice is the same as once.
///
/// # Errors
/// `RollbackIncomplete` if they cannot go back, `AwsUnavailable` (tried again), `AwsRefused`, `JournalUnavailable`.
pub async fn undo<L: Ledger, R: Records>(
    ledger: &L,
    run_id: &str,
    records: &R,
    entry: &Entry,
) -> Result<Progress, Failure> {
    let zone = entry.resource.as_str();
    let before: Vec<Before> = serde_json::from_value(entry.before.clone())
        .map_err(|error| incomplete(zone, format!("the journal's values before cannot be read: {error}")))?;
    let (restore, absent) = targets(&before);
    let every: Vec<DnsRecord> = restore.iter().chain(&absent).cloned().collect();
    let listed = observe(records, zone, &every).await?;
    let evidence_name = undo_evidence_name(&entry.component);
    let change = match ledger.evidence(run_id).await?.get(&evidence_name) {
        None => ChangeState::None,
        Some(ids) => {
            let ids: Vec<String> = serde_json::from_value(ids.clone()).unwrap_or_default();
            change_state(records, &ids).await?
        }
    };
    let remove = standing(&absent, &listed);
    let restore = match decide(&restore, &listed, change) {
        Decision::Wait => {
            let detail = "the values before are on their way to the name servers";
            return Ok(in_progress(&entry.component, detail, INSYNC_LOOK_SECONDS));
        }
        Decision::Done if remove.is_empty() => {
            return Ok(done(&entry.component, format!("{} records are back at the values before", before.len())));
        }
        // What was lost was a change that only deleted, and the records are gone: there is nothing to make again.
        Decision::Upsert(restore) if restore.is_empty() && remove.is_empty() => {
            return Ok(done(&entry.component, format!("{} records are gone again", absent.len())));
        }
        Decision::Done => Vec::new(),
        Decision::Upsert(restore) => restore,
    };
    // Meant before it is made: if the answers are lost, the next invocation knows that there may be a change to wait for.
    ledger.keep_evidence(run_id, &evidence_name, &json!([])).await?;
    let mut ids = Vec::new();
    for batch in batches(&restore) {
        ids.push(refused_is_incomplete(zone, records.upsert(zone, &batch).await)?);
    }
    for batch in batches(&remove) {
        ids.push(refused_is_incomplete(zone, records.delete(zone, &batch).await)?);
    }
    ledger.keep_evidence(run_id, &evidence_name, &json!(ids)).await?;
    Ok(in_progress(&entry.component, "the values before were written back", INSYNC_LOOK_SECONDS))
}

/// The records as they were, and those that were not (whose values do not matter).
fn targets(before: &[Before]) -> (Vec<DnsRecord>, Vec<DnsRecord>) {
    let record = |b: &Before| DnsRecord {
        set_identifier: b.set_identifier.clone(),
        ..DnsRecord::simple(&b.name, b.record_type, 0, Vec::new())
    };
    let restore = before.iter().filter_map(|b| b.found.as_ref().map(|found| as_found(record(b), found)));
    let absent = before.iter().filter(|b| b.found.is_none()).map(record);
    (restore.collect(), absent.collect())
}

fn as_found(record: DnsRecord, found: &RecordObserved) -> DnsRecord {
    DnsRecord {
        ttl_seconds: found.ttl_seconds,
        values: found.values.clone(),
        weight: found.weight,
        failover: found.failover,
        health_check_id: found.health_check_id.clone(),
        ..record
    }
}

/// Those that stand in the list, as they stand: Route 53 deletes only what is described exactly.
fn standing(absent: &[DnsRecord], listed: &Listed) -> Vec<DnsRecord> {
    let as_listed = |record: &DnsRecord| {
        let found = listed.get(&key_of(record))?;
        Some(as_found(record.clone(), found))
    };
    absent.iter().filter_map(as_listed).collect()
}

fn refused_is_incomplete(zone: &str, result: Result<String, CallError>) -> Result<String, Failure> {
    result.map_err(|error| match error {
        CallError::Refused { .. } => incomplete(zone, format!("{CHANGE} back to the values before was {error}")),
        error => error.into_failure(CHANGE, zone),
    })
}

fn incomplete(zone: &str, what: String) -> Failure {
    Failure::new(FailureName::RollbackIncomplete, zone, what)
        .now("some records may still lead to the recovery Region")
        .next("set the records by hand to the values in the run's journal")
}
