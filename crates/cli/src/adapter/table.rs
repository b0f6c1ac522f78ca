//! Reading the state table. Its layout is the functions': see ARCHITECTURE.md.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::errors::failed;
use crate::stack::StackError;

type Item = HashMap<String, AttributeValue>;

/// The state table. Nothing is written here.
#[derive(Debug)]
pub struct Table {
    client: Client,
    name: String,
}

/// Evidence is nested, so that its own fields can never be taken for keys.
#[derive(Deserialize)]
struct Evidence<T> {
    document: T,
}

impl Table {
    pub fn new(config: &SdkConfig, name: String) -> Self {
        Table { client: Client::new(config), name }
    }

    /// A document of a run's evidence.
    pub async fn evidence<T: DeserializeOwned>(&self, run_id: &str, name: &str) -> Result<Option<T>, StackError> {
        let found: Option<Evidence<T>> = self.one(format!("run#{run_id}"), format!("evidence#{name}")).await?;
        Ok(found.map(|evidence| evidence.document))
    }

    /// An item of a workload.
    pub async fn of_workload<T: DeserializeOwned>(&self, plan: &str, sk: &str) -> Result<Option<T>, StackError> {
        self.one(format!("workload#{plan}"), sk.to_owned()).await
    }

    /// Every item of a run whose sort key begins so, all pages.
    pub async fn of_run<T: DeserializeOwned>(&self, run_id: &str, prefix: &str) -> Result<Vec<T>, StackError> {
        let pk = format!("run#{run_id}");
        let items = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.clone()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .into_paginator()
            .items()
            .send();
        let items: Vec<Item> = items.collect::<Result<_, _>>().await.map_err(|e| failed("dynamodb:Query", &e))?;
        items.into_iter().map(|item| self.read(&pk, prefix, item)).collect()
    }

    async fn one<T: DeserializeOwned>(&self, pk: String, sk: String) -> Result<Option<T>, StackError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(sk.clone()))
            .send()
            .await
            .map_err(|e| failed("dynamodb:GetItem", &e))?;
        got.item.map(|item| self.read(&pk, &sk, item)).transpose()
    }

    /// `pk`, `sk` and the twins for conditions are not ours and are passed over.
    fn read<T: DeserializeOwned>(&self, pk: &str, sk: &str, item: Item) -> Result<T, StackError> {
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|error| StackError::Unreadable {
            item: format!("{} {pk}/{sk}", self.name),
            what: error.to_string(),
        })
    }
}
