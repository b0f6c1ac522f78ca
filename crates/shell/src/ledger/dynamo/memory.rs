//! What is remembered of a workload between two looks, and between two runs.

use pilot_core::Failure;
use pilot_core::decide::health::Memory;
use pilot_core::decide::last_known::LastKnown;
use pilot_core::journal::Unfinished;

use super::DynamoLedger;
use super::items::Key;

impl DynamoLedger {
    pub(super) async fn memory_read(&self, workload: &str) -> Result<Memory, Failure> {
        let key = memory_key(workload);
        let item = self.get(&key).await.map_err(|error| self.call_error("dynamodb:GetItem", &key, error))?;
        item.map_or(Ok(Memory::default()), |item| self.read(item))
    }

    pub(super) async fn memory_write(&self, workload: &str, memory: &Memory) -> Result<(), Failure> {
        let key = memory_key(workload);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.item(&key, memory)?));
        put.send().await.map_err(|error| self.call_error("dynamodb:PutItem", &key, error.into()))?;
        Ok(())
    }

    pub(super) async fn capacity_read(&self, workload: &str) -> Result<LastKnown, Failure> {
        let key = capacity_key(workload);
        let item = self.get(&key).await.map_err(|error| self.call_error("dynamodb:GetItem", &key, error))?;
        item.map_or(Ok(LastKnown::default()), |item| self.read(item))
    }

    pub(super) async fn capacity_write(&self, workload: &str, known: &LastKnown) -> Result<(), Failure> {
        let key = capacity_key(workload);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.item(&key, known)?));
        put.send().await.map_err(|error| self.call_error("dynamodb:PutItem", &key, error.into()))?;
        Ok(())
    }

    pub(super) async fn unfinished_read(&self, workload: &str) -> Result<Option<Unfinished>, Failure> {
        let key = unfinished_key(workload);
        let item = self.get(&key).await.map_err(|error| self.call_error("dynamodb:GetItem", &key, error))?;
        let found: Option<Unfinished> = item.map(|item| self.read(item)).transpose()?;
        Ok(found.filter(|unfinished| unfinished.finished_at.is_none()))
    }

    pub(super) async fn unfinished_write(&self, workload: &str, unfinished: &Unfinished) -> Result<(), Failure> {
        let key = unfinished_key(workload);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.item(&key, unfinished)?));
        put.send().await.map_err(|error| self.call_error("dynamodb:PutItem", &key, error.into()))?;
        Ok(())
    }
}

fn unfinished_key(workload: &str) -> Key {
    Key::workload(workload, "unfinished")
}

fn capacity_key(workload: &str) -> Key {
    Key::workload(workload, "capacity")
}

fn memory_key(workload: &str) -> Key {
    Key::workload(workload, "memory")
}
