//! The way home. A failback is the plan's mirror image: the same steps, with the two Regions in each other's place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::Mode;
use crate::{Failure, FailureName};

use super::{Compute, Fence, RecoveryPlan, Regions, Signal, Traffic, Validation};

/// What the plan says of the recovery Region, said of the primary Region: with it the way can be gone in both directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Home {
    /// How the recovery Region is judged while it serves. Empty: by the endpoints of `/validation` that are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub signals: Vec<Signal>,
    /// How the recovery Region is stopped from taking writes on the way home. Its doors stay open: they are needed for the next failover.
    #[serde(default)]
    pub fence: Fence,
    /// What serves in the primary Region.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub compute: Vec<Compute>,
    /// What `route53Records` of `/traffic` must say at home. A STOP object and routing controls need nothing here: on the way home
    /// the one is removed, the others are turned round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub traffic: Vec<Traffic>,
    /// What proves that the application works at home.
    pub validation: Validation,
}

impl RecoveryPlan {
    /// The plan with the two Regions in each other's place; mirrored twice it is itself again. `None`: the plan does not say how the way
    /// home is gone.
    pub fn mirrored(&self) -> Option<RecoveryPlan> {
        let home = self.home.clone()?;
        let away = Home {
            signals: self.signals.clone(),
            fence: self.fence.clone(),
            compute: self.compute.clone(),
            traffic: self.traffic.iter().filter(|traffic| !is_switch(traffic)).cloned().collect(),
            validation: self.validation.clone(),
        };
        Some(RecoveryPlan {
            regions: Regions { primary: self.regions.recovery.clone(), recovery: self.regions.primary.clone() },
            signals: home.signals,
            fence: home.fence,
            databases: self.databases.iter().map(super::Database::mirrored).collect(),
            compute: home.compute,
            traffic: self.traffic.iter().filter_map(switched).chain(home.traffic).collect(),
            validation: home.validation,
            home: Some(away),
            ..self.clone()
        })
    }
}

impl RecoveryPlan {
    /// The plan as a run of this mode goes it: the document itself, or its mirror image on the way home.
    ///
    /// # Errors
    /// [`FailureName::PlanInvalid`] if the mode needs `/home` and the plan has none.
    pub fn for_mode(&self, mode: Mode) -> Result<RecoveryPlan, Failure> {
        match (mode, self.mirrored()) {
            (Mode::Failback, Some(mirror)) => Ok(mirror),
            (Mode::Failback | Mode::Protect, None) => Err(Failure::new(
                FailureName::PlanInvalid,
                &self.metadata.name,
                format!("/home: is missing, so the plan does not say how the way home is gone: no {}", mode.as_str()),
            )
            .now("nothing was touched")
            .next("add `home` to the plan; examples/plans/pilot-light.yaml shows it")),
            _ => Ok(self.clone()),
        }
    }
}

/// A switch says both directions in one.
fn is_switch(traffic: &Traffic) -> bool {
    switched(traffic).is_some()
}

/// A switch in the mirror; `None`: it is none, and home says for itself what it wants.
fn switched(traffic: &Traffic) -> Option<Traffic> {
    match traffic {
        // One object for both directions: there away, gone at home.
        Traffic::StopObject(_) => Some(traffic.clone()),
        Traffic::RoutingControl(c) => Some(Traffic::RoutingControl(c.mirrored())),
        Traffic::Route53Records(_) => None,
    }
}

#[cfg(test)]
mod tests;
