//! How far each step is, and the evidence.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use pilot_core::Failure;
use pilot_core::contract::Status;
use pilot_core::journal::StepRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DynamoLedger;
use super::items::{Key, Kind, text};

/// Evidence is nested, so that its own fields can never be taken for keys.
#[derive(Serialize, Deserialize)]
struct Evidence {
    document: Value,
}

impl DynamoLedger {
    pub(super) async fn step_record(&self, run_id: &str, record: &StepRecord) -> Result<(), Failure> {
        let key = Key::run(run_id, Kind::Step, record.name.as_str());
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.item(&key, record)?));
        let put = match record.outcome {
            Status::Done => put,
            Status::InProgress => put
                // A step that is entered anew, going forward once more, is on its way again.
                .condition_expression("attribute_not_exists(#endedAt) OR #startedAt < :startedAt")
                .expression_attribute_names("#endedAt", "endedAt")
                .expression_attribute_names("#startedAt", "startedAt")
                .expression_attribute_values(":startedAt", text(record.started_at.to_string())),
            Status::Failed => put
                .condition_expression("attribute_not_exists(#outcome) OR #outcome <> :done")
                .expression_attribute_names("#outcome", "outcome")
                .expression_attribute_values(":done", text("done")),
        };
        match put.send().await {
            Ok(_) => Ok(()),
            // An older invocation that comes late: what is written already says more.
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(())
            }
            Err(error) => Err(self.journal_error("dynamodb:PutItem", &key, error.into())),
        }
    }

    pub(super) async fn step_records(&self, run_id: &str) -> Result<Vec<StepRecord>, Failure> {
        let items = self.items_of(run_id, Kind::Step).await?;
        let mut records =
            items.into_iter().map(|item| self.read(item)).collect::<Result<Vec<StepRecord>, Failure>>()?;
        // Two steps that begin together stand in the order of the run.
        records.sort_by_key(|record| (record.started_at, record.name));
        Ok(records)
    }

    pub(super) async fn evidence_keep(&self, run_id: &str, name: &str, evidence: &Value) -> Result<(), Failure> {
        let key = Key::run(run_id, Kind::Evidence, name);
        let item = self.item(&key, &Evidence { document: evidence.clone() })?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map_err(|error| self.journal_error("dynamodb:PutItem", &key, error.into()))?;
        Ok(())
    }

    pub(super) async fn evidence_all(&self, run_id: &str) -> Result<BTreeMap<String, Value>, Failure> {
        let mut all = BTreeMap::new();
        for item in self.items_of(run_id, Kind::Evidence).await? {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            let name = sk.strip_prefix(Kind::Evidence.prefix()).unwrap_or(&sk).to_owned();
            all.insert(name, self.read::<Evidence>(item)?.document);
        }
        Ok(all)
    }
}
