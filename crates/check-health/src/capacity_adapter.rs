//! Groups and services in any Region, by the adapters of the crate that scales them. A Region's clients are made when a plan first names it.

use std::collections::BTreeMap;

use pilot_core::plan::Compute;
use pilot_shell::ports::{Groups, Services};
use pilot_shell::{CallError, clients};
use scale_compute::adapter::AwsGroups;
use scale_compute::services_adapter::AwsServices;
use tokio::sync::Mutex;

use crate::capacity::Capacities;

/// Compute in any Region.
#[derive(Debug, Default)]
pub struct AwsCapacities {
    clients: Mutex<BTreeMap<String, (AwsGroups, AwsServices)>>,
}

impl AwsCapacities {
    async fn of(&self, region: &str) -> (AwsGroups, AwsServices) {
        // Held over the loading on purpose: two components of one Region share one client.
        let mut made_before = self.clients.lock().await;
        if let Some(made) = made_before.get(region) {
            return made.clone();
        }
        let config = clients::load_for_region(region).await;
        let made = (AwsGroups::new(&config), AwsServices::new(&config));
        made_before.insert(region.to_owned(), made.clone());
        made
    }
}

impl Capacities for AwsCapacities {
    async fn desired(&self, region: &str, component: &Compute) -> Result<Option<u32>, CallError> {
        let (groups, services) = self.of(region).await;
        Ok(match component {
            Compute::AutoScalingGroup(c) => groups.describe(&c.group_name).await?.map(|group| group.desired),
            Compute::EcsService(c) => {
                services.describe(&c.cluster_name, &c.service_name).await?.map(|service| service.desired)
            }
            _ => None,
        })
    }
}
