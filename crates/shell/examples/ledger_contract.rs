//! Tells the ledger's contract to a real table: `STATE_TABLE`, AWS as the environment says. Ends with 1 and the first thing that does
//! not hold. The sandbox's tests run it against the emulator; it writes under names nobody else uses and may be run again.

use std::process::ExitCode;

use jiff::Timestamp;
use pilot_shell::ledger::DynamoLedger;
use pilot_shell::{clients, config};
use pilot_testkit::ledger_contract;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let table = match config::state_table() {
        Ok(table) => table,
        Err(failure) => return told(&failure.to_string()),
    };
    let ledger = DynamoLedger::new(&clients::load().await, table);
    let unique = Timestamp::now().as_nanosecond().to_string();
    match ledger_contract::check(&ledger, &unique).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => told(&what),
    }
}

fn told(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::FAILURE
}
