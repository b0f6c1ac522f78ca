//! A function's clients, by Region. Nearly always there is one: the function's own. A run that leads home acts in the primary Region.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::clients;

/// The clients of a function's own Region, and those of others once a run names them.
#[derive(Debug)]
pub struct ByRegion<C> {
    own: C,
    others: Mutex<BTreeMap<String, C>>,
    build: fn(&SdkConfig) -> C,
}

impl<C: Clone> ByRegion<C> {
    /// With the clients of the function's own Region.
    pub fn new(own: &SdkConfig, build: fn(&SdkConfig) -> C) -> Self {
        ByRegion { own: build(own), others: Mutex::default(), build }
    }

    /// The clients of the Region that the event's run brings up: `/run/targetRegion`, or the function's own. Whether the event holds is for the
    /// handler to say; a Region that is none costs a client that is never used.
    pub async fn of_event(&self, event: &Value) -> C {
        match event.pointer("/run/targetRegion").and_then(Value::as_str) {
            Some(region) => self.of(region).await,
            None => self.own.clone(),
        }
    }

    /// The clients of this Region.
    pub async fn of(&self, region: &str) -> C {
        // Held over the loading on purpose: whoever comes second takes the same clients.
        let mut others = self.others.lock().await;
        if let Some(clients) = others.get(region) {
            return clients.clone();
        }
        let clients = (self.build)(&clients::load_in(region).await);
        others.insert(region.to_owned(), clients.clone());
        clients
    }
}
