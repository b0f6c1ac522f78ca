//! What a database of one Region showed.

use super::ClusterInstance;

/// An Aurora cluster with the instances that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InRegionCluster {
    /// Its status (`available`, `failing-over`, ...).
    pub status: String,
    /// Its instances (`DBClusterMembers`): identifier, and whether it is the writer.
    pub members: Vec<ClusterInstance>,
    /// Those instances that were asked for and that RDS knows, whether they are of the cluster or not.
    pub instances: Vec<ZonedInstance>,
}

/// A DB instance, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZonedInstance {
    /// The DB instance identifier.
    pub identifier: String,
    /// Its status (`available`, `failed`, ...).
    pub status: String,
    /// Its Availability Zone, once it has one.
    pub availability_zone: Option<String>,
}

impl InRegionCluster {
    /// The member of this identifier. RDS keeps identifiers in lower case, whatever was typed.
    pub fn member(&self, identifier: &str) -> Option<&ClusterInstance> {
        self.members.iter().find(|member| member.identifier.eq_ignore_ascii_case(identifier))
    }

    /// The instance of this identifier, if it was asked for and is there.
    pub fn instance(&self, identifier: &str) -> Option<&ZonedInstance> {
        self.instances.iter().find(|instance| instance.identifier.eq_ignore_ascii_case(identifier))
    }

    /// The writer's identifier. A secondary of a global database has none, and a cluster none between two writers.
    pub fn writer(&self) -> Option<&str> {
        self.members.iter().find(|member| member.is_writer).map(|member| member.identifier.as_str())
    }

    /// Whether this instance is the writer.
    pub fn is_writer(&self, identifier: &str) -> bool {
        self.member(identifier).is_some_and(|member| member.is_writer)
    }

    /// The members for people: `shop-1, shop-2`.
    pub fn members_said(&self) -> String {
        let said: Vec<&str> = self.members.iter().map(|member| member.identifier.as_str()).collect();
        if said.is_empty() { "none".into() } else { said.join(", ") }
    }
}
