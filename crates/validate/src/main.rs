//! The Lambda function: configuration and clients once, then the handler for every event.

use http_probe::HttpClient;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime, telemetry};
use validate::adapter::AwsRegion;
use validate::dns_adapter::NetworkDns;
use validate::handler::{FUNCTION, Tools, handle};
use validate::ports::Eyes;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let region = AwsRegion::new(&aws);
    let http = HttpClient::new()?;
    let namespace = config::metrics_namespace();
    let tools = Tools {
        ledger: &ledger,
        plans: &plans,
        eyes: Eyes { region: &region, http: &http, dns: &NetworkDns },
        clock: Timestamp::now,
        namespace: &namespace,
        publish: telemetry::publish,
    };
    runtime::serve(FUNCTION, |event| handle(event, &tools)).await
}
