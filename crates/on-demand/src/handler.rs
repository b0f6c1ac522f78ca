//! One handler for every request.

use jiff::Timestamp;
use pilot_core::Failure;
use pilot_shell::context::Clock;
use pilot_shell::ledger::Ledger;
use pilot_shell::telemetry::{Metric, emf};
use serde_json::Value;

use crate::ports::StateMachine;
use crate::reply::Reply;
use crate::request::{Caller, Request, Route};
use crate::{approval, start, status};

/// The function's name.
pub const FUNCTION: &str = "on-demand";

/// The metric that counts requests without an identity. Without dimensions, so that one alarm covers it.
const UNAUTHENTICATED: &str = "OnDemandUnauthenticated";

/// What the function works with, built once.
#[derive(Debug)]
pub struct Desk<'a, M, L> {
    /// The state machine.
    pub machine: &'a M,
    /// The state table. Nothing is written to it here.
    pub ledger: &'a L,
    /// The clock.
    pub clock: Clock,
    /// The metrics' namespace.
    pub namespace: &'a str,
    /// Where metrics go.
    pub publish: fn(&Value),
}

impl<M, L> Desk<'_, M, L> {
    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// One invocation. What a caller can mend, or has to know, is an answer with its status; an error here would reach it as a bare 502.
///
/// # Errors
/// `EventInvalid`: the event is not a function URL's.
pub async fn handle<M: StateMachine, L: Ledger>(event: Value, desk: &Desk<'_, M, L>) -> Result<Reply, Failure> {
    let request = Request::read(event)?;
    let Some(caller) = request.caller() else {
        let refused = Metric { name: UNAUTHENTICATED, unit: "Count", value: 1.0 };
        (desk.publish)(&emf(desk.namespace, &[], &[refused], desk.now()));
        tracing::warn!("a request without an IAM identity was refused: is the function URL's AuthType AWS_IAM?");
        return Ok(Reply::unauthenticated());
    };
    let reply = serve(&request, caller, desk).await.unwrap_or_else(|refusal| refusal);
    tracing::info!(caller = caller.arn(), status = reply.status_code, "answered");
    Ok(reply)
}

async fn serve<M: StateMachine, L: Ledger>(
    request: &Request,
    caller: &Caller,
    desk: &Desk<'_, M, L>,
) -> Result<Reply, Reply> {
    match request.route()? {
        Route::Start => start::start(request.body()?, caller, desk).await,
        Route::Status(run_id) => status::status(&run_id, desk).await,
        Route::Approval(run_id) => approval::answer(&run_id, request.body()?, caller, desk).await,
    }
}
