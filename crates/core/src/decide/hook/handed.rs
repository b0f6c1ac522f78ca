//! What a hook is told of the run that starts it, and the token by which a lost answer starts nothing twice.

use std::collections::BTreeMap;

use crate::contract::Run;
use crate::observed::AutomationObserved;
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
    /// The parameters of an SSM document that a run fills.
    pub const PARAMETERS: [&'static str; 8] = [
        RUN_ID_PARAMETER,
        "PilotPlan",
        COMPONENT_PARAMETER,
        "PilotPrimaryRegion",
        "PilotRecoveryRegion",
        "PilotMode",
        "PilotGeneration",
        DRY_RUN_PARAMETER,
    ];

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
        self.named().into_iter().map(|(variable, _, value)| (variable.to_owned(), value)).collect()
    }

    /// The same as the parameters of an SSM document.
    pub fn parameters(&self) -> BTreeMap<String, Vec<String>> {
        self.named().into_iter().map(|(_, parameter, value)| (parameter.to_owned(), vec![value])).collect()
    }

    /// Each with its name as an environment variable and as a parameter.
    fn named(&self) -> [(&'static str, &'static str, String); 8] {
        [
            (RUN_ID_VARIABLE, RUN_ID_PARAMETER, self.run_id.clone()),
            ("PILOT_PLAN", "PilotPlan", self.plan.clone()),
            (COMPONENT_VARIABLE, COMPONENT_PARAMETER, self.component.clone()),
            ("PILOT_PRIMARY_REGION", "PilotPrimaryRegion", self.primary_region.clone()),
            ("PILOT_RECOVERY_REGION", "PilotRecoveryRegion", self.recovery_region.clone()),
            ("PILOT_MODE", "PilotMode", self.mode.to_owned()),
            ("PILOT_GENERATION", "PilotGeneration", self.generation.to_string()),
            ("PILOT_DRY_RUN", DRY_RUN_PARAMETER, self.dry_run.to_string()),
        ]
    }

    /// The idempotency token of this run's start of this hook, in the form of a UUID (version 8, RFC 9562), which SSM demands. A later run
    /// has another one.
    pub fn token(&self) -> String {
        self.token_of(&self.run_id)
    }

    /// The token of this hook in another run, that this one goes on with.
    pub fn token_of(&self, run_id: &str) -> String {
        let hash = sha256_hex(format!("{run_id}#{}", self.component).as_bytes());
        let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
        format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }
}

/// The environment variable that says which run started a build.
pub const RUN_ID_VARIABLE: &str = "PILOT_RUN_ID";
/// The environment variable that says which component of the plan started a build.
pub const COMPONENT_VARIABLE: &str = "PILOT_COMPONENT";
/// The parameter that says whether nothing may be changed.
pub const DRY_RUN_PARAMETER: &str = "PilotDryRun";
/// The parameter that carries the role (SSM user guide, "Running an automation by using IAM").
pub const ASSUME_ROLE_PARAMETER: &str = "AutomationAssumeRole";
const RUN_ID_PARAMETER: &str = "PilotRunId";
const COMPONENT_PARAMETER: &str = "PilotComponent";

/// The newest of these executions that one of the runs started for the component. A document that declares no `PilotRunId` is told by the
/// parameters of the plan alone.
pub fn of_runs<'a>(
    executions: &'a [AutomationObserved],
    component: &str,
    run_ids: &[&str],
    of_plan: &BTreeMap<String, Vec<String>>,
) -> Option<&'a AutomationObserved> {
    let ours = |execution: &&AutomationObserved| {
        let given = |name: &str| execution.parameters.get(name).and_then(|values| values.first()).map(String::as_str);
        let same = of_plan.iter().all(|(name, values)| execution.parameters.get(name) == Some(values));
        let of_run = given(RUN_ID_PARAMETER).is_none_or(|run_id| run_ids.contains(&run_id));
        let of_component = given(COMPONENT_PARAMETER).is_none_or(|name| name == component);
        same && of_run && of_component
    };
    executions.iter().filter(ours).max_by_key(|execution| execution.run.started_at)
}
