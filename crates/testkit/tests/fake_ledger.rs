//! The ledger in memory does what every ledger must.

use pilot_testkit::{FakeLedger, ledger_contract};

#[tokio::test]
async fn the_ledger_in_memory_keeps_the_contract() {
    assert_eq!(ledger_contract::check(&FakeLedger::new(), "test").await, Ok(()));
}
