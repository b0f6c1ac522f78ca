//! The Lambda function: configuration and clients once, then the handler for every event.

use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime};
use update_dns::handler;
use update_dns::route53_adapter::AwsRecords;
use update_dns::routing_control_adapter::AwsRoutingControls;
use update_dns::s3_adapter::AwsStopObjects;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let objects = AwsStopObjects::new(&aws);
    let records = AwsRecords::new(&aws);
    let controls = AwsRoutingControls::new(&aws);
    let handle = |event| handler::handle(event, &ledger, &plans, &objects, &records, &controls, Timestamp::now);
    runtime::serve(handler::FUNCTION, handle).await
}
