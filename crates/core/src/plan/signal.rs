//! The signals by which the primary is judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aurora::{AuroraReplicationSignal, RdsClusterSignal};

/// One observation of the primary. `fate` groups signals that can fail for the same reason: a fate votes once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Signal {
    /// A request to the primary's endpoint.
    Http(HttpSignal),
    /// A CloudWatch alarm, by exact name.
    Alarm(AlarmSignal),
    /// The primary database's status, as its own Region tells it.
    RdsInstance(RdsInstanceSignal),
    /// Whether the replica in the recovery Region still receives from its source: needs nothing of the primary Region's API.
    RdsReplication(RdsReplicationSignal),
    /// The primary Aurora cluster and its writer instance, as their own Region tells it.
    RdsCluster(RdsClusterSignal),
    /// Whether the Aurora secondary in the recovery Region still receives from the primary, and how far behind it is: needs nothing of
    /// the primary Region's API.
    AuroraReplication(AuroraReplicationSignal),
}

impl Signal {
    /// The signal's name.
    pub fn name(&self) -> &str {
        match self {
            Signal::Http(s) => &s.name,
            Signal::Alarm(s) => &s.name,
            Signal::RdsInstance(s) => &s.name,
            Signal::RdsReplication(s) => &s.name,
            Signal::RdsCluster(s) => &s.name,
            Signal::AuroraReplication(s) => &s.name,
        }
    }

    /// The fate it shares with others.
    pub fn fate(&self) -> &str {
        match self {
            Signal::Http(s) => &s.fate,
            Signal::Alarm(s) => &s.fate,
            Signal::RdsInstance(s) => &s.fate,
            Signal::RdsReplication(s) => &s.fate,
            Signal::RdsCluster(s) => &s.fate,
            Signal::AuroraReplication(s) => &s.fate,
        }
    }
}

/// A request to the primary's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The whole address, `http://` or `https://`. Certificates are checked.
    pub url: String,
    /// The status that means well.
    #[serde(default = "HttpSignal::default_status")]
    #[schemars(range(min = 100, max = 599))]
    pub expect_status: u16,
    /// How long the answer may take. All signals are looked at together, and a whole look must fit into one invocation.
    #[serde(default = "HttpSignal::default_timeout_seconds")]
    #[schemars(range(min = 1, max = 8))]
    pub timeout_seconds: u32,
}

impl HttpSignal {
    fn default_status() -> u16 {
        200
    }
    fn default_timeout_seconds() -> u32 {
        3
    }
}

/// A CloudWatch alarm. `ALARM` is failing, `OK` is healthy, `INSUFFICIENT_DATA` is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The alarm's exact name. Never one that Pilot Light's own probe feeds: a verdict must not confirm itself.
    #[schemars(length(min = 1, max = 255))]
    pub alarm_name: String,
    /// The alarm's Region.
    #[schemars(regex(pattern = super::REGION_PATTERN))]
    pub region: String,
}

/// The primary database's status, as its own Region tells it. An unanswered call is unknown, not failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RdsInstanceSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The DB instance identifier.
    #[schemars(length(min = 1, max = 63))]
    pub identifier: String,
    /// Its Region.
    #[schemars(regex(pattern = super::REGION_PATTERN))]
    pub region: String,
}

/// Whether the replica in the recovery Region still receives from its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RdsReplicationSignal {
    /// The signal's name, unique in the plan.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub name: String,
    /// Which signals it fails together with.
    #[schemars(regex(pattern = super::LABEL_PATTERN))]
    pub fate: String,
    /// The replica's DB instance identifier, in the recovery Region.
    #[schemars(length(min = 1, max = 63))]
    pub identifier: String,
}
