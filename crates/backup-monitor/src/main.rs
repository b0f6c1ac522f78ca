//! The Lambda function: configuration and clients once, then the handler for every event.

use backup_monitor::adapter::{AwsNotices, AwsRecoveryPoints};
use backup_monitor::handler::{FUNCTION, Tools, handle};
use jiff::Timestamp;
use pilot_shell::plans::S3Plans;
use pilot_shell::{clients, config, runtime, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let points = AwsRecoveryPoints::new(&aws);
    let notices = AwsNotices::new(&aws, config::notifications_topic()?);
    let namespace = config::metrics_namespace();
    let tools = Tools {
        plans: &plans,
        points: &points,
        notices: &notices,
        clock: Timestamp::now,
        namespace: &namespace,
        publish: telemetry::publish,
    };
    runtime::serve(FUNCTION, |event| handle(event, &tools)).await
}
