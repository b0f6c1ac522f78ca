//! All of this crate's tests in one program: each program would be linked with the SDKs anew.

mod case;
mod route53_adapter;
mod route53_records;
mod routing_control;
mod routing_control_adapter;
mod stop_object;
mod way_home;
