//! One look at the primary: every signal and every control at once, each within its own time.

use std::future::Future;
use std::time::Duration;

use futures::future::{join, join_all};
use http_probe::{Http, Request};
use pilot_core::decide::health::{Judgement, judge};
use pilot_core::decide::signal;
use pilot_core::decide::signal::aurora::{self, ClusterSeen, ReplicationSeen};
use pilot_core::observed::{AlarmState, NoAnswer, ReplicaObserved, SignalObserved};
use pilot_core::plan::{RecoveryPlan, Regions, Signal};
use pilot_shell::CallError;

/// How long a control may take to answer.
pub const CONTROL_TIMEOUT_SECONDS: u32 = 3;
/// How long an AWS call of a signal may take. A dead Region must not cost more than this.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// CloudWatch alarms in any Region.
pub trait Alarms {
    /// `cloudwatch:DescribeAlarms` of one name; `None`: no such alarm.
    fn state(&self, region: &str, name: &str) -> impl Future<Output = Result<Option<AlarmState>, CallError>>;
}

/// DB instances and Aurora clusters in any Region.
pub trait Instances {
    /// `rds:DescribeDBInstances` of one identifier; `None`: no such instance.
    fn describe(
        &self,
        region: &str,
        identifier: &str,
    ) -> impl Future<Output = Result<Option<ReplicaObserved>, CallError>>;
    /// `rds:DescribeDBClusters` of one identifier, and `rds:DescribeDBInstances` of its writer; `None`: no such cluster.
    fn cluster(&self, region: &str, identifier: &str) -> impl Future<Output = Result<Option<ClusterSeen>, CallError>>;
    /// `rds:DescribeGlobalClusters` in the recovery Region, and the newest `AuroraGlobalDBRPOLag` there of the last minutes; `None`: no
    /// such global cluster.
    fn global_replication(
        &self,
        regions: &Regions,
        global_cluster: &str,
        recovery_cluster: &str,
    ) -> impl Future<Output = Result<Option<ReplicationSeen>, CallError>>;
}

/// What a look looks through.
#[derive(Debug)]
pub struct Eyes<'a, H, A, I> {
    /// HTTP probes and controls.
    pub http: &'a H,
    /// Alarms.
    pub alarms: &'a A,
    /// DB instances and Aurora clusters.
    pub instances: &'a I,
}

impl<H: Http, A: Alarms, I: Instances> Eyes<'_, H, A, I> {
    /// Looks and judges. Never fails: what could not be seen is unknown. Takes as long as its slowest signal, 8 seconds at most by
    /// the plan's schema.
    pub async fn judge(&self, plan: &RecoveryPlan) -> Judgement {
        let signals = join_all(plan.signals.iter().map(|signal| self.signal(plan, signal)));
        let controls = join_all(plan.observer.control_urls.iter().map(|url| self.control(url)));
        let (signals, controls) = join(signals, controls).await;
        for signal in &signals {
            tracing::info!(workload = plan.metadata.name, signal = signal.name, state = ?signal.state, "{}", signal.evidence);
        }
        let judgement = judge(signals, &controls, plan.policy.quorum);
        tracing::info!(workload = plan.metadata.name, verdict = judgement.verdict.as_str(), "{}", judgement.sentence());
        judgement
    }

    async fn signal(&self, plan: &RecoveryPlan, what: &Signal) -> SignalObserved {
        match what {
            Signal::Http(probe) => {
                signal::http(probe, &self.http.ask(Request::get(&probe.url, probe.timeout_seconds)).await)
            }
            Signal::Alarm(alarm) => {
                signal::alarm(alarm, within(self.alarms.state(&alarm.region, &alarm.alarm_name)).await)
            }
            Signal::RdsInstance(instance) => {
                let seen = within(self.instances.describe(&instance.region, &instance.identifier)).await;
                signal::rds_instance(instance, seen)
            }
            Signal::RdsReplication(replica) => {
                let seen = within(self.instances.describe(&plan.regions.recovery, &replica.identifier)).await;
                signal::rds_replication(replica, seen)
            }
            Signal::RdsCluster(cluster) => {
                let seen = within(self.instances.cluster(&cluster.region, &cluster.identifier)).await;
                aurora::rds_cluster(cluster, seen)
            }
            Signal::AuroraReplication(replication) => {
                let (global, recovery) =
                    (&replication.global_cluster_identifier, &replication.recovery_cluster_identifier);
                let seen = within(self.instances.global_replication(&plan.regions, global, recovery)).await;
                aurora::aurora_replication(replication, &plan.regions.recovery, seen)
            }
        }
    }

    /// Whether a control could be reached: any answer over HTTP says that the observer's network works.
    async fn control(&self, url: &str) -> bool {
        let answer = self.http.ask(Request::get(url, CONTROL_TIMEOUT_SECONDS)).await;
        if let Err(error @ NoAnswer::NotSent { .. }) = &answer {
            tracing::warn!(url, "control: {error}");
        }
        answer.is_ok()
    }
}

/// A call's answer within its time, or in words why there is none.
async fn within<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, String> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", CALL_TIMEOUT.as_secs())),
    }
}
