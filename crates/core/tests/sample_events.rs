//! The sample events in `events/` are what the functions take: every one reads, every bad one is refused by name. Those of
//! `check-health`, `validate`, `backup-monitor` and `on-demand`, which take more than one kind, are read by the tests of these crates.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]
#![expect(clippy::panic, reason = "a test's panic is its report")]
#![expect(clippy::disallowed_methods, reason = "the core reads no files; this test reads the repository's")]

use std::fs;
use std::path::PathBuf;

use pilot_core::FailureName;
use pilot_core::contract::{CloseRun, GateRequest, OpenRun, RollbackRequest, Step, StepRequest, read_event};
use pilot_core::plan::sha256_hex;
use serde::de::DeserializeOwned;
use serde_json::Value;

const FUNCTIONS: [&str; 13] = [
    "backup-monitor",
    "check-health",
    "close-run",
    "fence",
    "gate",
    "on-demand",
    "open-run",
    "promote-db",
    "protect",
    "rollback",
    "scale-compute",
    "update-dns",
    "validate",
];

fn folder(function: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function)
}

/// A function's samples: name without extension, and the event.
fn samples(function: &str) -> Vec<(String, Value)> {
    let folder = folder(function);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut samples: Vec<(String, Value)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let event = serde_json::from_slice(&fs::read(&path).unwrap());
            let event = event.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), event)
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

/// Reads every sample as `T`: `good` looks at those that read, and tells for a bad one that reads what is wrong with it all the same.
fn read_all<T: DeserializeOwned>(function: &str, good: impl Fn(&str, &T), wrong: impl Fn(&T) -> bool) {
    for (name, event) in samples(function) {
        match (name.starts_with("bad"), read_event::<T>(function, event)) {
            (false, Ok(event)) => good(&name, &event),
            (false, Err(failure)) => panic!("{function}/{name}: {failure}"),
            (true, Ok(event)) => assert!(wrong(&event), "{function}/{name} reads, and nothing is wrong with it"),
            (true, Err(failure)) => assert_eq!(failure.name, FailureName::EventInvalid, "{function}/{name}"),
        }
    }
}

#[test]
fn every_function_has_two_samples_one_of_them_good() {
    for function in FUNCTIONS {
        let samples = samples(function);
        assert!(samples.len() >= 2, "{function} has {}", samples.len());
        assert!(samples.iter().any(|(name, _)| !name.starts_with("bad")), "{function} has no good sample");
    }
}

#[test]
fn steps() {
    let functions = [
        ("fence", Step::Fence),
        ("promote-db", Step::PromoteData),
        ("protect", Step::Protect),
        ("scale-compute", Step::ScaleCompute),
        ("update-dns", Step::ShiftTraffic),
    ];
    for (function, step) in functions {
        let good = |name: &str, request: &StepRequest| assert_eq!(request.step.name, step, "{function}/{name}");
        // What promote-db itself refuses: nobody judged the primary.
        read_all(function, good, |request| step == Step::PromoteData && request.assessment.is_none());
    }
}

#[test]
fn gate() {
    let good = |name: &str, event: &GateRequest| {
        assert_eq!(
            (event.task_token.is_some(), event.answer.is_some()),
            (name == "ask", name == "answer"),
            "gate/{name}"
        );
    };
    read_all("gate", good, |event| event.assessment.is_none());
}

#[test]
fn rollback() {
    let good = |name: &str, event: &RollbackRequest| assert_eq!(event.step.name, Step::Rollback, "rollback/{name}");
    read_all("rollback", good, |_| false);
}

#[test]
fn open_run() {
    let good = |name: &str, event: &OpenRun| {
        assert_eq!(event.request.trigger.is_some(), name == "alarm", "open-run/{name}");
    };
    read_all("open-run", good, |_| false);
}

#[test]
fn close_run() {
    let good = |name: &str, event: &CloseRun| {
        assert_eq!(event.run.is_none(), name == "refused-at-the-door", "close-run/{name}");
    };
    read_all("close-run", good, |_| false);
}

/// The samples' runs are pinned to the published example: whoever changes it changes the hash in them too, or every function that reads the
/// plan answers `PlanChanged` instead of what the sample shows.
#[test]
fn the_samples_are_pinned_to_the_published_example() {
    let example = fs::read(folder("").join("../examples/plans/pilot-light.yaml")).unwrap();
    let sha256 = sha256_hex(&example);
    let mut pinned = 0;
    for function in FUNCTIONS {
        for (name, event) in samples(function) {
            if let Some(found) = event.pointer("/run/plan/sha256") {
                assert_eq!(*found, sha256, "{function}/{name}");
                pinned += 1;
            }
        }
    }
    assert!(pinned > 10, "the test reads the samples wrongly: {pinned} are pinned");
}
