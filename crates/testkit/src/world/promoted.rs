//! The settings of databases that replicate: their own, and hardly any, as whoever made them left them.

use std::collections::BTreeMap;

use pilot_core::observed::RestoredObserved;
use pilot_core::plan::RestoredKind;

use super::State;
use super::restores::restored;

impl State {
    /// How a read replica, a member of a global database or an instance of one is set up before anybody changes it; `None`: it is none.
    pub(super) fn settings_of_a_replicated(&self, kind: RestoredKind, identifier: &str) -> Option<RestoredObserved> {
        let globals = || self.global_clusters.values().map(|global| &global.observed);
        let of_cluster = || globals().filter_map(|global| global.recovery.as_ref());
        let is_one = match kind {
            RestoredKind::Instance => {
                self.replicas.contains_key(identifier)
                    || of_cluster().any(|cluster| cluster.instances.iter().any(|i| i.identifier == identifier))
            }
            RestoredKind::Cluster => globals().any(|g| g.members.iter().any(|m| m.identifier() == identifier)),
            RestoredKind::Table => false,
        };
        let mut made = is_one.then(|| restored(kind, identifier, &BTreeMap::new()))?;
        if let Some(replica) = self.replicas.get(identifier) {
            made.settings.backup_retention_days = Some(replica.observed.backup_retention_days);
        }
        Some(made)
    }
}
