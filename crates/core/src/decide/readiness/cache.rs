//! Could a cache be created, or is it there already as the plan says?

use super::Readiness;
use crate::decide::cache::{Standing, Unfit, standing, unfit};
use crate::observed::CacheObserved;
use crate::plan::ElastiCache;

/// Judges from the group as described; `None`: none of that id, which is what a creation needs.
pub fn cache(component: &ElastiCache, observed: Option<&CacheObserved>) -> Readiness {
    let id = &component.replication_group_id;
    let Some(group) = observed else { return Readiness::Ready(format!("{id} is not there yet, it will be created")) };
    if let Some(Unfit { what, next }) = unfit(component, group) {
        return Readiness::Problem(format!("{id}: {what}; {next}"));
    }
    match standing(group) {
        Standing::Available => Readiness::Ready(format!("{id} is there already, available and as the plan says")),
        Standing::OnItsWay(reason) => Readiness::Wait(format!("{id}: {reason}")),
    }
}

#[cfg(test)]
mod tests;
