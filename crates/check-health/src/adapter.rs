//! CloudWatch and RDS in any Region. A Region's clients are made when a plan first names it, and kept.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use futures::future::join;
use jiff::{SignedDuration, Timestamp};
use pilot_core::decide::signal::aurora::{ClusterSeen, ReplicationSeen};
use pilot_core::observed::{AlarmState, ReplicaObserved};
use pilot_core::plan::Regions;
use pilot_shell::ports::{GlobalClusters, Replicas};
use pilot_shell::{CallError, clients};
use promote_db::adapter::AwsReplicas;
use promote_db::global_cluster_adapter::AwsGlobalClusters;
use tokio::sync::Mutex;

use crate::look::{Alarms, Instances};

/// One client a Region, made lazily.
#[derive(Debug)]
struct ByRegion<C> {
    clients: Mutex<BTreeMap<String, C>>,
}

impl<C> Default for ByRegion<C> {
    fn default() -> Self {
        ByRegion { clients: Mutex::new(BTreeMap::new()) }
    }
}

impl<C: Clone> ByRegion<C> {
    async fn of(&self, region: &str, build: impl FnOnce(&SdkConfig) -> C) -> C {
        // Held over the loading on purpose: two signals of one Region share one client.
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(region) {
            return client.clone();
        }
        let client = build(&clients::load_for_region(region).await);
        clients.insert(region.to_owned(), client.clone());
        client
    }
}

/// CloudWatch alarms.
#[derive(Debug, Default)]
pub struct AwsAlarms {
    clients: ByRegion<Client>,
}

impl Alarms for AwsAlarms {
    async fn state(&self, region: &str, name: &str) -> Result<Option<AlarmState>, CallError> {
        let client = self.clients.of(region, |config| Client::new(config)).await;
        let call = client.describe_alarms().alarm_names(name);
        // Without the types, composite alarms are left out of the answer.
        let call = call.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        let answer = call.send().await?;
        let metric = answer.metric_alarms().iter().find(|a| a.alarm_name() == Some(name)).map(|a| a.state_value());
        let composite = answer.composite_alarms().iter().find(|a| a.alarm_name() == Some(name));
        let state = metric.or_else(|| composite.map(|a| a.state_value()));
        Ok(state.map(|state| match state {
            Some(StateValue::Ok) => AlarmState::Ok,
            Some(StateValue::Alarm) => AlarmState::Alarm,
            Some(StateValue::InsufficientData) => AlarmState::InsufficientData,
            Some(other) => AlarmState::Other(other.as_str().to_owned()),
            None => AlarmState::Other("without a state".to_owned()),
        }))
    }
}

/// How far back the newest lag sample may lie: Aurora publishes one a minute, some late.
const LAG_WINDOW_SECONDS: i64 = 300;

/// DB instances and Aurora clusters.
#[derive(Debug, Default)]
pub struct AwsInstances {
    clients: ByRegion<AwsReplicas>,
    clusters: ByRegion<AwsGlobalClusters>,
}

impl Instances for AwsInstances {
    async fn describe(&self, region: &str, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.clients.of(region, AwsReplicas::new).await.describe(identifier).await
    }

    async fn cluster(&self, region: &str, identifier: &str) -> Result<Option<ClusterSeen>, CallError> {
        let seen = self.clusters.of(region, AwsGlobalClusters::new).await.cluster(identifier).await?;
        let Some(cluster) = seen else { return Ok(None) };
        let writer_status = match cluster.instances.iter().find(|instance| instance.is_writer) {
            Some(writer) => self.describe(region, &writer.identifier).await?.map(|instance| instance.status),
            None => None,
        };
        Ok(Some(ClusterSeen { cluster, writer_status }))
    }

    async fn global_replication(
        &self,
        regions: &Regions,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> Result<Option<ReplicationSeen>, CallError> {
        let clusters = self.clusters.of(&regions.recovery, AwsGlobalClusters::new).await;
        let to = Timestamp::now();
        let from = to - SignedDuration::from_secs(LAG_WINDOW_SECONDS);
        let (global, (lost, behind)) = join(
            clusters.describe(global_cluster, recovery_cluster),
            join(
                clusters.rpo_lag_samples(recovery_cluster, &regions.primary, from, to),
                clusters.progress_lag_samples(recovery_cluster, &regions.primary, from, to),
            ),
        )
        .await;
        let Some(global) = global? else { return Ok(None) };
        // Whichever is newer: while nothing arrives, the RPO lag has no new point and the progress lag grows.
        let newest_lag = lost?.into_iter().chain(behind?).max_by_key(|sample| sample.at);
        Ok(Some(ReplicationSeen { global, newest_lag }))
    }
}
