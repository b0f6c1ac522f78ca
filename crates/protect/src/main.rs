//! The Lambda function: configuration and clients once, then the handler for every event.

use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::regions::ByRegion;
use pilot_shell::{clients, config, runtime};
use protect::adapter::AwsRegion;
use protect::handler;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let regions = ByRegion::new(&aws, AwsRegion::new);
    runtime::serve(handler::FUNCTION, |event| handler::handle(event, &ledger, &plans, &regions, Timestamp::now)).await
}
