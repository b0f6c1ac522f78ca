//! Start, status and approve over HTTP, behind a Lambda function URL that takes signed requests only (AuthType `AWS_IAM`).
//!
//! | request | answer |
//! |---|---|
//! | `POST /runs` `{plan, mode, reason, name?}` | 202 with the run's id; 200 if the same was started under this name already; 409 if another was |
//! | `GET /runs/{id}` | 200 with its state, its steps and what it asks a person |
//! | `POST /runs/{id}/approval` `{approve, acceptLossSeconds?, reason?}` | 202: the answer was handed over; 409: nobody waits for it |
//!
//! Who asks is the caller that AWS authenticated, and never what a body says. AWS answers 403 to a request that is not signed, before this
//! function runs, and counts it in `AWS/Lambda` `Url4xxCount`; a request that comes through without an identity all the same (an AuthType
//! that somebody set to `NONE`) is refused here too, and counted in `OnDemandUnauthenticated`.
//!
//! No step of a run: the state machine does not know it, and a failover needs it for nothing.

pub mod adapter;
pub mod approval;
pub mod handler;
pub mod ports;
pub mod reply;
pub mod request;
pub mod start;
pub mod status;
