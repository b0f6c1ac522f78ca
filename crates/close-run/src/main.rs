//! The Lambda function: configuration and clients once, then the handler for every event.

use close_run::handler::{self, Closer};
use close_run::s3_adapter::S3Reports;
use close_run::sns_adapter::SnsTopic;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let reports = S3Reports::new(&aws, config::artifacts_bucket()?);
    let notifier = SnsTopic::new(&aws, config::notifications_topic()?);
    let namespace = config::metrics_namespace();
    let closer = Closer {
        ledger: &ledger,
        plans: &plans,
        reports: &reports,
        notifier: &notifier,
        metrics_namespace: &namespace,
        clock: Timestamp::now,
    };
    runtime::serve(handler::FUNCTION, |event| handler::handle(event, &closer)).await
}
