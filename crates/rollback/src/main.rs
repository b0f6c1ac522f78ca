//! The Lambda function: configuration and clients once, then the handler for every event.

use fence::adapter::AwsPrimaries;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::regions::ByRegion;
use pilot_shell::{clients, config, runtime};
use promote_db::cache_adapter::AwsCaches;
use rollback::handler;
use rollback::undo::Undoers;
use scale_compute::adapter::AwsGroups;
use scale_compute::computes::Computes;
use scale_compute::hooks_adapter::AwsHooks;
use scale_compute::lambda_adapter::AwsConcurrencies;
use scale_compute::services_adapter::AwsServices;
use update_dns::route53_adapter::AwsRecords;
use update_dns::routing_control_adapter::AwsRoutingControls;
use update_dns::s3_adapter::AwsStopObjects;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let (objects, records) = (AwsStopObjects::new(&aws), AwsRecords::new(&aws));
    let controls = AwsRoutingControls::new(&aws);
    let regions = ByRegion::new(&aws, |config| {
        (
            AwsGroups::new(config),
            AwsServices::new(config),
            AwsConcurrencies::new(config),
            AwsHooks::new(config),
            AwsCaches::new(config),
        )
    });
    let primaries = AwsPrimaries::default();
    let handle = async |event| {
        let (groups, services, concurrencies, hooks, caches) = regions.of_event(&event).await;
        let computes = Computes { groups: &groups, services: &services, concurrencies: &concurrencies, hooks: &hooks };
        let undoers = Undoers {
            primaries: &primaries,
            computes,
            objects: &objects,
            records: &records,
            caches: &caches,
            controls: &controls,
        };
        // Boxed: the SDK's futures nested in all of ours are deeper than the compiler computes a layout for.
        Box::pin(handler::handle(event, &ledger, &plans, &undoers, Timestamp::now)).await
    };
    runtime::serve(handler::FUNCTION, handle).await
}
