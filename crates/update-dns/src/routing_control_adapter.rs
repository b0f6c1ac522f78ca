//! ARC routing controls, by the AWS SDK: one client an endpoint, one endpoint after the other.
//!
//! AWS behaviour relied on (ARC developer guide, "Get and update routing control states using the API"): every one of a cluster's five
//! endpoints takes reads and writes, one of them may be unavailable at any time, and callers are to try them in turn. Setting a state is the
//! same twice as once, so an endpoint whose answer was lost does not keep the next one from being asked.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_route53recoverycluster::Client;
use aws_sdk_route53recoverycluster::config::Builder;
use aws_sdk_route53recoverycluster::config::retry::RetryConfig;
use aws_sdk_route53recoverycluster::config::timeout::TimeoutConfig;
use aws_sdk_route53recoverycluster::types::{RoutingControlState, UpdateRoutingControlStateEntry};
use pilot_core::decide::routing::{ControlState, ControlStates};
use pilot_core::plan::ClusterEndpoint;
use pilot_shell::CallError;
use pilot_shell::ports::RoutingControls;
use tokio::sync::Mutex;

/// What one endpoint gets: five dead ones in a row take 7.5 s of the 30 that the function has.
const ENDPOINT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Routing controls of any cluster that the plan names.
#[derive(Debug, Clone)]
pub struct AwsRoutingControls {
    config: SdkConfig,
    /// By Region and URL.
    clients: Arc<Mutex<BTreeMap<(String, String), Client>>>,
    /// Where in the list of endpoints the next call begins: anywhere at first, so that not every function asks the same endpoint; then at the
    /// one that answered last, so that a dead one costs its time once.
    start: Arc<AtomicUsize>,
}

impl AwsRoutingControls {
    /// With clients of this configuration, but for Region and endpoint.
    pub fn new(config: &SdkConfig) -> Self {
        // A hasher's keys are the standard library's only randomness; any number below a thousand begins somewhere.
        let anywhere = (RandomState::new().build_hasher().finish() % 1_000) as usize;
        AwsRoutingControls {
            config: config.clone(),
            clients: Arc::default(),
            start: Arc::new(AtomicUsize::new(anywhere)),
        }
    }

    async fn client(&self, endpoint: &ClusterEndpoint) -> Client {
        let key = (endpoint.region.clone(), endpoint.url.clone());
        let build = || {
            let timeouts =
                TimeoutConfig::builder().connect_timeout(Duration::from_secs(1)).operation_timeout(ENDPOINT_TIMEOUT);
            let config = Builder::from(&self.config)
                .region(Region::new(endpoint.region.clone()))
                .endpoint_url(&endpoint.url)
                // The next endpoint is the second attempt.
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts.build());
            Client::from_conf(config.build())
        };
        self.clients.lock().await.entry(key).or_insert_with(build).clone()
    }

    /// One call on one endpoint after the other, until one gives an answer that no other would give differently.
    async fn in_turn<T>(
        &self,
        endpoints: &[ClusterEndpoint],
        call: impl AsyncFn(Client) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let start = self.start.load(Ordering::Relaxed);
        let mut errors: Vec<CallError> = Vec::new();
        let mut told: Vec<String> = Vec::new();
        for at in (0..endpoints.len()).map(|i| (start + i) % endpoints.len()) {
            let Some(endpoint) = endpoints.get(at) else { continue };
            match call(self.client(endpoint).await).await {
                Ok(answer) => {
                    self.start.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => {
                    tracing::warn!(
                        region = endpoint.region,
                        url = endpoint.url,
                        "a cluster endpoint did not serve: {error}"
                    );
                    told.push(format!("{}: {error}", endpoint.region));
                    let last = is_the_clusters(&error);
                    errors.push(error);
                    if last {
                        self.start.store(at, Ordering::Relaxed);
                        break;
                    }
                }
            }
        }
        Err(together(errors, told.join("; ")))
    }

    async fn state(&self, endpoints: &[ClusterEndpoint], arn: &str) -> Result<Option<ControlState>, CallError> {
        let read = async |client: Client| match client.get_routing_control_state().routing_control_arn(arn).send().await
        {
            Ok(answer) => match answer.routing_control_state() {
                RoutingControlState::On => Ok(Some(ControlState::On)),
                RoutingControlState::Off => Ok(Some(ControlState::Off)),
                other => {
                    Err(CallError::Unknown { message: format!("{arn} is in the unknown state {:?}", other.as_str()) })
                }
            },
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
            Err(error) => Err(error.into()),
        };
        self.in_turn(endpoints, read).await
    }
}

impl RoutingControls for AwsRoutingControls {
    async fn states(&self, endpoints: &[ClusterEndpoint], controls: &[&str]) -> Result<ControlStates, CallError> {
        let mut states = ControlStates::new();
        // One after the other: the first finds the endpoint that answers, the others begin there.
        for arn in controls {
            if let Some(state) = self.state(endpoints, arn).await? {
                states.insert((*arn).to_owned(), state);
            }
        }
        Ok(states)
    }

    async fn set(&self, endpoints: &[ClusterEndpoint], states: &ControlStates) -> Result<(), CallError> {
        let entry = |(arn, state): (&String, &ControlState)| {
            let state = RoutingControlState::from(state.as_str());
            UpdateRoutingControlStateEntry::builder().routing_control_arn(arn).routing_control_state(state).build()
        };
        let entries = states.iter().map(entry).collect::<Result<Vec<_>, _>>();
        let entries =
            entries.map_err(|error| CallError::Refused { code: "NotSent".into(), message: error.to_string() })?;
        let update = async |client: Client| {
            let call =
                client.update_routing_control_states().set_update_routing_control_state_entries(Some(entries.clone()));
            call.send().await.map(|_| ()).map_err(CallError::from)
        };
        self.in_turn(endpoints, update).await
    }
}

/// Whether an error is the answer of the cluster, which every endpoint would give; any other may be the endpoint's own, or that of what the
/// plan says of it (a wrong Region is refused as a wrong signature).
fn is_the_clusters(error: &CallError) -> bool {
    matches!(error.code(), Some("ConflictException" | "ValidationException" | "ResourceNotFoundException"))
}

/// The errors of one call on several endpoints, as one. One that may have taken effect leaves the whole call unknown.
fn together(errors: Vec<CallError>, told: String) -> CallError {
    match errors.into_iter().reduce(worse) {
        Some(CallError::Refused { code, .. }) => CallError::Refused { code, message: told },
        Some(CallError::Throttled { code, .. }) => CallError::Throttled { code, message: told },
        Some(CallError::Unknown { .. }) => CallError::Unknown { message: told },
        None => CallError::Refused { code: "NotSent".into(), message: "the plan names no cluster endpoint".into() },
    }
}

fn worse(one: CallError, other: CallError) -> CallError {
    match (&one, &other) {
        (CallError::Unknown { .. }, _) => one,
        (_, CallError::Unknown { .. }) => other,
        // The cluster's own word is the last one, and says more than an endpoint's throttle.
        (CallError::Throttled { .. }, CallError::Refused { .. }) if !is_the_clusters(&other) => one,
        _ => other,
    }
}
