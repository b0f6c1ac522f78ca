//! The Lambda function: configuration and clients once, then the handler for every event.

use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::regions::ByRegion;
use pilot_shell::{clients, config, runtime};
use scale_compute::adapter::AwsGroups;
use scale_compute::computes::Computes;
use scale_compute::handler;
use scale_compute::hooks_adapter::AwsHooks;
use scale_compute::lambda_adapter::AwsConcurrencies;
use scale_compute::services_adapter::AwsServices;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let regions = ByRegion::new(&aws, |config| {
        (AwsGroups::new(config), AwsServices::new(config), AwsConcurrencies::new(config), AwsHooks::new(config))
    });
    // What rests is the Region that is left: for a run that leads home the function's own.
    let (own_groups, own_services, own_hooks) = (AwsGroups::new(&aws), AwsServices::new(&aws), AwsHooks::new(&aws));
    let own_concurrencies = AwsConcurrencies::new(&aws);
    let own =
        Computes { groups: &own_groups, services: &own_services, concurrencies: &own_concurrencies, hooks: &own_hooks };
    let handle = async |event| {
        let (groups, services, concurrencies, hooks) = regions.of_event(&event).await;
        let computes = Computes { groups: &groups, services: &services, concurrencies: &concurrencies, hooks: &hooks };
        handler::handle(event, &ledger, &plans, &computes, &own, Timestamp::now).await
    };
    runtime::serve(handler::FUNCTION, handle).await
}
