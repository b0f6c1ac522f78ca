//! `update-dns`: leads clients to the recovery Region.
//!
//! Three methods, and the plan says which: the STOP object ([`stop_object`]), a switch in the data plane that needs nothing outside the
//! recovery Region; routing controls ([`routing_control`]), a data plane of five Regions of which one is enough; and Route 53 records
//! ([`route53_records`]), a control-plane call that depends on us-east-1.

pub mod handler;
pub mod route53_adapter;
pub mod route53_records;
pub mod routing_control;
pub mod routing_control_adapter;
pub mod s3_adapter;
pub mod stop_object;
