//! The step `verify`: are clients led to the recovery Region? Asked of the switch itself, of the name servers and of the application.

use futures::future::{join_all, join3};
use http_probe::Http;
use pilot_core::contract::StepResponse;
use pilot_core::decide::dns::{DnsAnswer, problems};
use pilot_core::decide::records::{self, ChangeState};
use pilot_core::decide::routing;
use pilot_core::plan::{DnsExpectation, Method, RecoveryPlan, Traffic};
use pilot_core::{Failure, FailureName};
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;

use crate::ports::{Dns, Eyes, Region};
use crate::proof::{Check, conclude, endpoints, unseen};

const LOOK_AGAIN_SECONDS: u32 = 1;
const SYSTEM_RESOLVER: &str = "the system's resolver";

/// One invocation of the step.
///
/// # Errors
/// Once the plan's time is over, naming everything that is missing: `TrafficFailed` if clients are not led to the recovery Region,
/// `ValidationFailed` if they are and the application does not answer there.
pub async fn step<L: Ledger, R: Region, H: Http, D: Dns>(
    context: &StepContext<'_, L>,
    eyes: &Eyes<'_, R, H, D>,
) -> Result<StepResponse, Failure> {
    let plan = context.plan;
    let (switches, dns, reads) = join3(
        switches(plan, eyes.region, !context.run.mode.leads_home()),
        dns(plan, eyes.dns),
        endpoints(plan, eyes.http, Method::Get),
    )
    .await;
    let led = switches.iter().chain(&dns).all(|(_, seen)| seen.is_ok());
    let name = if led { FailureName::ValidationFailed } else { FailureName::TrafficFailed };
    let checks = switches.into_iter().chain(dns).chain(reads).collect();
    conclude(context, checks, LOOK_AGAIN_SECONDS, |missing| {
        Failure::new(name, &plan.metadata.name, missing)
            .now("the recovery Region was proven to work, and the switch was moved as the journal says; clients may be in either Region")
            .next("ask the name servers yourself (dig); look at the PRIMARY record's health check and at TTLs")
    })
}

/// Every switch's own truth. `stop`: whether a STOP object is to be there; on the way home it is not.
async fn switches<R: Region>(plan: &RecoveryPlan, region: &R, stop: bool) -> Vec<Check> {
    join_all(plan.traffic.iter().map(async |traffic: &Traffic| {
        let seen = match traffic {
            Traffic::StopObject(object) => match region.stop_object(&object.bucket, &object.key).await {
                Ok(present) => {
                    let is = if present { "is there" } else { "is not there" };
                    let seen = format!("s3://{}/{} {is}", object.bucket, object.key);
                    if present == stop { Ok(seen) } else { Err(seen) }
                }
                Err(error) => Err(unseen(error)),
            },
            Traffic::RoutingControl(component) => {
                let states = region.routing_controls(component).await.map_err(unseen);
                states.and_then(|states| match routing::decide(&routing::wanted(component), &states) {
                    routing::Decision::Done => Ok(format!("routing controls are {}", routing::told(&states))),
                    routing::Decision::Set(differing) => {
                        Err(format!("must still be set {}", routing::told(&differing)))
                    }
                    routing::Decision::Missing(missing) => Err(format!("there is no {}", missing.join(", "))),
                })
            }
            Traffic::Route53Records(component) => {
                let listed = region.records(&component.hosted_zone_id, &component.records).await.map_err(unseen);
                listed.and_then(|listed| match records::decide(&component.records, &listed, ChangeState::None) {
                    records::Decision::Done => Ok(format!("{} records as wanted", component.records.len())),
                    records::Decision::Upsert(differing) => {
                        let names: Vec<&str> = differing.iter().map(|record| record.name.as_str()).collect();
                        Err(format!("not as wanted: {}", names.join(", ")))
                    }
                    records::Decision::Wait => Err("a change is on its way".to_owned()),
                })
            }
        };
        (traffic.name().to_owned(), seen)
    }))
    .await
}

async fn dns<D: Dns>(plan: &RecoveryPlan, dns: &D) -> Vec<Check> {
    join_all(plan.validation.dns.iter().map(async |expected: &DnsExpectation| {
        let answers = answers(expected, dns).await;
        let problems = problems(expected, &answers);
        let seen = if problems.is_empty() {
            Ok(format!("{} servers answer {}", answers.len(), expected.expect_any_of.join(" or ")))
        } else {
            Err(problems.join("; "))
        };
        (format!("dns {} {}", expected.name, expected.record_type.as_str()), seen)
    }))
    .await
}

async fn answers<D: Dns>(expected: &DnsExpectation, dns: &D) -> Vec<DnsAnswer> {
    if expected.name_servers.is_empty() {
        let values = dns.ask(None, &expected.name, expected.record_type).await;
        return vec![DnsAnswer { server: SYSTEM_RESOLVER.to_owned(), values }];
    }
    join_all(expected.name_servers.iter().map(async |server: &String| {
        let values = match server.parse() {
            Ok(address) => dns.ask(Some(address), &expected.name, expected.record_type).await,
            Err(_) => Err("the plan's nameServers entry is no address and port".to_owned()),
        };
        DnsAnswer { server: server.clone(), values }
    }))
    .await
}
