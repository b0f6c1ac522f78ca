//! Reading the text of a plan: YAML or JSON, one reader for both (JSON is a subset of YAML), with a limit on everything.

use serde_json::Value;

use super::PlanProblem;

/// The largest document that is read at all.
pub const PLAN_BYTES_MAX: usize = 256 * 1024;
/// How many values a document may hold, those that anchors repeat included: a few lines of aliases can stand for billions.
const NODES_MAX: usize = 20_000;
/// How deeply a document may nest.
const DEPTH_MAX: usize = 32;

/// Reads a document into a value.
///
/// # Errors
/// The one problem that keeps it from being read, with its line where there is one.
pub(super) fn read(document: &[u8]) -> Result<Value, PlanProblem> {
    if document.len() > PLAN_BYTES_MAX {
        return Err(PlanProblem::new("", format!("the document has more than {PLAN_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(document)
        .map_err(|error| PlanProblem::new("", format!("byte {} is not UTF-8 text", error.valid_up_to())))?;
    let value: Value =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| PlanProblem::new("", explain(&error)))?;
    match value {
        Value::Null => Err(PlanProblem::new("", "the document is empty")),
        value => Ok(value),
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: NODES_MAX,
            max_depth: DEPTH_MAX,
            max_aliases: 100,
            max_anchors: 100,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
        // `no`, `on` and `yes` are words, as in YAML 1.2 and in the editors that use the published schema.
        strict_booleans: true,
        // Problems are listed one a line: no drawings of the source.
        with_snippet: false,
    }
}

fn explain(error: &serde_saphyr::Error) -> String {
    let what = what(error);
    match error.location() {
        Some(place) if place.line() > 0 => format!("line {}, column {}: {what}", place.line(), place.column()),
        _ => what,
    }
}

fn what(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error.without_snippet() {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` stands twice in one block"),
        Error::MultipleDocuments { .. } => "a second document begins: one file holds one plan".to_owned(),
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } | Error::AliasExpansionLimitExceeded { .. } => {
            format!("more than {NODES_MAX} values, {DEPTH_MAX} levels or 100 anchors, what anchors repeat included")
        }
        Error::AliasError { error, .. } => what(error),
        // Its text ends with the place, which is said before it in our own words.
        other => {
            let text = other.to_string().replace('\n', " ");
            let text = text.split(" at line ").next().unwrap_or(&text).trim_end_matches([' ', ',']).to_owned();
            format!("not YAML or JSON: {text}")
        }
    }
}
