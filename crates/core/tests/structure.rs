//! The workspace's structure: arrows point inwards only, AWS is named in adapters only, no file is a drawer.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]
#![expect(clippy::disallowed_methods, reason = "the core reads no files; this test reads the repository's")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(repository()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A dependency as a manifest states it.
struct Dependency {
    from: String,
    to: String,
    /// `None` for a normal one, `dev` or `build`.
    kind: Option<String>,
    in_workspace: bool,
}

fn dependencies() -> Vec<Dependency> {
    let metadata = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let packages = metadata["packages"].as_array().unwrap();
    let of = |package: &Value| -> Vec<Dependency> {
        let dependency = |d: &Value| Dependency {
            from: text(&package["name"]).unwrap(),
            to: text(&d["name"]).unwrap(),
            kind: text(&d["kind"]),
            in_workspace: d["path"].is_string(),
        };
        package["dependencies"].as_array().unwrap().iter().map(dependency).collect()
    };
    let all: Vec<Dependency> = packages.iter().flat_map(of).collect();
    assert!(all.len() > 50, "the test reads the manifests wrongly: {} dependencies", all.len());
    all
}

/// Which crates of the workspace a crate may use. A crate that is not named here may use the core and the shell.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("pilot-core", &[][..]),
        ("pilot-shell", &["pilot-core"]),
        ("pilot-cli", &["pilot-core"]),
        ("http-probe", &["pilot-core"]),
        // One way to describe a DB instance for the whole suite: the adapter of the crate that promotes it.
        ("check-health", &["pilot-core", "pilot-shell", "http-probe", "promote-db", "scale-compute"]),
        // It looks at the primary and the lag as the others do, and tells people as the closing does.
        ("gate", &["pilot-core", "pilot-shell", "http-probe", "check-health", "close-run", "promote-db"]),
        // It talks to the state machine and the state table, like an operator's command line, and to no step.
        ("on-demand", &["pilot-core", "pilot-shell"]),
        ("protect", &["pilot-core", "pilot-shell", "promote-db"]),
        // One way to list recovery points: that of the crate that watches them.
        ("promote-db", &["pilot-core", "pilot-shell", "backup-monitor"]),
        // The undo stands beside the act, in the act's crate.
        ("rollback", &["pilot-core", "pilot-shell", "fence", "promote-db", "scale-compute", "update-dns"]),
        // It observes with the adapters of those who act, and changes nothing.
        ("validate", &["pilot-core", "pilot-shell", "http-probe", "promote-db", "scale-compute", "update-dns"]),
    ])
}

#[test]
fn arrows_point_inwards() {
    let allowed = allowed();
    for d in dependencies().iter().filter(|d| d.in_workspace && d.kind.as_deref() != Some("dev")) {
        let may = allowed.get(d.from.as_str()).copied().unwrap_or(&["pilot-core", "pilot-shell"]);
        assert!(may.contains(&d.to.as_str()), "{} must not depend on {}", d.from, d.to);
    }
}

#[test]
fn the_test_kit_is_for_tests_and_nobody_needs_the_command_line() {
    for d in dependencies() {
        if d.to == "pilot-testkit" {
            assert_eq!(d.kind.as_deref(), Some("dev"), "{} ships the test kit", d.from);
        }
        assert_ne!(d.to, "pilot-cli", "{} depends on the command line", d.from);
    }
}

/// Whatever a dependency of a dependency brings: the core awaits nothing and calls nobody.
#[test]
fn the_core_is_pure_all_the_way_down() {
    let tree = cargo(&["tree", "--offline", "-p", "pilot-core", "-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("serde"), "the test reads the tree wrongly: {names:?}");
    for foreign in ["tokio", "aws-", "reqwest", "hyper", "lambda", "mio", "rustls", "async-", "futures", "rand"] {
        let found: Vec<&&str> = names.iter().filter(|name| name.starts_with(foreign)).collect();
        assert!(found.is_empty(), "the core brings {found:?}");
    }
}

/// Every Rust file of the workspace, by its path from the repository.
fn rust_files() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = repository();
    let mut paths = Vec::new();
    walk(&root.join("crates"), &mut paths);
    assert!(paths.len() > 40, "the test reads the folders wrongly: {} files", paths.len());
    let named = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (named(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// This file and its neighbour name what they forbid.
fn product_files() -> impl Iterator<Item = (String, String)> {
    rust_files().into_iter().filter(|(path, _)| !path.starts_with("crates/core/tests/"))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn is_adapter(path: &str) -> bool {
    file_name(path) == "adapter.rs" || path.ends_with("_adapter.rs") || path.contains("/adapter/")
}

/// The shell's own: the configuration, the plans' bucket, the state table, and what an SDK error means.
const SHELL_AWS: [&str; 5] = ["call_error.rs", "clients.rs", "regions.rs", "plans.rs", "ledger/"];

fn is_shell_aws(path: &str) -> bool {
    path.strip_prefix("crates/shell/src/").is_some_and(|rest| SHELL_AWS.iter().any(|own| rest.starts_with(own)))
}

#[test]
fn the_sdk_is_named_in_adapters_only() {
    let mut naming = 0;
    for (path, text) in product_files() {
        for crate_name in ["aws_sdk_", "aws_smithy_", "aws_types"] {
            if text.contains(crate_name) {
                assert!(is_adapter(&path) || is_shell_aws(&path), "{path} names {crate_name}: only adapters may");
                naming += 1;
            }
        }
    }
    assert!(naming > 4, "the test reads the files wrongly: {naming} name the SDK");
}

#[test]
fn the_sdk_configuration_reaches_composition_roots_and_adapters_only() {
    for (path, text) in product_files().filter(|(_, text)| text.contains("aws_config")) {
        // The adapters' tests lead their clients to a listener with it.
        let for_tests = path == "crates/testkit/src/wire.rs";
        let may = is_adapter(&path) || is_shell_aws(&path) || file_name(&path) == "main.rs" || for_tests;
        assert!(may, "{path} names aws_config ({} bytes)", text.len());
    }
}

/// One runtime, started by composition roots; nobody blocks a thread or sleeps for AWS.
#[test]
fn no_function_sleeps() {
    for (path, text) in product_files().filter(|(path, _)| !path.contains("/tests/") && !path.ends_with("tests.rs")) {
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for sleep in ["tokio::time::sleep", "thread::sleep"] {
            let tests_only = path.starts_with("crates/testkit/");
            assert!(tests_only || !shipped.contains(sleep), "{path} sleeps: the state machine waits");
        }
    }
}

#[test]
fn no_file_is_a_drawer() {
    for (path, _) in rust_files() {
        for part in path.trim_end_matches(".rs").split('/') {
            let drawer = ["util", "utils", "common", "misc", "helper", "helpers"].contains(&part);
            assert!(!drawer, "{path}: name the file after what it is about");
        }
    }
}

/// `#[expect]` tells when its reason is gone; `#[allow]` stays for ever.
#[test]
fn nothing_is_allowed_that_could_be_expected() {
    for (path, text) in product_files() {
        let allow = text.lines().find(|line| line.trim_start().starts_with("#[allow") || line.starts_with("#![allow"));
        assert_eq!(allow, None, "{path}");
    }
}
