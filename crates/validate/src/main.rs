//! The Lambda function: configuration and clients once, then the handler for every event.

use http_probe::HttpClient;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::regions::ByRegion;
use pilot_shell::{clients, config, runtime, telemetry};
use validate::adapter::{AwsRegion, AwsSwitches, AwsTarget};
use validate::dns_adapter::NetworkDns;
use validate::handler::{FUNCTION, Tools, handle};
use validate::ports::Eyes;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let (regions, switches) = (ByRegion::new(&aws, AwsTarget::new), AwsSwitches::new(&aws));
    let http = HttpClient::new()?;
    let namespace = config::metrics_namespace();
    let handle_one = async |event| {
        let region = AwsRegion { target: regions.of_event(&event).await, switches: switches.clone() };
        let tools = Tools {
            ledger: &ledger,
            plans: &plans,
            eyes: Eyes { region: &region, http: &http, dns: &NetworkDns },
            clock: Timestamp::now,
            namespace: &namespace,
            publish: telemetry::publish,
        };
        handle(event, &tools).await
    };
    runtime::serve(FUNCTION, handle_one).await
}
