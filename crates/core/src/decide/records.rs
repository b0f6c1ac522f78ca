//! Route 53 records on their way to leading to the recovery Region.
//!
//! AWS behaviour relied on: a change batch takes at most 1,000 records and 32,000 characters, and an UPSERT counts twice; a change is
//! everywhere once `GetChange` says `INSYNC`; a change stranded by a control-plane outage becomes `NoSuchChange` and must be made again.

use std::collections::BTreeMap;

use crate::observed::RecordObserved;
use crate::plan::DnsRecord;

/// The most UPSERTs in one batch: 1,000 counted twice.
pub const UPSERTS_PER_BATCH_MAX: usize = 500;
/// The most characters of names and values in one batch, counted twice as Route 53 counts an UPSERT.
pub const BATCH_CHARACTERS_MAX: usize = 32_000;

/// A record's key: its name without the closing dot, in lower case, its type, and its set identifier if it is not a simple one.
pub type RecordKey = (String, String, Option<String>);

/// The key of a record of this name, type and set identifier.
pub fn key(name: &str, record_type: &str, set_identifier: Option<&str>) -> RecordKey {
    (name.trim_end_matches('.').to_ascii_lowercase(), record_type.to_owned(), set_identifier.map(str::to_owned))
}

/// The key of a record.
pub fn key_of(record: &DnsRecord) -> RecordKey {
    key(&record.name, record.record_type.as_str(), record.set_identifier.as_deref())
}

/// A record as people are told of it: name, type and set identifier.
pub fn told(record: &DnsRecord) -> String {
    let simple = format!("{} {}", record.name, record.record_type.as_str());
    record.set_identifier.as_ref().map_or(simple.clone(), |identifier| format!("{simple} ({identifier})"))
}

/// How a change that was made before stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeState {
    /// No change was made in this run.
    None,
    /// On its way to the name servers.
    Pending,
    /// Everywhere.
    InSync,
    /// Route 53 lost it: make it again.
    Gone,
}

/// What to do with the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They are as wanted, everywhere.
    Done,
    /// Write these.
    Upsert(Vec<DnsRecord>),
    /// The change is on its way.
    Wait,
}

/// Decides from the records as listed and the last change's state.
pub fn decide(wanted: &[DnsRecord], listed: &BTreeMap<RecordKey, RecordObserved>, change: ChangeState) -> Decision {
    let differing: Vec<DnsRecord> = wanted.iter().filter(|record| !stands(record, listed)).cloned().collect();
    match (differing.is_empty(), change) {
        (false, ChangeState::None | ChangeState::InSync) => Decision::Upsert(differing),
        // The list may lag behind a change that is on its way.
        (_, ChangeState::Pending) => Decision::Wait,
        (true, ChangeState::None | ChangeState::InSync) => Decision::Done,
        // A lost change proves nothing about any of its records, whatever the list shows.
        (_, ChangeState::Gone) => Decision::Upsert(wanted.to_vec()),
    }
}

fn stands(record: &DnsRecord, listed: &BTreeMap<RecordKey, RecordObserved>) -> bool {
    let sorted = |values: &[String]| {
        let mut values: Vec<String> = values.iter().map(|v| v.trim_end_matches('.').to_ascii_lowercase()).collect();
        values.sort();
        values
    };
    let wanted = RecordObserved { values: sorted(&record.values), ..RecordObserved::from(record) };
    listed
        .get(&key_of(record))
        .is_some_and(|found| RecordObserved { values: sorted(&found.values), ..found.clone() } == wanted)
}

/// What a record's UPSERT counts against [`BATCH_CHARACTERS_MAX`].
pub fn upsert_characters(record: &DnsRecord) -> usize {
    2 * (record.name.len() + record.values.iter().map(String::len).sum::<usize>())
}

/// Cuts records into batches that Route 53 takes. Neighbours of one name and type stay together: between two batches a failover pair whose
/// roles are exchanged would have two primaries, which is refused. A record that is too long by itself gets a batch of its own; the plan's
/// check refuses it long before.
pub fn batches(records: &[DnsRecord]) -> Vec<Vec<DnsRecord>> {
    let mut batches: Vec<Vec<DnsRecord>> = Vec::new();
    let mut used = 0;
    let set = |record: &DnsRecord| key(&record.name, record.record_type.as_str(), None);
    for neighbours in records.chunk_by(|one, next| set(one) == set(next)) {
        let together = characters(neighbours) <= BATCH_CHARACTERS_MAX && neighbours.len() <= UPSERTS_PER_BATCH_MAX;
        for unit in neighbours.chunks(if together { neighbours.len() } else { 1 }) {
            let cost = characters(unit);
            match batches.last_mut() {
                Some(batch)
                    if batch.len() + unit.len() <= UPSERTS_PER_BATCH_MAX && used + cost <= BATCH_CHARACTERS_MAX =>
                {
                    used += cost;
                    batch.extend_from_slice(unit);
                }
                _ => {
                    used = cost;
                    batches.push(unit.to_vec());
                }
            }
        }
    }
    batches
}

fn characters(records: &[DnsRecord]) -> usize {
    records.iter().map(upsert_characters).sum()
}

#[cfg(test)]
mod tests;
