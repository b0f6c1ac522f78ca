//! The ledger in DynamoDB.
