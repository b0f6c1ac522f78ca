//! The stack, through AWS: Step Functions, the state table, the reports' bucket.

mod errors;
mod table;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sfn::types::ExecutionStatus as AwsStatus;
use pilot_core::approval::{ASKED, Asked, TaskToken};
use pilot_core::contract::{ApprovalAnswer, Mode, Run};
use pilot_core::journal::{Entry, Lease, StepRecord, Unfinished};

use crate::answer::Answer;
use crate::stack::{Execution, ExecutionStatus, NewExecution, Stack, StackError};
use crate::stack_args::StackArgs;

use errors::failed;
use table::Table;

/// A deployed stack.
#[derive(Debug)]
pub struct AwsStack {
    machines: aws_sdk_sfn::Client,
    reports: aws_sdk_s3::Client,
    table: Table,
}

impl AwsStack {
    /// Clients for the stack. Nothing is called yet; credentials are looked for at the first call.
    pub async fn connect(place: &StackArgs) -> Result<Self, Answer> {
        let config = configuration(place.region()).await;
        if config.region().is_none() {
            return Err(Answer::unusable(
                "pilot does not know the recovery Region: give --region, or set AWS_REGION\n".into(),
            ));
        }
        // The sandbox serves buckets by path; AWS takes both.
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(config.endpoint_url().is_some()).build();
        Ok(AwsStack {
            machines: aws_sdk_sfn::Client::new(&config),
            reports: aws_sdk_s3::Client::from_conf(s3),
            // A command that needs no table has none: a call to it would be refused by name.
            table: Table::new(&config, place.table().map(str::to_owned).unwrap_or_default()),
        })
    }
}

/// A person waits at a keyboard: patient with a bad line, but not for minutes.
async fn configuration(region: Option<&str>) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(6))
                .operation_timeout(Duration::from_secs(20))
                .build(),
        );
    match region {
        Some(region) => loader.region(Region::new(region.to_owned())).load().await,
        None => loader.load().await,
    }
}

impl Stack for AwsStack {
    async fn start(&self, execution: &NewExecution) -> Result<String, StackError> {
        let call = "states:StartExecution";
        let input = serde_json::to_string(&execution.input)
            .map_err(|error| StackError::Call { call, what: error.to_string() })?;
        let started = self
            .machines
            .start_execution()
            .state_machine_arn(&execution.state_machine_arn)
            .name(&execution.name)
            .input(input)
            .send()
            .await;
        match started {
            Ok(started) => Ok(started.execution_arn),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => {
                Err(StackError::NameTaken)
            }
            Err(error) => Err(failed(call, &error)),
        }
    }

    async fn execution(&self, arn: &str) -> Result<Execution, StackError> {
        let described = self.machines.describe_execution().execution_arn(arn).send().await;
        let described = described.map_err(|error| failed("states:DescribeExecution", &error))?;
        let status = match described.status {
            // Waiting to be redriven it may go on at any moment.
            AwsStatus::Running | AwsStatus::PendingRedrive => ExecutionStatus::Running,
            AwsStatus::Succeeded => ExecutionStatus::Succeeded,
            other => ExecutionStatus::Ended(other.as_str().to_owned()),
        };
        Ok(Execution { status, output: described.output, error: described.error, cause: described.cause })
    }

    async fn run(&self, run_id: &str) -> Result<Option<Run>, StackError> {
        self.table.evidence(run_id, "run").await
    }

    async fn lease(&self, plan: &str, mode: Mode) -> Result<Option<Lease>, StackError> {
        self.table.of_workload(plan, if mode.acts() { "lease" } else { "lease#dryRun" }).await
    }

    async fn unfinished(&self, plan: &str) -> Result<Option<Unfinished>, StackError> {
        let found: Option<Unfinished> = self.table.of_workload(plan, "unfinished").await?;
        Ok(found.filter(|unfinished| unfinished.finished_at.is_none()))
    }

    async fn steps(&self, run_id: &str) -> Result<Vec<StepRecord>, StackError> {
        let mut steps: Vec<StepRecord> = self.table.of_run(run_id, "step#").await?;
        // Two steps that begin together stand in the order of the run.
        steps.sort_by_key(|step| (step.started_at, step.name));
        Ok(steps)
    }

    async fn acts(&self, run_id: &str) -> Result<Vec<Entry>, StackError> {
        let mut acts: Vec<Entry> = self.table.of_run(run_id, "act#").await?;
        acts.sort_by_key(|entry| (entry.intent_at, entry.key()));
        Ok(acts)
    }

    async fn asked(&self, run_id: &str) -> Result<Option<Asked>, StackError> {
        self.table.evidence(run_id, ASKED).await
    }

    async fn answer(&self, token: &TaskToken, answer: &ApprovalAnswer) -> Result<(), StackError> {
        let call = "states:SendTaskSuccess";
        let output =
            serde_json::to_string(answer).map_err(|error| StackError::Call { call, what: error.to_string() })?;
        let sent = self.machines.send_task_success().task_token(token.reveal()).output(output).send().await;
        let Err(error) = sent else { return Ok(()) };
        let over = |e: &aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError| {
            e.is_task_does_not_exist() || e.is_task_timed_out() || e.is_invalid_token()
        };
        if error.as_service_error().is_some_and(over) {
            return Err(StackError::NobodyWaits);
        }
        Err(match failed(call, &error) {
            // AWS's validation messages repeat what they were given.
            StackError::Call { call, what } => StackError::Call { call, what: what.replace(token.reveal(), "(token)") },
            other => other,
        })
    }

    async fn report(&self, location: &str) -> Result<Vec<u8>, StackError> {
        let call = "s3:GetObject";
        let place = location.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        let (bucket, key) =
            place.ok_or_else(|| StackError::Call { call, what: format!("{location:?} is no location of a report") })?;
        let object = self.reports.get_object().bucket(bucket).key(key).send().await;
        let body = object.map_err(|error| failed(call, &error))?.body.collect().await;
        Ok(body.map_err(|error| StackError::Call { call, what: error.to_string() })?.to_vec())
    }
}
