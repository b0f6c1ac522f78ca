//! Points in time: a restore makes a database beside the original, refuses a name that is taken and a time that is not kept, and leaves
//! what it made in the making until somebody says that it is through.

use jiff::Timestamp;
use pilot_core::observed::{RestorableObserved, RestorableWindow, RestoredObserved};
use pilot_core::plan::{RestoredKind, RestoredSettings};
use pilot_shell::CallError;
use pilot_shell::ports::NewPointInTime;

use super::{FakeWorld, refused};

/// A restore that was accepted: the original, what was made, and the time (`None`: the latest).
pub type AcceptedPointInTime = (String, String, Option<Timestamp>);

impl FakeWorld {
    /// Puts an original there with the points in time it keeps, or without.
    pub fn put_restorable(&self, identifier: &str, window: Option<(Timestamp, Timestamp)>) {
        let window = window.map(|(earliest, latest)| RestorableWindow { earliest, latest });
        self.write().restorable.insert(identifier.into(), RestorableObserved { window });
    }

    /// The restores to a point in time that were accepted, oldest first.
    pub fn peek_point_in_time_restores(&self) -> Vec<AcceptedPointInTime> {
        self.read().point_in_time_restores.clone()
    }

    pub(super) fn look_at_restorable(&self, identifier: &str) -> Option<RestorableObserved> {
        self.read().restorable.get(identifier).copied()
    }

    pub(super) fn begin_point_in_time(&self, restore: &NewPointInTime<'_>) -> Result<(), CallError> {
        let table = restore.kind == RestoredKind::Table;
        let code = |of_cluster: &str, of_table: &str| if table { of_table.to_owned() } else { of_cluster.to_owned() };
        let Some(original) = self.look_at_restorable(restore.source) else {
            let code = code("DBClusterNotFoundFault", "TableNotFoundException");
            return Err(refused(&code, format!("{} not found", restore.source)));
        };
        if self.peek_restored(restore.identifier).is_some() {
            let code = code("DBClusterAlreadyExistsFault", "TableAlreadyExistsException");
            return Err(refused(&code, format!("{} already exists", restore.identifier)));
        }
        let kept = |window: RestorableWindow| restore.at.is_none_or(|at| at >= window.earliest && at <= window.latest);
        if !original.window.is_some_and(kept) {
            let code = code("InvalidRestoreFault", "InvalidRestoreTimeException");
            return Err(refused(&code, "the time is not kept"));
        }
        self.put_restored(restore.identifier, made(restore));
        let accepted = (restore.source.to_owned(), restore.identifier.to_owned(), restore.at);
        self.write().point_in_time_restores.push(accepted);
        Ok(())
    }
}

/// As a restore leaves it: what was given to it, and hardly anything else.
fn made(restore: &NewPointInTime<'_>) -> RestoredObserved {
    let table = restore.kind == RestoredKind::Table;
    let given = restore.settings;
    let settings = if table {
        RestoredSettings {
            deletion_protection: Some(false),
            kms_key_id: given.kms_key_id.clone(),
            ..Default::default()
        }
    } else {
        RestoredSettings {
            parameter_group: None,
            backup_retention_days: Some(1),
            deletion_protection: Some(given.deletion_protection == Some(true)),
            ..given.clone()
        }
    };
    let (place, status) = if table { ("dynamodb", "CREATING") } else { ("rds", "creating") };
    let separator = if table { "table/" } else { "cluster:" };
    RestoredObserved {
        arn: format!("arn:aws:{place}:ap-southeast-1:111122223333:{separator}{}", restore.identifier),
        status: status.into(),
        engine: (!table).then(|| "aurora-postgresql".into()),
        settings,
        pending_reboot: false,
        cluster: None,
    }
}
