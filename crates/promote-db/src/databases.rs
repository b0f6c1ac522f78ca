//! The ports of all kinds of databases, together.

/// What a plan's databases need of AWS.
#[derive(Debug, Clone, Copy)]
pub struct Databases<'a, R, G, E> {
    /// RDS read replicas.
    pub replicas: &'a R,
    /// Aurora global databases.
    pub global_clusters: &'a G,
    /// ElastiCache replication groups.
    pub caches: &'a E,
}
