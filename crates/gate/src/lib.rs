//! `gate`: the last look before the pivot. Is the primary still down, how much would be lost, and does a person have to say yes?
//!
//! It stands between the fence, which can be undone, and the promotion, which cannot; `promote-db` promotes nothing that the gate did not pass.

pub mod ask;
pub mod handler;
pub mod losses;
pub mod pass;
mod planned;
