//! Route 53 zones and the changes on their way to the name servers.

use std::collections::BTreeMap;

use pilot_core::decide::records::{ChangeState, RecordKey, UPSERTS_PER_BATCH_MAX, key_of};
use pilot_core::observed::RecordObserved;
use pilot_core::plan::DnsRecord;
use pilot_shell::CallError;
use pilot_shell::ports::{Listed, Records};

use super::{FakeWorld, State, refused};

/// The records of a zone, by name, type and set identifier.
pub(super) type FakeZone = BTreeMap<RecordKey, RecordObserved>;

/// Changes, by id, with how often each must be asked for until it is in sync.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    looks_left: BTreeMap<String, u32>,
    made: u32,
    /// The newest change that was said to be in sync.
    in_sync: Option<String>,
    /// How often the next changes must be asked for.
    insync_looks: u32,
}

impl FakeWorld {
    /// Puts an empty zone into the world.
    pub fn put_zone(&self, zone_id: &str) {
        self.write().zones.entry(zone_id.into()).or_default();
    }

    /// Puts a record into a zone.
    pub fn put_record(&self, zone_id: &str, record: &DnsRecord) {
        write_record(self.write().zones.entry(zone_id.into()).or_default(), record);
    }

    /// A whole zone as it is.
    pub fn peek_zone(&self, zone_id: &str) -> Listed {
        self.read().zones.get(zone_id).cloned().unwrap_or_default()
    }

    /// How often `GetChange` must be called for later changes until it says `INSYNC`.
    pub fn set_insync_looks(&self, looks: u32) {
        self.write().changes.insync_looks = looks;
    }

    /// Route 53 loses every change that is on its way: `GetChange` says `NoSuchChange` from now on.
    pub fn lose_changes(&self) {
        self.write().changes.looks_left.clear();
    }

    /// Whether somebody was told that the newest change is in sync - and with it, because Route 53 keeps their order, all of them.
    pub fn newest_change_seen_in_sync(&self) -> bool {
        let state = self.read();
        state.changes.made == 0 || state.changes.in_sync == Some(change_id(state.changes.made))
    }

    /// How many change batches were accepted.
    pub fn changes_made(&self) -> u32 {
        self.read().changes.made
    }
}

fn change_id(number: u32) -> String {
    format!("C{number}")
}

fn write_record(zone: &mut FakeZone, record: &DnsRecord) {
    zone.insert(key_of(record), RecordObserved::from(record));
}

/// Applies one batch, whole or not at all.
fn change(
    state: &mut State,
    zone_id: &str,
    apply: impl FnOnce(&mut FakeZone) -> Result<(), CallError>,
) -> Result<String, CallError> {
    let Some(zone) = state.zones.get_mut(zone_id) else {
        return Err(refused("NoSuchHostedZone", format!("No hosted zone found with ID: {zone_id}")));
    };
    let mut changed = zone.clone();
    apply(&mut changed)?;
    *zone = changed;
    state.changes.made += 1;
    let id = change_id(state.changes.made);
    state.changes.looks_left.insert(id.clone(), state.changes.insync_looks);
    Ok(id)
}

fn invalid(message: impl Into<String>) -> CallError {
    refused("InvalidChangeBatch", message)
}

impl Records for FakeWorld {
    async fn list(&self, zone_id: &str, wanted: &[DnsRecord]) -> Result<Listed, CallError> {
        let state = self.read();
        let Some(zone) = state.zones.get(zone_id) else {
            return Err(refused("NoSuchHostedZone", format!("No hosted zone found with ID: {zone_id}")));
        };
        let keys = wanted.iter().map(key_of);
        Ok(keys.filter_map(|key| Some((key.clone(), zone.get(&key)?.clone()))).collect())
    }

    async fn upsert(&self, zone_id: &str, batch: &[DnsRecord]) -> Result<String, CallError> {
        change(&mut self.write(), zone_id, |zone| {
            if batch.is_empty() || batch.len() > UPSERTS_PER_BATCH_MAX {
                return Err(invalid(format!("a batch of {} UPSERTs is not taken", batch.len())));
            }
            for record in batch {
                let (name, record_type, identifier) = key_of(record);
                let mixes =
                    |(n, t, i): &RecordKey| (n, t) == (&name, &record_type) && i.is_some() != identifier.is_some();
                if zone.keys().any(mixes) {
                    return Err(invalid(format!("{name} {record_type} has another routing policy")));
                }
                write_record(zone, record);
            }
            Ok(())
        })
    }

    async fn delete(&self, zone_id: &str, records: &[DnsRecord]) -> Result<String, CallError> {
        change(&mut self.write(), zone_id, |zone| {
            for record in records {
                let key = key_of(record);
                let stands = zone.get(&key) == Some(&RecordObserved::from(record));
                // AWS deletes only what is described exactly.
                if !stands {
                    return Err(invalid(format!("Tried to delete {key:?} but it was not found as given")));
                }
                zone.remove(&key);
            }
            Ok(())
        })
    }

    async fn change_state(&self, change_id: &str) -> Result<ChangeState, CallError> {
        let changes = &mut self.write().changes;
        Ok(match changes.looks_left.get_mut(change_id) {
            None => ChangeState::Gone,
            Some(0) => {
                changes.in_sync = Some(change_id.to_owned());
                ChangeState::InSync
            }
            Some(left) => {
                *left -= 1;
                ChangeState::Pending
            }
        })
    }
}
