//! An Aurora cluster of one Region after its writer moved: the old writer comes back by itself, as a reader. Nothing is called.

use pilot_core::Failure;
use pilot_core::decide::in_region::{Rejoin, rejoin};
use pilot_core::plan::AuroraCluster;
use pilot_shell::StepContext;
use pilot_shell::ledger::Ledger;
use pilot_shell::ports::InRegionReads;
use pilot_shell::waves::{Progress, done, in_progress};

/// Waits until the old writer, which is the mirrored component's recovery instance, is an available reader.
///
/// # Errors
/// See [`crate::handler::handle`].
pub async fn reconcile<L: Ledger, R: InRegionReads>(
    context: &StepContext<'_, L>,
    region: &R,
    component: &AuroraCluster,
    allowed_seconds: u32,
) -> Result<Progress, Failure> {
    let (id, follower) = (component.cluster_identifier.as_str(), component.recovery_instance_identifier.as_str());
    let observed = region.in_region_cluster(id, &[follower]).await;
    let observed =
        observed.map_err(|error| error.into_failure("rds:DescribeDBClusters or rds:DescribeDBInstances", id))?;
    match rejoin(component, observed.as_ref()) {
        Rejoin::Done => Ok(done(&component.name, format!("{follower} is an available reader of {id}"))),
        Rejoin::Wait { reason, after_seconds } => {
            context.check_deadline(id, &reason, allowed_seconds)?;
            Ok(in_progress(&component.name, reason, after_seconds))
        }
        Rejoin::Fail(failure) => Err(*failure),
    }
}
