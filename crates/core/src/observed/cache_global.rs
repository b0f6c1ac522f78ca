//! An ElastiCache global datastore, as it describes itself.

use super::CacheObserved;

/// A global datastore, as `DescribeGlobalReplicationGroups` in one Region tells it, with that Region's replication group beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatastoreObserved {
    /// Its status (`creating`, `primary-only`, `available`, `modifying`, `deleting`, words of a later day).
    pub status: String,
    /// Its replication groups, in every Region.
    pub members: Vec<DatastoreMember>,
    /// The replication group that was asked for, as its own Region describes it, without what only its nodes tell; `None`: no such group.
    pub group: Option<CacheObserved>,
}

/// A replication group of a global datastore (`GlobalReplicationGroup.Members[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatastoreMember {
    /// `ReplicationGroupId`.
    pub replication_group_id: String,
    /// `ReplicationGroupRegion`.
    pub region: String,
    /// Whether `Role` is `PRIMARY`: it takes writes.
    pub is_primary: bool,
}

impl DatastoreMember {
    /// Whether it is this group of this Region. ElastiCache keeps ids in lower case, whatever was typed.
    pub fn is(&self, replication_group_id: &str, region: &str) -> bool {
        self.region == region && self.replication_group_id.eq_ignore_ascii_case(replication_group_id)
    }

    /// Whether it is a secondary, which takes no writes.
    pub fn is_follower(&self) -> bool {
        !self.is_primary
    }
}

impl DatastoreObserved {
    /// The member that is this group of this Region.
    pub fn member(&self, replication_group_id: &str, region: &str) -> Option<&DatastoreMember> {
        self.members.iter().find(|member| member.is(replication_group_id, region))
    }

    /// The member that takes writes.
    pub fn primary(&self) -> Option<&DatastoreMember> {
        self.members.iter().find(|member| member.is_primary)
    }

    /// The members for people: `shop (us-east-1), shop-dr (us-west-2)`.
    pub fn members_said(&self) -> String {
        let said = self.members.iter().map(|m| format!("{} ({})", m.replication_group_id, m.region));
        let said: Vec<String> = said.collect();
        if said.is_empty() { "none".into() } else { said.join(", ") }
    }
}
