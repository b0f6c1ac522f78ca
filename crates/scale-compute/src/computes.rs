//! The ports of all kinds of compute, together.

/// What a plan's compute needs of AWS, in one Region.
#[derive(Debug, Clone, Copy)]
pub struct Computes<'a, G, S, C, H> {
    /// Auto Scaling groups.
    pub groups: &'a G,
    /// ECS services.
    pub services: &'a S,
    /// Lambda functions' concurrency.
    pub concurrencies: &'a C,
    /// What hooks are started in.
    pub hooks: &'a H,
}
