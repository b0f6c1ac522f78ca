//! `update-dns`: leads clients to the recovery Region.
//!
//! Two methods, and the plan says which: the STOP object ([`stop_object`]), a switch in the data plane that needs nothing outside the
//! recovery Region; and Route 53 records ([`route53_records`]), a control-plane call that depends on us-east-1.

pub mod handler;
pub mod route53_adapter;
pub mod route53_records;
pub mod s3_adapter;
pub mod stop_object;
