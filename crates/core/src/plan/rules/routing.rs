//! Routing controls: one call must be able to turn them, from outside the Region that is down.

use std::collections::BTreeSet;

use super::{PlanProblem, RecoveryPlan, address, names};
use crate::decide::routing::CONTROLS_PER_CALL_MAX;
use crate::plan::{RoutingControl, Traffic};

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    for (i, component) in of(plan) {
        count(component, &format!("/traffic/{i}"), problems);
        endpoints(component, &plan.regions.primary, &format!("/traffic/{i}/clusterEndpoints"), problems);
    }
    // Also across components: two that turn one control would journal each other's states as those before.
    let controls = of(plan).flat_map(|(i, component)| {
        let lists = [("controlsOn", &component.controls_on), ("controlsOff", &component.controls_off)];
        lists.into_iter().flat_map(move |(field, controls)| {
            controls.iter().enumerate().map(move |(j, arn)| (format!("/traffic/{i}/{field}/{j}"), arn.as_str()))
        })
    });
    names::unique(controls, problems);
}

fn of(plan: &RecoveryPlan) -> impl Iterator<Item = (usize, &RoutingControl)> {
    plan.traffic.iter().enumerate().filter_map(|(i, traffic)| match traffic {
        Traffic::RoutingControl(component) => Some((i, component)),
        Traffic::StopObject(_) | Traffic::Route53Records(_) => None,
    })
}

fn count(component: &RoutingControl, path: &str, problems: &mut Vec<PlanProblem>) {
    match component.controls().count() {
        0 => problems.push(PlanProblem::new(path, "has neither controlsOn nor controlsOff: there is nothing to turn")),
        count if count > CONTROLS_PER_CALL_MAX => problems.push(PlanProblem::new(
            path,
            format!(
                "turns {count} controls, one call takes {CONTROLS_PER_CALL_MAX}: part them into components, so that what one safety \
                 rule asserts stays together"
            ),
        )),
        _ => {}
    }
}

fn endpoints(component: &RoutingControl, primary: &str, path: &str, problems: &mut Vec<PlanProblem>) {
    let endpoints = &component.cluster_endpoints;
    for (j, endpoint) in endpoints.iter().enumerate() {
        address::http(&endpoint.url, format!("{path}/{j}/url"), problems);
    }
    let regions = endpoints.iter().enumerate().map(|(j, e)| (format!("{path}/{j}/region"), e.region.as_str()));
    names::unique(regions, problems);
    let elsewhere: BTreeSet<&str> = endpoints.iter().map(|e| e.region.as_str()).filter(|r| *r != primary).collect();
    if elsewhere.is_empty() {
        let message = format!("are all in {primary}, the Region that is down when they are needed: name all five");
        problems.push(PlanProblem::new(path, message));
    }
}
