//! Whether a database could be set as the plan says once it is promoted. Asked before anything is touched: a parameter group that is
//! missing would be refused by RDS only after the pivot.

use super::Readiness;
use crate::decide::promoted::Wanted;
use crate::decide::restored::same_name;
use crate::observed::RestoredObserved;
use crate::plan::RestoredKind;

/// A parameter group that the plan names, and the one that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSeen {
    /// Of clusters or of instances.
    pub kind: RestoredKind,
    /// The instance or cluster that is to get it.
    pub of: String,
    /// The plan's.
    pub wanted: String,
    /// The wanted one's family; `None`: there is no such group.
    pub wanted_family: Option<String>,
    /// The one in force.
    pub now: Option<String>,
    /// That one's family, if it could be told.
    pub now_family: Option<String>,
}

/// The parameter groups to ask about: of the database itself and of a cluster's instances, each with the group in force.
pub fn groups(
    wanted: &Wanted<'_>,
    database: &RestoredObserved,
    instances: &[(String, RestoredObserved)],
) -> Vec<GroupSeen> {
    let seen = |kind, of: &str, wanted: &Option<String>, now: &Option<String>| {
        let (of, now) = (of.to_owned(), now.clone());
        wanted.clone().map(|wanted| GroupSeen { kind, of, wanted, wanted_family: None, now, now_family: None })
    };
    let settings = &wanted.settings;
    let mut all = Vec::new();
    if wanted.kind == RestoredKind::Cluster {
        let now = &database.settings.cluster_parameter_group;
        all.extend(seen(RestoredKind::Cluster, wanted.identifier, &settings.cluster_parameter_group, now));
        all.extend(instances.iter().filter_map(|(id, instance)| {
            seen(RestoredKind::Instance, id, &settings.parameter_group, &instance.settings.parameter_group)
        }));
    } else {
        let now = &database.settings.parameter_group;
        all.extend(seen(RestoredKind::Instance, wanted.identifier, &settings.parameter_group, now));
    }
    all
}

/// The verdict on a database that is ready otherwise, with what a reboot will be needed for.
pub fn settings(detail: String, groups: &[GroupSeen]) -> Readiness {
    if let Some(problem) = groups.iter().find_map(problem) {
        return Readiness::Problem(problem);
    }
    let other = groups.iter().filter(|group| !same_name(&group.wanted, group.now.as_deref()));
    let notes: Vec<String> = other
        .map(|group| {
            format!(
                "{} has another parameter group than {} now: it gets it by the promotion, and its static parameters with a reboot after \
                 it; give it the group beforehand to be spared that",
                group.of, group.wanted
            )
        })
        .collect();
    Readiness::Ready(std::iter::once(detail).chain(notes).collect::<Vec<_>>().join("; "))
}

fn problem(group: &GroupSeen) -> Option<String> {
    let GroupSeen { of, wanted, .. } = group;
    let (what, field) = match group.kind {
        RestoredKind::Cluster => ("DB cluster parameter group", "clusterParameterGroup"),
        RestoredKind::Instance | RestoredKind::Table => ("DB parameter group", "parameterGroup"),
    };
    let Some(family) = &group.wanted_family else {
        return Some(format!(
            "{of}: the Region that is brought up has no {what} {wanted}; make it there, or correct {field} in the plan"
        ));
    };
    let now = group.now_family.as_ref().filter(|now| *now != family)?;
    Some(format!(
        "{of}: {what} {wanted} is of family {family}, the database needs {now}; make one of that family, or correct {field} in the plan"
    ))
}

#[cfg(test)]
mod tests;
