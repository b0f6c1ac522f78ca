//! The published schema is what the types say, and the published examples hold against both.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]
#![expect(clippy::disallowed_methods, reason = "the core reads no files; its test reads the repository's")]

use std::path::{Path, PathBuf};

use pilot_core::plan;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn published() -> PathBuf {
    repository().join("schema/recovery-plan.v1.schema.json")
}

fn examples() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = repository().join("examples/plans");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let plans: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect();
    assert!(!plans.is_empty(), "there is no example");
    plans
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let of_the_types = plan::schema_text();
    if std::env::var("UPDATE_SCHEMA").is_ok() {
        std::fs::write(published(), &of_the_types).unwrap();
    }
    let of_the_file = std::fs::read_to_string(published()).unwrap();
    assert!(
        of_the_file == of_the_types,
        "schema/recovery-plan.v1.schema.json is older than the types: run `UPDATE_SCHEMA=1 cargo test -p pilot-core --test \
         published_schema` and commit the file"
    );
}

#[test]
fn every_example_holds() {
    for (path, document) in examples() {
        let problems = plan::check(&document).err();
        assert_eq!(problems, None, "{}", path.display());
    }
}

#[test]
fn every_example_holds_against_the_published_file_too() {
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(published()).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (path, document) in examples() {
        let plan: serde_json::Value = serde_saphyr::from_slice(&document).unwrap();
        let problems: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn every_example_names_the_schema_for_editors() {
    for (path, document) in examples() {
        let text = String::from_utf8(document).unwrap();
        let schema = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let schema = path.parent().unwrap().join(schema.expect("the first line names no schema"));
        assert_eq!(schema.canonicalize().unwrap(), published().canonicalize().unwrap(), "{}", path.display());
    }
}

/// Editors show these texts; a field without one is a field nobody explained.
#[test]
fn every_field_is_described() {
    fn walk(path: &str, schema: &serde_json::Value, missing: &mut Vec<String>) {
        let Some(object) = schema.as_object() else { return };
        for (name, field) in object.get("properties").and_then(|p| p.as_object()).into_iter().flatten() {
            // The tag's text is that of its variant.
            if field.get("description").is_none() && field.get("const").is_none() {
                missing.push(format!("{path}.{name}"));
            }
        }
        for (key, value) in object {
            match value {
                serde_json::Value::Array(items) => items.iter().for_each(|item| walk(path, item, missing)),
                other => walk(&format!("{path}.{key}"), other, missing),
            }
        }
    }
    let mut missing = Vec::new();
    walk("", &plan::json_schema(), &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}
