//! What DynamoDB refuses only because two of our writes met: tried again by the client, like a throttle.
//!
//! The two halves of a recovery write at the same time, and every act's transaction reads the lease that a step of the other half
//! prolongs. The SDK does not count these conflicts as retryable.

use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::CancellationReason;

/// Cancellation reasons that pass by themselves.
const PASSING: &[&str] = &["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Calls refused because another of our writes was under way.
const CONFLICTS: &[&str] = &["TransactionConflictException", "TransactionInProgressException"];

/// Tries conflicts again.
#[derive(Debug)]
pub(super) struct LaterIsFine;

impl ClassifyRetry for LaterIsFine {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let Some(error) = error.as_operation_error() else { return RetryAction::NoActionIndicated };
        let passes = if let Some(error) = error.downcast_ref::<TransactWriteItemsError>() {
            passes(error)
        } else if let Some(error) = error.downcast_ref::<UpdateItemError>() {
            is_conflict(error)
        } else if let Some(error) = error.downcast_ref::<PutItemError>() {
            is_conflict(error)
        } else {
            false
        };
        if passes { RetryAction::transient_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "conflicts between our own writes"
    }
}

fn is_conflict(error: &impl ProvideErrorMetadata) -> bool {
    error.code().is_some_and(|code| CONFLICTS.contains(&code))
}

/// Whether a transaction failed only for reasons that pass by themselves.
pub(super) fn passes(error: &TransactWriteItemsError) -> bool {
    match error {
        TransactWriteItemsError::TransactionCanceledException(canceled) => {
            only_passing_reasons(canceled.cancellation_reasons())
        }
        other => is_conflict(other),
    }
}

/// A reason of `None` belongs to an item that would have been fine.
fn only_passing_reasons(reasons: &[CancellationReason]) -> bool {
    let mut codes = reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").peekable();
    codes.peek().is_some() && codes.all(|code| PASSING.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn a_transaction_is_tried_again_only_if_nothing_but_a_conflict_stood_in_its_way() {
        assert!(only_passing_reasons(&reasons(&["TransactionConflict", "None"])));
        assert!(only_passing_reasons(&reasons(&["None", "ThrottlingError"])));
        assert!(!only_passing_reasons(&reasons(&["TransactionConflict", "ConditionalCheckFailed"])));
        assert!(!only_passing_reasons(&reasons(&["None", "None"])));
        assert!(!only_passing_reasons(&[]));
    }
}
