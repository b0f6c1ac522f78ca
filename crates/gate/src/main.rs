//! The Lambda function: configuration and clients once, then the handler for every event.

use check_health::adapter::{AwsAlarms, AwsInstances};
use check_health::look::Eyes;
use close_run::sns_adapter::SnsTopic;
use gate::handler::{self, Gatekeeper};
use http_probe::HttpClient;
use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::plans::S3Plans;
use pilot_shell::regions::ByRegion;
use pilot_shell::{clients, config, runtime};
use promote_db::adapter::AwsReplicas;
use promote_db::databases::Databases;
use promote_db::global_cluster_adapter::AwsGlobalClusters;
use promote_db::in_region_adapter::AwsInRegion;
use promote_db::restore_adapter::AwsRestores;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let aws = clients::load().await;
    let ledger = DynamoLedger::new(&aws, config::state_table()?);
    let plans = S3Plans::new(&aws, config::artifacts_bucket()?);
    let regions = ByRegion::new(&aws, |config| {
        let one_region = (AwsInRegion::new(config), AwsRestores::new(config));
        (AwsReplicas::new(config), AwsGlobalClusters::new(config), one_region)
    });
    let notifier = SnsTopic::new(&aws, config::notifications_topic()?);
    let http = HttpClient::new()?;
    let (alarms, instances) = (AwsAlarms::default(), AwsInstances::default());
    let handle = async |event| {
        let (replicas, global_clusters, (in_region, backups)) = regions.of_event(&event).await;
        let keeper = Gatekeeper {
            ledger: &ledger,
            plans: &plans,
            eyes: Eyes { http: &http, alarms: &alarms, instances: &instances },
            // Nothing is asked of a cache here: it has nothing to lose.
            databases: Databases {
                replicas: &replicas,
                global_clusters: &global_clusters,
                in_region: &in_region,
                backups: &backups,
                caches: &(),
            },

            notifier: &notifier,
            clock: Timestamp::now,
        };
        handler::handle(event, &keeper).await
    };
    runtime::serve(handler::FUNCTION, handle).await
}
