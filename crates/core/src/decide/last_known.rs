//! What the primary last had, and what a share of it comes to.
//!
//! The probe writes it down in the recovery Region while the primary is healthy, because a dead Region cannot be asked. A run reads it once and
//! pins it: a target that moved while it is brought up would never be reached.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deadline::seconds_between;
use crate::plan::{Compute, Had, RecoveryPlan};

/// What is older than this is warned of: the probe comes once a minute, so the primary was not seen healthy, or not described, for a day.
const OLD_SECONDS: i64 = 24 * 3600;

/// The primary's capacity, by the name of the component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastKnown {
    /// What was seen of each component.
    #[serde(default)]
    pub components: BTreeMap<String, Known>,
}

/// What was seen of one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Its desired capacity, or desired count; of a Lambda function its reserved concurrency, 0 for none.
    pub desired: u32,
    /// Of a Lambda function's alias or version the provisioned concurrency that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<u32>,
    /// When.
    pub seen_at: Timestamp,
}

/// The components in the primary Region of which the plan wants a share: what the probe writes down.
pub fn watched(plan: &RecoveryPlan) -> Vec<&Compute> {
    let shares = |name: &str| plan.compute.iter().any(|away| away.name() == name && away.share().is_some());
    let home = plan.home.iter().flat_map(|home| &home.compute);
    home.filter(|component| shares(component.name())).collect()
}

/// The record after a look: what was seen replaces what was known, what could not be seen stays, and what the plan does not watch any more goes. A
/// component that desires nothing serves nothing: it was emptied by somebody, and tells no capacity.
pub fn remember(before: &LastKnown, plan: &RecoveryPlan, seen: &BTreeMap<String, Had>, now: Timestamp) -> LastKnown {
    let of = |component: &Compute| {
        let name = component.name().to_owned();
        let known = match seen.get(&name) {
            Some(had) if had.is_something() => {
                Some(Known { desired: had.desired, provisioned: had.provisioned, seen_at: now })
            }
            _ => before.components.get(&name).copied(),
        };
        known.map(|known| (name, known))
    };
    LastKnown { components: watched(plan).into_iter().filter_map(of).collect() }
}

impl LastKnown {
    /// The plan with every share fixed to the number that it comes to.
    pub fn fixed(&self, plan: &RecoveryPlan) -> RecoveryPlan {
        let mut fixed = plan.clone();
        for component in &mut fixed.compute {
            let known = self.components.get(component.name()).map(Known::had);
            component.fix_capacity(known);
        }
        fixed
    }

    /// Which figure a component's capacity rests on, for people; `None`: it asks for no share.
    pub fn said(&self, component: &Compute, now: Timestamp) -> Option<String> {
        let percent = component.share()?;
        let (least, most) = bounds(component)?;
        Some(match self.components.get(component.name()) {
            Some(known) => format!(
                "{percent} % of the primary's {}, seen {} ago, within {least} and {most}",
                known.said(component),
                age(seconds_between(known.seen_at, now)),
            ),
            None => {
                format!("{percent} % of the primary's, of which nothing is known: the {least} that the plan states")
            }
        })
    }

    /// What a person should know of the figure before it is needed; `None`: it is there and fresh, or not asked for.
    pub fn warning(&self, component: &Compute, now: Timestamp) -> Option<String> {
        component.share()?;
        match self.components.get(component.name()) {
            None => Some(
                "the primary's capacity was not written down yet; the probe does so while the primary is healthy and no run is under way"
                    .to_owned(),
            ),
            Some(known) if seconds_between(known.seen_at, now) > OLD_SECONDS => Some(format!(
                "the primary's capacity ({}) was last seen {} ago; see why the probe does not see the primary healthy, or cannot describe it",
                known.said(component),
                age(seconds_between(known.seen_at, now))
            )),
            Some(_) => None,
        }
    }
}

impl Known {
    fn had(&self) -> Had {
        Had { desired: self.desired, provisioned: self.provisioned }
    }

    /// The figures, for people.
    fn said(&self, component: &Compute) -> String {
        match component {
            Compute::LambdaConcurrency(_) => {
                let provisioned = self.provisioned.map(|count| format!(", provisioned concurrency {count}"));
                format!("reserved concurrency {}{}", self.desired, provisioned.unwrap_or_default())
            }
            _ => self.desired.to_string(),
        }
    }
}

/// What a share is kept between, for people; `None`: the kind has no shares.
fn bounds(component: &Compute) -> Option<(String, u32)> {
    match component {
        Compute::LambdaConcurrency(c) => Some((c.capacity.to_string(), c.capacity.max?)),
        _ => component.capacity().map(|stated| (stated.desired.to_string(), stated.max)),
    }
}

/// A time in the largest unit that is whole.
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds if seconds < 2 * 3600 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3600),
    }
}

#[cfg(test)]
mod tests;
