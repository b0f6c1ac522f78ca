//! One handler for the two ways in.

use std::future::Future;

use pilot_core::decide::backup::{Notice, RecoveryPointSeen};
use pilot_core::{Failure, FailureName};
use pilot_shell::CallError;
use pilot_shell::context::Clock;
use pilot_shell::plans::PlanStore;
use serde::Serialize;
use serde_json::Value;

use crate::event::{self, Event};
use crate::{changed, reconcile};

/// The function's name.
pub const FUNCTION: &str = "backup-monitor";

/// The recovery points of a vault.
pub trait RecoveryPoints {
    /// `backup:ListRecoveryPointsByBackupVault` of one resource, every page.
    fn list(
        &self,
        vault_name: &str,
        resource_arn: &str,
    ) -> impl Future<Output = Result<Vec<RecoveryPointSeen>, CallError>>;
}

/// Tells people.
pub trait Notices {
    /// `sns:Publish`.
    ///
    /// # Errors
    /// `AwsUnavailable`, `AwsRefused`.
    fn send(&self, notice: &Notice) -> impl Future<Output = Result<(), Failure>>;
}

/// What the function works with, built once.
#[derive(Debug)]
pub struct Tools<'a, P, R, N> {
    /// The plans.
    pub plans: &'a P,
    /// The vaults.
    pub points: &'a R,
    /// Where notices go.
    pub notices: &'a N,
    /// The clock.
    pub clock: Clock,
    /// The metrics' namespace.
    pub namespace: &'a str,
    /// Where metrics go.
    pub publish: fn(&Value),
}

/// One invocation.
///
/// # Errors
/// `EventInvalid`, `PlanNotFound`, `PlanInvalid`, `AwsUnavailable`, `AwsRefused`.
pub async fn handle<P: PlanStore, R: RecoveryPoints, N: Notices>(
    event: Value,
    tools: &Tools<'_, P, R, N>,
) -> Result<Value, Failure> {
    let now = (tools.clock)();
    match event::read(event)? {
        Event::Changed(news) => {
            answer(&changed::note(&news, tools.notices, tools.publish, tools.namespace, now).await?)
        }
        Event::Reconcile { plan } => {
            let (_, plan) = tools.plans.newest(&plan).await?;
            let Tools { points, notices, publish, namespace, .. } = tools;
            answer(&reconcile::reconcile(&plan, *points, *notices, publish, namespace, now).await?)
        }
    }
}

fn answer(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| {
        Failure::new(FailureName::Misconfigured, FUNCTION, format!("the answer cannot be written as JSON: {error}"))
            .next("this is a fault of Pilot Light itself: report it with this text")
    })
}
