//! CloudWatch and RDS in any Region. A Region's clients are made when a plan first names it, and kept.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use pilot_core::observed::{AlarmState, ReplicaObserved};
use pilot_shell::ports::Replicas;
use pilot_shell::{CallError, clients};
use promote_db::adapter::AwsReplicas;
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

/// DB instances.
#[derive(Debug, Default)]
pub struct AwsInstances {
    clients: ByRegion<AwsReplicas>,
}

impl Instances for AwsInstances {
    async fn describe(&self, region: &str, identifier: &str) -> Result<Option<ReplicaObserved>, CallError> {
        self.clients.of(region, AwsReplicas::new).await.describe(identifier).await
    }
}
