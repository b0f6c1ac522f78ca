//! Validation: is there something that proves the recovery, and can it be asked?

use std::net::SocketAddr;

use super::{PlanProblem, RecoveryPlan, address};
use crate::plan::Method;

pub(super) fn check(plan: &RecoveryPlan, problems: &mut Vec<PlanProblem>) {
    if plan.validation.endpoints.is_empty() {
        problems.push(PlanProblem::new("/validation/endpoints", "is empty: nothing would prove the recovery"));
    }
    for (i, endpoint) in plan.validation.endpoints.iter().enumerate() {
        address::http(&endpoint.url, format!("/validation/endpoints/{i}/url"), problems);
        if endpoint.method == Method::Get && endpoint.json_body.is_some() {
            let message = "a GET carries no body; `method: POST` does";
            problems.push(PlanProblem::new(format!("/validation/endpoints/{i}/jsonBody"), message));
        }
    }
    for (i, dns) in plan.validation.dns.iter().enumerate() {
        if dns.expect_any_of.is_empty() {
            let message = "is empty: no answer could be right";
            problems.push(PlanProblem::new(format!("/validation/dns/{i}/expectAnyOf"), message));
        }
        for (j, server) in dns.name_servers.iter().enumerate() {
            if server.parse::<SocketAddr>().is_err() {
                let message = format!("{server:?} is not an address and port, as in 192.0.2.1:53");
                problems.push(PlanProblem::new(format!("/validation/dns/{i}/nameServers/{j}"), message));
            }
        }
    }
}
