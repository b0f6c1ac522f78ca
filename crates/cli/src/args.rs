//! The command line.

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use pilot_core::contract::Mode;
use pilot_core::plan::is_plan_name;

use crate::stack_args::StackArgs;

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  the document has problems; each is listed on standard output
  2  the command line is wrong, or a file cannot be read";

const RUN_EXIT_CODES: &str = "\
Exit codes:
  0  done; with --follow only if the run SUCCEEDED: recovered, or a dry run walked to its end
  1  refused as things are; with --follow: the run did not succeed
  2  the command line is wrong, or AWS cannot be asked";

const STATUS_EXIT_CODES: &str = "\
Exit codes:
  0  shown
  1  there is no such run
  2  the command line is wrong, or AWS cannot be asked";

const ANSWER_EXIT_CODES: &str = "\
The answer is judged by the run, against its plan: one that does not do is asked for again.

Exit codes:
  0  the answer was handed over
  1  nobody waits for it
  2  the command line is wrong, or AWS cannot be asked";

const ALL_EXIT_CODES: &str = "\
`plan` and `report` are offline and need no credentials. The others talk to the stack in the recovery Region.

Exit codes:
  0  nothing is wrong; a run that is followed SUCCEEDED
  1  the document has problems; each is listed on standard output.
     Of runs: refused as things are; a run that is followed did not succeed
  2  the command line is wrong, or a file cannot be read, or AWS cannot be asked";

/// Pilot Light for operators: plans and reports, runs and approvals
#[derive(Debug, Parser)]
#[command(name = "pilot", version, after_help = ALL_EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Recovery plans
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Reports of runs
    #[command(subcommand)]
    Report(ReportCommand),
    /// Runs: start one, go on with one, look at one
    #[command(subcommand)]
    Run(RunCommand),
    /// Short for `pilot run resume`
    #[command(after_help = RUN_EXIT_CODES)]
    Resume(ResumeArgs),
    /// Approve the promotion that a run asks for
    #[command(after_help = ANSWER_EXIT_CODES)]
    Approve(ApproveArgs),
    /// Refuse the promotion that a run asks for: everything is put back
    #[command(after_help = ANSWER_EXIT_CODES)]
    Refuse(RefuseArgs),
}

/// What to do with plans.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Check plans: every problem at once, one a line, as `FILE: /path: message`
    #[command(after_help = EXIT_CODES)]
    Check {
        /// YAML or JSON documents; `-` is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Show a plan with every default filled in
    #[command(after_help = EXIT_CODES)]
    Show {
        /// A YAML or JSON document; `-` is standard input
        #[arg(value_name = "FILE")]
        file: String,
        /// As JSON instead of YAML
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of plans, as published in schema/recovery-plan.v1.schema.json
    Schema,
}

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Show a run's report.json as text: outcome, clocks against the objectives, steps, acts
    #[command(after_help = EXIT_CODES)]
    Show {
        /// A report.json; `-` is standard input
        #[arg(value_name = "FILE")]
        file: String,
    },
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunCommand {
    /// Start a run of a plan
    #[command(after_help = RUN_EXIT_CODES)]
    Start(StartArgs),
    /// Go on with a run that is stuck, or whose execution ended without closing itself
    #[command(after_help = RUN_EXIT_CODES)]
    Resume(ResumeArgs),
    /// Show the workload's lease, and a run's steps and acts
    #[command(after_help = STATUS_EXIT_CODES)]
    Status(StatusArgs),
}

/// `pilot run start`.
#[derive(Debug, PartialEq, Args)]
pub struct StartArgs {
    /// The plan's name
    #[arg(value_name = "PLAN", value_parser = plan_name)]
    pub plan: String,
    /// What for
    #[arg(long, value_enum, default_value_t = RunMode::Failover)]
    pub mode: RunMode,
    /// Why, for the report
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show its progress, and wait for its end
    #[arg(long)]
    pub follow: bool,
    /// Where the stack is.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// What a run is for, as it is written on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunMode {
    /// Recover: the primary is down
    Failover,
    /// Decide everything, change nothing
    DryRun,
    /// Move to the recovery Region with nothing lost: both Regions are well
    Switchover,
    /// After a recovery: make the old primary follow
    Protect,
    /// Come home with nothing lost, and be ready for the next failover
    Failback,
}

impl From<RunMode> for Mode {
    fn from(mode: RunMode) -> Self {
        match mode {
            RunMode::Failover => Mode::Failover,
            RunMode::DryRun => Mode::DryRun,
            RunMode::Switchover => Mode::Switchover,
            RunMode::Protect => Mode::Protect,
            RunMode::Failback => Mode::Failback,
        }
    }
}

/// `pilot run resume`.
#[derive(Debug, PartialEq, Args)]
pub struct ResumeArgs {
    /// The run to go on with
    #[arg(value_name = "RUN")]
    pub run_id: String,
    /// Why, for the report
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show its progress, and wait for its end
    #[arg(long)]
    pub follow: bool,
    /// Where the stack is.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// `pilot run status`.
#[derive(Debug, PartialEq, Args)]
#[command(group = ArgGroup::new("of").required(true))]
pub struct StatusArgs {
    /// The run
    #[arg(value_name = "RUN", group = "of")]
    pub run_id: Option<String>,
    /// The run that holds this plan's lease, or held it last
    #[arg(long, value_name = "PLAN", group = "of", value_parser = plan_name)]
    pub plan: Option<String>,
    /// Where the stack is.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// `pilot approve`.
#[derive(Debug, PartialEq, Args)]
pub struct ApproveArgs {
    /// The run that asks
    #[arg(value_name = "RUN")]
    pub run_id: String,
    /// Who approves: one of the plan's approvers, if it names any
    #[arg(long = "as", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub approver: String,
    /// The most data you accept to lose, in seconds
    #[arg(long, value_name = "N", value_parser = loss_seconds)]
    pub accept_loss_seconds: Option<f64>,
    /// Why, for the report
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where the stack is.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// `pilot refuse`.
#[derive(Debug, PartialEq, Args)]
pub struct RefuseArgs {
    /// The run that asks
    #[arg(value_name = "RUN")]
    pub run_id: String,
    /// Who refuses: one of the plan's approvers, if it names any
    #[arg(long = "as", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub approver: String,
    /// Why, for the report
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Where the stack is.
    #[command(flatten)]
    pub stack: StackArgs,
}

fn plan_name(text: &str) -> Result<String, String> {
    if is_plan_name(text) {
        return Ok(text.to_owned());
    }
    Err("a plan's name is a letter, then lower-case letters, digits and hyphens".into())
}

fn loss_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("a number of seconds, 0 or more".into()),
    }
}
