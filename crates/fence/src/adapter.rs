//! Primary Regions, by the AWS SDK. A Region's clients are made when a plan first names it, and kept.

mod groups;
mod instances;
mod load_balancers;
mod services;

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use pilot_shell::clients;
use tokio::sync::Mutex;

use crate::primary::Primaries;

/// Primary Regions, made lazily.
#[derive(Debug, Default)]
pub struct AwsPrimaries {
    regions: Mutex<BTreeMap<String, AwsPrimary>>,
}

impl Primaries for AwsPrimaries {
    type Region = AwsPrimary;

    async fn region(&self, name: &str) -> AwsPrimary {
        // Held over the loading on purpose: whoever comes second takes the same clients.
        let mut regions = self.regions.lock().await;
        if let Some(region) = regions.get(name) {
            return region.clone();
        }
        let region = AwsPrimary::new(&clients::load_for_region(name).await);
        regions.insert(name.to_owned(), region.clone());
        region
    }
}

/// One primary Region.
#[derive(Debug, Clone)]
pub struct AwsPrimary {
    autoscaling: aws_sdk_autoscaling::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    ecs: aws_sdk_ecs::Client,
    load_balancing: aws_sdk_elasticloadbalancingv2::Client,
    rds: aws_sdk_rds::Client,
}

impl AwsPrimary {
    /// With clients of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        AwsPrimary {
            autoscaling: aws_sdk_autoscaling::Client::new(config),
            scaling: aws_sdk_applicationautoscaling::Client::new(config),
            ecs: aws_sdk_ecs::Client::new(config),
            load_balancing: aws_sdk_elasticloadbalancingv2::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
        }
    }
}
