//! The plan's JSON Schema, derived from the types, so that it cannot say something else than they do.

use serde_json::{Value, json};

use super::RecoveryPlan;

/// The schema as published in `schema/recovery-plan.v1.schema.json` (a test holds the file against this).
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(RecoveryPlan).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), json!("https://pilotlight.dev/schema/recovery-plan.v1.schema.json"));
        root.insert("title".into(), json!("Pilot Light recovery plan"));
    }
    schema
}

/// The schema as text: exactly the published file.
pub fn schema_text() -> String {
    // Pretty-printed with `{:#}`: the keys are sorted, so the text changes only with the types.
    format!("{:#}\n", json_schema())
}
