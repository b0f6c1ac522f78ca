//! The Lambda function: configuration and clients once, then the handler for every event.

use jiff::Timestamp;
use on_demand::adapter::AwsStateMachine;
use on_demand::handler::{Desk, FUNCTION, handle};
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::{clients, config, runtime, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let machine = AwsStateMachine::new(&aws, config::required("STATE_MACHINE_ARN")?);
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let namespace = config::metrics_namespace();
    let desk = Desk {
        machine: &machine,
        ledger: &ledger,
        clock: Timestamp::now,
        namespace: &namespace,
        publish: telemetry::publish,
    };
    runtime::serve(FUNCTION, |event| handle(event, &desk)).await
}
