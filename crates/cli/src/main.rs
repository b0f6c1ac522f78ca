//! `pilot`, the operator's command line: checks and shows recovery plans, prints their schema, reads reports - all of it offline - and
//! starts, follows, answers and goes on with runs through AWS.
//!
//! A command is a function from its arguments to an [`Answer`]; only this file and a run's progress ([`screen`]) write to the terminal.

mod adapter;
mod answer;
mod approval;
mod args;
mod columns;
mod input;
mod plan_check;
mod plan_show;
mod plan_summary;
mod report_show;
mod run_follow;
mod run_resume;
mod run_start;
mod run_status;
mod screen;
mod sections;
mod stack;
mod stack_args;
mod stack_commands;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;

use answer::Answer;
use args::{Cli, Command, PlanCommand, ReportCommand, RunCommand};
use screen::Terminal;

fn main() -> ExitCode {
    let now = Timestamp::now();
    let answer = match Cli::parse().command {
        Command::Plan(PlanCommand::Check { files }) => plan_check::run(&files),
        Command::Plan(PlanCommand::Show { file, json }) => plan_show::run(&file, json),
        Command::Plan(PlanCommand::Schema) => Answer::ok(pilot_core::plan::schema_text()),
        Command::Report(ReportCommand::Show { file }) => report_show::run(&file),
        Command::Run(RunCommand::Start(args)) => to_its_end(stack_commands::start(args, &mut Terminal::new(), now)),
        Command::Run(RunCommand::Resume(args)) | Command::Resume(args) => {
            to_its_end(stack_commands::resume(args, &mut Terminal::new(), now))
        }
        Command::Run(RunCommand::Status(args)) => to_its_end(stack_commands::status(args, now)),
        Command::Approve(args) => to_its_end(stack_commands::approve(args)),
        Command::Refuse(args) => to_its_end(stack_commands::refuse(args)),
    };
    // Written whole and not by `println!`, which panics when a pager or `head` has heard enough.
    let written = std::io::stdout().lock().write_all(answer.text.as_bytes());
    let told = std::io::stderr().lock().write_all(answer.complaint.as_bytes());
    match (written, told) {
        (Err(error), _) | (_, Err(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::from(answer.verdict as u8),
    }
}

/// Runs a command that talks to AWS. Offline commands start no runtime and look for no credentials.
fn to_its_end(command: impl Future<Output = Result<Answer, Answer>>) -> Answer {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command).unwrap_or_else(|answer| answer),
        Err(error) => Answer::unusable(format!("the runtime does not start: {error}\n")),
    }
}
