//! What a hook is told of the run that starts it, and the token by which a lost answer starts nothing twice.

use crate::contract::Run;
use crate::plan::{RecoveryPlan, sha256_hex};

/// What every hook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The run's id.
    pub run_id: String,
    /// The plan's name.
    pub plan: String,
    /// The hook's name in the plan.
    pub component: String,
    /// The Region that is left.
    pub primary_region: String,
    /// The Region that is brought up.
    pub recovery_region: String,
    /// The run's mode, as requests write it.
    pub mode: &'static str,
    /// The lease's generation.
    pub generation: u64,
    /// Whether nothing may be changed.
    pub dry_run: bool,
}

impl Handed {
    /// What this run tells this hook. `plan`: as the run goes it, so that the Region that is brought up is its recovery Region.
    pub fn of(run: &Run, plan: &RecoveryPlan, component: &str) -> Self {
        Handed {
            run_id: run.run_id.clone(),
            plan: plan.metadata.name.clone(),
            component: component.to_owned(),
            primary_region: plan.regions.primary.clone(),
            recovery_region: plan.regions.recovery.clone(),
            mode: run.mode.as_str(),
            generation: run.generation,
            dry_run: !run.mode.acts(),
        }
    }

    /// The same as environment variables, in a fixed order: a start that is tried again must be the same to the letter.
    pub fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            (RUN_ID_VARIABLE, self.run_id.clone()),
            ("PILOT_PLAN", self.plan.clone()),
            (COMPONENT_VARIABLE, self.component.clone()),
            ("PILOT_PRIMARY_REGION", self.primary_region.clone()),
            ("PILOT_RECOVERY_REGION", self.recovery_region.clone()),
            ("PILOT_MODE", self.mode.to_owned()),
            ("PILOT_GENERATION", self.generation.to_string()),
            ("PILOT_DRY_RUN", self.dry_run.to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The idempotency token of this run's start of this hook, in the form of a UUID (version 8, RFC 9562), which SSM demands. A later run
    /// has another one.
    pub fn token(&self) -> String {
        let hash = sha256_hex(format!("{}#{}", self.run_id, self.component).as_bytes());
        let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
        format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }
}

/// The environment variable that says which run started a build.
pub const RUN_ID_VARIABLE: &str = "PILOT_RUN_ID";
/// The environment variable that says which component of the plan started a build.
pub const COMPONENT_VARIABLE: &str = "PILOT_COMPONENT";
