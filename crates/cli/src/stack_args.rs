//! Where the stack is: options and environment, and what to do when they are missing.

use clap::Args;

use crate::answer::Answer;

/// Where the stack is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Where the stack is")]
pub struct StackArgs {
    /// The recovery state machine: the stack's output RecoveryStateMachineArn
    #[arg(long, value_name = "ARN", env = "PILOT_STATE_MACHINE_ARN", hide_env_values = true)]
    pub state_machine_arn: Option<String>,
    /// The state table: the stack's output StateTableName
    #[arg(long, value_name = "NAME", env = "PILOT_STATE_TABLE", hide_env_values = true)]
    pub state_table: Option<String>,
    /// The recovery Region [default: the state machine's, then AWS_REGION and the profile's]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

impl StackArgs {
    /// The state machine's ARN, or how to get it.
    pub fn state_machine(&self) -> Result<&str, Answer> {
        given(self.state_machine_arn.as_deref()).ok_or_else(|| {
            self.missing("state machine", "--state-machine-arn", "PILOT_STATE_MACHINE_ARN", "RecoveryStateMachineArn")
        })
    }

    /// The state table's name, or how to get it.
    pub fn table(&self) -> Result<&str, Answer> {
        given(self.state_table.as_deref())
            .ok_or_else(|| self.missing("state table", "--state-table", "PILOT_STATE_TABLE", "StateTableName"))
    }

    /// The Region that was named, or the state machine's: the shell's AWS_REGION may well be the one that is down.
    pub fn region(&self) -> Option<&str> {
        given(self.region.as_deref()).or_else(|| {
            let arn = given(self.state_machine_arn.as_deref())?;
            arn.split(':').nth(3).filter(|region| !region.is_empty())
        })
    }

    fn missing(&self, what: &str, option: &str, variable: &str, output: &str) -> Answer {
        let region = self.region().unwrap_or("RECOVERY_REGION");
        Answer::unusable(format!(
            "pilot does not know the {what}: give {option}, or export {variable}. The stack's output {output} names it:\n  \
             export {variable}=$(aws cloudformation describe-stacks --region {region} --stack-name pilot-light \
             --query \"Stacks[0].Outputs[?OutputKey=='{output}'].OutputValue\" --output text)\n"
        ))
    }
}

/// An empty variable is none: that is what a failed `export X=$(...)` leaves behind.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty() && *value != "None")
}
