//! An Aurora cluster of one Region: observe, decide, move the writer to the instance that the plan names.
//!
//! **There is no undo.** The writer's move cannot be taken back; this is the pivot, after which a run only goes forward. The way home is a
//! failover to the other instance, which is a run of its own.

use pilot_core::decide::in_region::{ACCEPTED_GRACE_SECONDS, Decision, decide};
use pilot_core::journal::{Action, Entry};
use pilot_core::observed::InRegionCluster;
use pilot_core::plan::AuroraCluster;
use pilot_core::{Failure, FailureName};
use pilot_shell::context::{Act, Acted};
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::{InRegion, InRegionReads};
use pilot_shell::waves::{Progress, done, in_progress};
use pilot_shell::{CallError, StepContext};
use serde_json::{Value, json};

/// How long a failover whose answer was lost may stay unseen before it is asked for again: most lost answers belong to calls that were
/// carried out, and those show within seconds. Asking again is safe: it is decided only while the named instance is no writer.
pub const UNANSWERED_GRACE_SECONDS: i64 = ACCEPTED_GRACE_SECONDS / 3;

const CALL: &str = "rds:FailoverDBCluster";

/// Brings one cluster a step on towards having its writer on the named instance.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, C: InRegion>(
    context: &StepContext<'_, L>,
    clusters: &C,
    component: &AuroraCluster,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (id, to) = (component.cluster_identifier.as_str(), component.recovery_instance_identifier.as_str());
    let observed = observe(clusters, component).await?;
    let earlier = context.earlier(&component.name, Action::FailoverCluster).await?;
    match decide(
        component,
        observed.as_ref(),
        earlier.as_ref().and_then(|entry| entry.on_its_way_seconds(UNANSWERED_GRACE_SECONDS, context.now())),
    ) {
        Decision::Done => {
            context.settle(earlier.as_ref(), "its answer was lost; seen to be the writer").await?;
            Ok(done(&component.name, format!("{to} is the writer of {id}, and both are available")))
        }
        Decision::Wait { reason, after_seconds } => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Decision::Fail(failure) => Err(*failure),
        Decision::FailOver => {
            context.check_deadline(id, "it can be failed over only now", allowed_seconds)?;
            let call = || async { clusters.fail_over_cluster(id, to).await.map(|()| "failover accepted".to_owned()) };
            let acted = context.act(act(component, observed.as_ref()), earlier.as_ref(), call).await?;
            after(clusters, component, earlier.as_ref(), acted).await
        }
    }
}

async fn observe<C: InRegionReads>(
    clusters: &C,
    component: &AuroraCluster,
) -> Result<Option<InRegionCluster>, Failure> {
    let instances = [component.primary_instance_identifier.as_str(), component.recovery_instance_identifier.as_str()];
    let observed = clusters.in_region_cluster(&component.cluster_identifier, &instances).await;
    let call = "rds:DescribeDBClusters or rds:DescribeDBInstances";
    observed.map_err(|error| error.into_failure(call, &component.cluster_identifier))
}

fn act(component: &AuroraCluster, observed: Option<&InRegionCluster>) -> Act {
    Act {
        component: component.name.clone(),
        action: Action::FailoverCluster,
        resource: component.cluster_identifier.clone(),
        irreversible: true,
        before: before(observed),
        intention: format!("failed over to {}, which cannot be undone", component.recovery_instance_identifier),
    }
}

fn before(observed: Option<&InRegionCluster>) -> Value {
    observed.map_or(Value::Null, |cluster| {
        let instance = |i: &pilot_core::observed::ZonedInstance| {
            json!({"identifier": i.identifier, "status": i.status, "availabilityZone": i.availability_zone})
        };
        let instances: Vec<Value> = cluster.instances.iter().map(instance).collect();
        json!({"status": cluster.status, "writer": cluster.writer(), "instances": instances})
    })
}

async fn after<C: InRegionReads>(
    clusters: &C,
    component: &AuroraCluster,
    earlier: Option<&Entry>,
    acted: Acted,
) -> Result<Progress, Failure> {
    match acted {
        Acted::WouldDo(progress) => Ok(progress),
        Acted::Accepted(detail) => Ok(in_progress(&component.name, format!("RDS: {detail}"), 2)),
        Acted::Failed(CallError::Refused { code, message }) => {
            refused(clusters, component, earlier, &code, &format!("{code}: {message}")).await
        }
        Acted::Failed(error) => Err(error.into_failure(CALL, &component.cluster_identifier)),
    }
}

/// RDS refused. In the wrong state that may be a wait (Aurora began to move by itself between the look and the call, or the cluster got busy)
/// or an earlier call whose answer was lost: a fresh look tells.
async fn refused<C: InRegionReads>(
    clusters: &C,
    component: &AuroraCluster,
    earlier: Option<&Entry>,
    code: &str,
    said: &str,
) -> Result<Progress, Failure> {
    let may_be_under_way = earlier.is_some_and(Entry::may_have_changed);
    // The codes on the wire carry `Fault`, emulators write either.
    if matches!(code.trim_end_matches("Fault"), "InvalidDBClusterState" | "InvalidDBInstanceState") {
        let now = observe(clusters, component).await?;
        if let Some(detail) = now.and_then(|cluster| passing(component, &cluster)) {
            return Ok(in_progress(&component.name, format!("RDS said {said}; now {detail}"), 3));
        }
        if may_be_under_way {
            let detail = format!("RDS said {said}; an earlier call, whose answer was lost, may be under way");
            return Ok(in_progress(&component.name, detail, 5));
        }
    }
    let now_true = if may_be_under_way {
        "the writer was where it was when last seen, but an earlier try went unanswered and may yet be carried out"
    } else {
        "the writer is where it was; nothing was failed over"
    };
    let what = format!("RDS refused {CALL} with {said}");
    Err(Failure::new(FailureName::PromotionRefused, &component.cluster_identifier, what)
        .now(now_true)
        .next("see the cluster's state and events in the RDS console and promote-db's role; then start the run again"))
}

/// What explains a refusal and goes by itself.
fn passing(component: &AuroraCluster, cluster: &InRegionCluster) -> Option<String> {
    let (id, to) = (&component.cluster_identifier, &component.recovery_instance_identifier);
    if cluster.is_writer(to) {
        return Some(format!("{to} is the writer"));
    }
    if cluster.status != "available" {
        return Some(format!("{id} is `{}`", cluster.status));
    }
    let busy = cluster.instance(to).filter(|instance| instance.status != "available")?;
    Some(format!("{to} is `{}`", busy.status))
}
