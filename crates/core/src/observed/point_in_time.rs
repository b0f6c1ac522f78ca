//! What can be restored to a point in time.

use jiff::Timestamp;

/// An Aurora cluster or a DynamoDB table of which AWS keeps continuous backups, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestorableObserved {
    /// From when to when it can be restored to; `None`: it keeps no points in time.
    pub window: Option<RestorableWindow>,
}

/// The points in time that a database can be restored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestorableWindow {
    /// `EarliestRestorableTime`, `EarliestRestorableDateTime`.
    pub earliest: Timestamp,
    /// `LatestRestorableTime`, `LatestRestorableDateTime`.
    pub latest: Timestamp,
}
