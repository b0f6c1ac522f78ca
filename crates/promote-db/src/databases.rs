//! The ports of all kinds of databases, together.

/// What a plan's databases need of AWS.
#[derive(Debug, Clone, Copy)]
pub struct Databases<'a, R, G, C, B, E> {
    /// RDS read replicas.
    pub replicas: &'a R,
    /// Aurora global databases.
    pub global_clusters: &'a G,
    /// Databases that are recovered within one Region.
    pub in_region: &'a C,
    /// Recovery points, and the databases that are restored from them.
    pub backups: &'a B,
    /// ElastiCache replication groups and global datastores.
    pub caches: &'a E,
}
