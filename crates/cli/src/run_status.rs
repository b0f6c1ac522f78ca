//! `pilot run status`.

use jiff::Timestamp;
use pilot_core::approval::Asked;
use pilot_core::contract::{Mode, Run};
use pilot_core::journal::{Lease, LeasePhase, StepRecord};

use crate::answer::Answer;
use crate::columns::table;
use crate::run_resume::unknown;
use crate::sections::{self, started_by};
use crate::stack::{Stack, StackError};

/// Whose status is asked for.
#[derive(Debug)]
pub enum Of<'a> {
    /// A run's.
    Run(&'a str),
    /// That of the run that holds a plan's lease, or held it last.
    Plan(&'a str),
}

/// Shows the workload's lease, and the run's steps and acts.
pub async fn run<S: Stack>(stack: &S, of: Of<'_>, now: Timestamp) -> Answer {
    let told = match of {
        Of::Run(run_id) => of_run(stack, run_id, now).await,
        Of::Plan(plan) => of_plan(stack, plan, now).await,
    };
    told.unwrap_or_else(|error| Answer::unusable(format!("{error}\n")))
}

async fn of_run<S: Stack>(stack: &S, run_id: &str, now: Timestamp) -> Result<Answer, StackError> {
    let Some(run) = stack.run(run_id).await? else { return Ok(Answer::refused(unknown(run_id))) };
    let lease = lease_text(stack, &run.plan.name, run.mode, now).await?;
    Ok(Answer::ok(lease + &run_text(stack, &run, now).await?))
}

async fn of_plan<S: Stack>(stack: &S, plan: &str, now: Timestamp) -> Result<Answer, StackError> {
    let mut text = lease_text(stack, plan, Mode::Failover, now).await?;
    let Some(lease) = stack.lease(plan, Mode::Failover).await? else { return Ok(Answer::ok(text)) };
    text += &match stack.run(&lease.run_id).await? {
        Some(run) => run_text(stack, &run, now).await?,
        // The lease is taken before the run is written down.
        None => format!("\nrun {}\n  not opened (yet)\n", lease.run_id),
    };
    Ok(Answer::ok(text))
}

async fn lease_text<S: Stack>(stack: &S, plan: &str, mode: Mode, now: Timestamp) -> Result<String, StackError> {
    let of_dry_runs = if mode.acts() { "" } else { " of dry runs" };
    let mut text = match stack.lease(plan, mode).await? {
        Some(lease) => format!("{plan}: lease{of_dry_runs}\n{}", table("  ", &lease_rows(&lease, now))),
        None => format!("{plan}: no run has taken the lease{of_dry_runs} yet\n"),
    };
    if let Some(unfinished) = stack.unfinished(plan).await? {
        text += &format!(
            "\nSTUCK: run {id} stopped between two Regions; go on with it: pilot resume {id}\n",
            id = unfinished.run_id
        );
    }
    Ok(text)
}

fn lease_rows(lease: &Lease, now: Timestamp) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let released = lease.phase == LeasePhase::Released;
    let phase = match lease.phase {
        LeasePhase::Acting => "acting",
        LeasePhase::RollingBack => "rolling back",
        LeasePhase::Released => "released",
    };
    let ran_out = if !released && lease.expires_at <= now { " (ran out: it may be taken over)" } else { "" };
    let cooldown = match lease.cooldown_until {
        Some(until) if until > now => format!("until {until}: automatic starts are refused"),
        Some(until) => format!("over since {until}"),
        None => "none".to_owned(),
    };
    let mut rows = vec![
        row(if released { "last holder" } else { "holder" }, lease.run_id.clone()),
        row("generation", lease.generation.to_string()),
        row("phase", phase.to_owned()),
        row("expires", format!("{}{ran_out}", lease.expires_at)),
        row("cooldown", cooldown),
    ];
    rows.extend(lease.taken_over_from().map(|run_id| row("taken from", format!("{run_id}, which never gave it up"))));
    rows
}

async fn run_text<S: Stack>(stack: &S, run: &Run, now: Timestamp) -> Result<String, StackError> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let (steps, acts) = (stack.steps(&run.run_id).await?, stack.acts(&run.run_id).await?);
    let mut rows = vec![
        row("mode", if run.mode.acts() { "failover" } else { "dry run" }.to_owned()),
        row("started", format!("{} by {}", run.started_at, started_by(&run.trigger))),
        row("plan", format!("version {}, sha256 {}", run.plan.version, run.plan.sha256)),
        row("execution", run.execution_arn.clone()),
        row("", execution_status(stack, run).await),
    ];
    rows.extend(run.resumes.iter().map(|run_id| row("goes on with", run_id.clone())));
    if let Some(asked) = open_question(stack, &run.run_id, &steps, now).await? {
        let id = &run.run_id;
        rows.push(row("waits for", format!("a person, until {}: {}", asked.expires_at, asked.why.join("; "))));
        rows.push(row("", format!("pilot approve {id} --as NAME, or pilot refuse {id} --as NAME")));
    }
    let head = format!("\nrun {}\n{}", run.run_id, table("  ", &rows));
    Ok(head + &sections::steps(&steps) + &sections::acts(&acts))
}

/// The table says what the run did even when Step Functions cannot be asked.
async fn execution_status<S: Stack>(stack: &S, run: &Run) -> String {
    match stack.execution(&run.execution_arn).await {
        Ok(execution) => execution.status.to_string(),
        Err(error) => format!("cannot be seen: {error}"),
    }
}

/// What a person was asked, if the gate still waits for it.
async fn open_question<S: Stack>(
    stack: &S,
    run_id: &str,
    steps: &[StepRecord],
    now: Timestamp,
) -> Result<Option<Asked>, StackError> {
    Ok(stack.asked(run_id).await?.filter(|asked| asked.is_open(steps, now)))
}
