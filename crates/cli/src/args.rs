//! The command line.

use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  the document has problems; each is listed on standard output
  2  the command line is wrong, or a file cannot be read";

/// Pilot Light for operators: recovery plans and reports, offline
#[derive(Debug, Parser)]
#[command(name = "pilot", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
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
