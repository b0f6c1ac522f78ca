//! AWS Lambda: the function whose concurrency is brought up in the recovery Region.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capacity::{Had, share};
use super::component::{default_timeout_seconds, first_wave};

/// The concurrency of a Lambda function in the recovery Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaConcurrency {
    /// The component's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Lower waves go first.
    #[serde(default = "first_wave")]
    #[schemars(range(min = 1, max = 100))]
    pub wave: u32,
    /// The function's name, not its ARN.
    #[schemars(regex(pattern = super::LAMBDA_NAME_PATTERN))]
    pub function_name: String,
    /// The alias or the published version that gets the provisioned concurrency. `$LATEST` cannot have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = super::LAMBDA_QUALIFIER_PATTERN))]
    pub qualifier: Option<String>,
    /// The concurrency to serve with. What is not stated is left as it is.
    pub capacity: Concurrency,
    /// The concurrency to rest with while the other Region serves: what a failback brings the function down to. Without it the function
    /// stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resting_capacity: Option<RestingConcurrency>,
    /// How long the provisioned concurrency may take to be allocated.
    #[serde(default = "default_timeout_seconds")]
    #[schemars(range(min = 1, max = 14_400))]
    pub timeout_seconds: u32,
}

/// The concurrency to serve with. A function that has more keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Concurrency {
    /// How many executions at once are kept for the function; it is also the most it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub reserved_concurrency: Option<u32>,
    /// How many execution environments of the qualifier are initialised before they are needed. Not above the reserved concurrency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub provisioned_concurrency: Option<u32>,
    /// Per cent of what the function of the component of the same name in `/home/compute` last had while the primary was healthy, rounded up: of
    /// its reserved concurrency, and of the provisioned concurrency of its qualifier. The probe writes both down in the recovery Region. Whichever of
    /// the two is stated here is the least that it will be, and is raised to its share; what is not stated is left as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub percent_of_primary: Option<u32>,
    /// With `percentOfPrimary` the most that either of the two will be, whatever the primary had: what the account in the Region that is brought up
    /// can spare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: Option<u32>,
}

impl Concurrency {
    /// The concurrency when the primary's function is known to have had this; `None`: nothing is known, and what is stated holds. Its numbers are
    /// fixed by that: it asks for no share any more.
    pub fn fixed(self, primary: Option<Had>) -> Self {
        let most = self.max.unwrap_or(u32::MAX);
        let grown = |stated: u32, had: Option<u32>| {
            let shares = self.percent_of_primary.zip(had).map(|(percent, had)| share(percent, had));
            stated.max(shares.unwrap_or(0).min(most))
        };
        let reserved = self.reserved_concurrency.map(|stated| grown(stated, primary.map(|had| had.desired)));
        let provisioned =
            self.provisioned_concurrency.map(|stated| grown(stated, primary.and_then(|had| had.provisioned)));
        // AWS refuses more provisioned than is reserved.
        let provisioned = provisioned.map(|count| count.min(reserved.unwrap_or(u32::MAX)));
        Concurrency {
            reserved_concurrency: reserved,
            provisioned_concurrency: provisioned,
            percent_of_primary: None,
            max: None,
        }
    }
}

/// The concurrency to rest with. What is not stated is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestingConcurrency {
    /// The reserved concurrency. 0 throttles the function: it takes no events at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub reserved_concurrency: Option<u32>,
    /// Whether the function rests without a reservation, on what the account has unreserved. Not together with `reservedConcurrency`.
    #[serde(default)]
    pub unreserved: bool,
    /// The provisioned concurrency of the qualifier. 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub provisioned_concurrency: Option<u32>,
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reserved = self.reserved_concurrency.map(|count| format!("reserved concurrency {count}"));
        let provisioned = self.provisioned_concurrency.map(|count| format!("provisioned concurrency {count}"));
        let stated: Vec<String> = reserved.into_iter().chain(provisioned).collect();
        f.write_str(&stated.join(", "))
    }
}

impl LambdaConcurrency {
    /// The function as journal and reports name it: `FUNCTION:QUALIFIER`, or `FUNCTION`.
    pub fn resource(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.function_name),
            None => self.function_name.clone(),
        }
    }

    /// Whether the component has a say in provisioned concurrency, up or at rest.
    pub fn provisions(&self) -> bool {
        self.capacity.provisioned_concurrency.is_some()
            || self.resting_capacity.is_some_and(|resting| resting.provisioned_concurrency.is_some())
    }
}
