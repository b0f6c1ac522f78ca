//! The command lines that pages and reports tell people to type.

use clap::Parser;

use crate::args::{Cli, Command, RunCommand, RunMode};
use crate::stack_args::StackArgs;

fn parsed(line: &str) -> Command {
    Cli::try_parse_from(line.split(' ')).unwrap().command
}

#[test]
fn a_run_is_a_failover_unless_it_is_said_to_be_dry() {
    let Command::Run(RunCommand::Start(start)) = parsed("pilot run start shop") else { panic!() };
    assert_eq!((start.plan.as_str(), start.mode, start.follow), ("shop", RunMode::Failover, false));
    let line =
        "pilot run start shop --mode dry-run --reason drill --follow --state-machine-arn arn:x --region eu-west-1";
    let Command::Run(RunCommand::Start(start)) = parsed(line) else { panic!() };
    assert_eq!((start.mode, start.reason.as_deref(), start.follow), (RunMode::DryRun, Some("drill"), true));
    assert_eq!(start.stack.state_machine_arn.as_deref(), Some("arn:x"));
    assert_eq!(start.stack.region.as_deref(), Some("eu-west-1"));
}

#[test]
fn both_ways_to_resume_are_the_same() {
    let rest = "resume run-1 --follow --reason again --state-table t";
    let Command::Resume(short) = parsed(&format!("pilot {rest}")) else { panic!() };
    let Command::Run(RunCommand::Resume(long)) = parsed(&format!("pilot run {rest}")) else { panic!() };
    assert_eq!(short, long);
    assert_eq!(short.run_id, "run-1");
}

#[test]
fn an_answer_has_a_name_and_a_number_that_can_be_accepted() {
    let Command::Approve(approve) = parsed("pilot approve run-1 --as ada --accept-loss-seconds 12.5") else { panic!() };
    assert_eq!((approve.approver.as_str(), approve.accept_loss_seconds), ("ada", Some(12.5)));
    let Command::Refuse(refuse) = parsed("pilot refuse run-1 --as ada --reason no") else { panic!() };
    assert_eq!((refuse.approver.as_str(), refuse.reason.as_deref()), ("ada", Some("no")));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "pilot run start",
        "pilot run start Shop",
        "pilot run start shop --mode dryRun",
        "pilot run status",
        "pilot run status run-1 --plan shop",
        "pilot approve run-1",
        "pilot approve run-1 --as ada --accept-loss-seconds -1",
        "pilot approve run-1 --as ada --accept-loss-seconds NaN",
        "pilot approve run-1 --as ada --accept-loss-seconds inf",
        "pilot refuse run-1 --as ada --accept-loss-seconds 1",
        "pilot resume",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    assert!(Cli::try_parse_from(["pilot", "approve", "run-1", "--as", ""]).is_err());
}

#[test]
fn the_region_is_that_of_the_state_machine_unless_it_is_named() {
    let arn = Some("arn:aws:states:eu-west-1:111122223333:stateMachine:x".to_owned());
    let place = StackArgs { state_machine_arn: arn, ..StackArgs::default() };
    assert_eq!(place.region(), Some("eu-west-1"));
    assert_eq!(StackArgs { region: Some("eu-west-3".into()), ..place }.region(), Some("eu-west-3"));
    assert_eq!(StackArgs::default().region(), None);
}

#[test]
fn what_a_failed_look_up_exports_counts_as_missing() {
    for nothing in ["", " ", "None"] {
        let place = StackArgs { state_table: Some(nothing.into()), ..StackArgs::default() };
        assert!(place.table().is_err(), "{nothing:?}");
    }
}
