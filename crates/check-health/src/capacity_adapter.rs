//! Groups, services and functions in any Region, by the adapters of the crate that scales them. A Region's clients are made when a plan first names it.

use std::collections::BTreeMap;

use pilot_core::plan::{Compute, Had};
use pilot_shell::ports::{Concurrencies, Groups, Services};
use pilot_shell::{CallError, clients};
use scale_compute::adapter::AwsGroups;
use scale_compute::lambda_adapter::AwsConcurrencies;
use scale_compute::services_adapter::AwsServices;
use tokio::sync::Mutex;

use crate::capacity::Capacities;

/// A Region's clients.
type Clients = (AwsGroups, AwsServices, AwsConcurrencies);

/// Compute in any Region.
#[derive(Debug, Default)]
pub struct AwsCapacities {
    clients: Mutex<BTreeMap<String, Clients>>,
}

impl AwsCapacities {
    async fn of(&self, region: &str) -> Clients {
        // Held over the loading on purpose: two components of one Region share one client.
        let mut made_before = self.clients.lock().await;
        if let Some(made) = made_before.get(region) {
            return made.clone();
        }
        let config = clients::load_for_region(region).await;
        let made = (AwsGroups::new(&config), AwsServices::new(&config), AwsConcurrencies::new(&config));
        made_before.insert(region.to_owned(), made.clone());
        made
    }
}

impl Capacities for AwsCapacities {
    async fn had(&self, region: &str, component: &Compute) -> Result<Option<Had>, CallError> {
        let (groups, services, concurrencies) = self.of(region).await;
        Ok(match component {
            Compute::AutoScalingGroup(c) => groups.describe(&c.group_name).await?.map(|group| group.desired.into()),
            Compute::EcsService(c) => {
                services.describe(&c.cluster_name, &c.service_name).await?.map(|service| service.desired.into())
            }
            Compute::LambdaConcurrency(c) => {
                let seen = concurrencies.describe(&c.function_name, c.qualifier.as_deref()).await?;
                seen.map(|function| Had {
                    desired: function.reserved.unwrap_or(0),
                    provisioned: function.provisioned.map(|provisioned| provisioned.requested),
                })
            }
            _ => None,
        })
    }
}
