//! The Lambda function: configuration and clients once, then the handler for every event.

use check_health::adapter::{AwsAlarms, AwsInstances};
use check_health::capacity_adapter::AwsCapacities;
use check_health::handler::{FUNCTION, Tools, handle};
use check_health::look::Eyes;
use http_probe::HttpClient;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let http = HttpClient::new()?;
    let (alarms, instances) = (AwsAlarms::default(), AwsInstances::default());
    let capacities = AwsCapacities::default();
    let namespace = config::metrics_namespace();
    let tools = Tools {
        ledger: &ledger,
        plans: &plans,
        eyes: Eyes { http: &http, alarms: &alarms, instances: &instances },
        capacities: &capacities,
        clock: Timestamp::now,
        namespace: &namespace,
        publish: telemetry::publish,
    };
    runtime::serve(FUNCTION, |event| handle(event, &tools)).await
}
