//! The Lambda function: configuration and clients once, then the handler for every event.

use fence::adapter::AwsPrimaries;
use fence::handler;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let primaries = AwsPrimaries::default();
    runtime::serve(handler::FUNCTION, |event| handler::handle(event, &ledger, &plans, &primaries, Timestamp::now)).await
}
