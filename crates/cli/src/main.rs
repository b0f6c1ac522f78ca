//! `pilot`, the operator's command line: checks and shows recovery plans, prints their schema, reads reports. Everything is offline.
//!
//! A command is a function from its arguments to an [`Answer`]; only this file writes to the terminal.

mod answer;
mod args;
mod columns;
mod input;
mod plan_check;
mod plan_show;
mod plan_summary;
mod report_show;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use answer::Answer;
use args::{Cli, Command, PlanCommand, ReportCommand};

fn main() -> ExitCode {
    let answer = match Cli::parse().command {
        Command::Plan(PlanCommand::Check { files }) => plan_check::run(&files),
        Command::Plan(PlanCommand::Show { file, json }) => plan_show::run(&file, json),
        Command::Plan(PlanCommand::Schema) => Answer::ok(pilot_core::plan::schema_text()),
        Command::Report(ReportCommand::Show { file }) => report_show::run(&file),
    };
    // Written whole and not by `println!`, which panics when a pager or `head` has heard enough.
    let written = std::io::stdout().lock().write_all(answer.text.as_bytes());
    let told = std::io::stderr().lock().write_all(answer.complaint.as_bytes());
    match (written, told) {
        (Err(error), _) | (_, Err(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::from(answer.verdict as u8),
    }
}
