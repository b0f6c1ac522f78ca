//! The real binary, as an operator or a pipeline calls it.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const EXAMPLE: &str = "../../examples/plans/pilot-light.yaml";

/// Runs `pilot` in the crate's folder.
fn pilot(arguments: &[&str]) -> Output {
    pilot_with(arguments, b"")
}

/// Runs `pilot` with this on its standard input.
fn pilot_with(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pilot"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Everything an operator sees, and the exit code a pipeline sees.
fn told(output: &Output) -> String {
    let mut text = String::from_utf8(output.stdout.clone()).unwrap();
    if !output.stderr.is_empty() {
        text += &format!("--- standard error\n{}", std::str::from_utf8(&output.stderr).unwrap());
    }
    text + &format!("--- exit {}\n", output.status.code().unwrap())
}

#[test]
fn a_good_plan_is_told_in_a_few_lines() {
    let text = told(&pilot(&["plan", "check", EXAMPLE]));
    let hash = text.lines().find_map(|line| line.trim().strip_prefix("sha256")).unwrap().trim().to_owned();
    let document = std::fs::read(format!("{}/{EXAMPLE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(hash, pilot_core::plan::sha256_hex(&document));
    // The hash changes with every comma of the example; the rest of the picture does not.
    insta::assert_snapshot!(text.replace(&hash, "<the document's hash>"));
}

#[test]
fn a_global_database_is_told_as_what_cannot_be_undone() {
    let text = told(&pilot(&["plan", "check", "tests/data/aurora.yaml"]));
    let wave =
        "data wave 1     ledger: fail the Aurora global cluster payments-global over to payments-dr (cannot be undone)";
    assert!(text.contains(wave) && text.contains("2 of 2 fates (database, storage)"), "{text}");
}

#[test]
fn an_ecs_service_is_told_by_cluster_and_name() {
    let text = told(&pilot(&["plan", "check", "tests/data/aurora.yaml"]));
    for said in
        ["old-api: ECS service payments/api to 0", "compute wave 1  api: ECS service payments/api to 2 (min 2, max 8)"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn ten_different_mistakes_are_told_at_once() {
    let output = pilot(&["plan", "check", "tests/data/ten-mistakes.yaml"]);
    let text = told(&output);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 10, "not one line a mistake:\n{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn broken_rules_are_told_at_once_and_no_secret_is_repeated() {
    let text = told(&pilot(&["plan", "check", "tests/data/broken-rules.yaml"]));
    assert!(!text.contains("hunter2"), "a password of the plan is repeated");
    insta::assert_snapshot!(text);
}

#[test]
fn one_bad_file_does_not_hide_another() {
    let output = pilot(&["plan", "check", "tests/data/ten-mistakes.yaml", EXAMPLE, "tests/data/broken-rules.yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ten-mistakes.yaml: /apiVersion") && text.contains("broken-rules.yaml: /policy/quorum"));
    assert!(text.contains("pilot-light.yaml: ok"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_read_outweighs_problems_but_hides_none() {
    let output = pilot(&["plan", "check", "tests/data/none.yaml", "tests/data/ten-mistakes.yaml"]);
    let text = told(&output);
    assert!(text.contains("tests/data/none.yaml: cannot be read: No such file"), "{text}");
    assert!(text.contains("ten-mistakes.yaml: /apiVersion"), "{text}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [&["plan", "check"][..], &["plan", "chekc", "x"], &["plan"], &[], &["report", "show"]] {
        let output = pilot(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?} is refused without a word");
    }
}

#[test]
fn help_names_the_exit_codes() {
    for arguments in [&["--help"][..], &["plan", "check", "--help"], &["report", "show", "--help"]] {
        let output = pilot(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        for code in ["0  nothing is wrong", "1  the document has problems", "2  the command line is wrong"] {
            assert!(text.contains(code), "{arguments:?} does not document: {code}\n{text}");
        }
        assert_eq!(output.status.code(), Some(0));
    }
    for command in
        [&["run", "start"][..], &["run", "resume"], &["run", "status"], &["resume"], &["approve"], &["refuse"]]
    {
        let text = String::from_utf8(pilot(&[command, &["--help"]].concat()).stdout).unwrap();
        assert!(text.contains("Exit codes:\n  0") && text.contains("PILOT_STATE_TABLE"), "{command:?}: {text}");
    }
}

#[test]
fn standard_input_and_json_are_read() {
    let shown = pilot(&["plan", "show", "--json", EXAMPLE]);
    assert_eq!(shown.status.code(), Some(0));
    let checked = pilot_with(&["plan", "check", "-"], &shown.stdout);
    let text = told(&checked);
    assert!(text.starts_with("standard input: ok\n"), "{text}");
    assert_eq!(checked.status.code(), Some(0));
}

#[test]
fn a_shown_plan_is_the_same_plan_with_its_defaults() {
    let shown = pilot(&["plan", "show", EXAMPLE]);
    let document = std::fs::read(format!("{}/{EXAMPLE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (given, resolved) = (pilot_core::plan::check(&document), pilot_core::plan::check(&shown.stdout));
    assert_eq!(given.unwrap(), resolved.unwrap());
    insta::assert_snapshot!(told(&shown));
}

#[test]
fn showing_a_bad_plan_tells_its_problems() {
    let output = pilot(&["plan", "show", "tests/data/ten-mistakes.yaml"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 10);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_schema_is_the_published_one() {
    let output = pilot(&["plan", "schema"]);
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/recovery-plan.v1.schema.json");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), std::fs::read_to_string(published).unwrap());
}

#[test]
fn a_report_is_told() {
    insta::assert_snapshot!(told(&pilot(&["report", "show", "tests/data/report.json"])));
}

#[test]
fn what_is_no_report_is_refused() {
    let text = told(&pilot(&["report", "show", EXAMPLE]));
    assert!(text.contains("not a report.json") && text.ends_with("--- exit 1\n"), "{text}");
}

/// Neither credentials nor a Region nor a home: what is offline works, what is not says what it needs before it calls anybody.
fn bare_pilot(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pilot"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn plans_and_reports_need_no_credentials() {
    for arguments in
        [&["plan", "check", EXAMPLE][..], &["plan", "schema"], &["report", "show", "tests/data/report.json"]]
    {
        assert_eq!(bare_pilot(arguments, &[]).status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn what_is_missing_is_told_with_the_way_to_get_it() {
    let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:pilot-light-recovery";
    let know_machine = [("PILOT_STATE_MACHINE_ARN", machine)];
    let know_table = [("PILOT_STATE_TABLE", "state")];
    let mut text = told(&bare_pilot(&["run", "start", "shop"], &know_table));
    for arguments in [
        &["run", "start", "shop", "--follow"][..],
        &["run", "status", "--plan", "shop"],
        &["resume", "run-1"],
        &["approve", "run-1", "--as", "ada"],
        &["refuse", "run-1", "--as", "ada"],
    ] {
        let output = bare_pilot(arguments, &know_machine);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--region eu-west-1"), "{arguments:?}");
    }
    text += &told(&bare_pilot(&["resume", "run-1"], &know_machine));
    text += &told(&bare_pilot(&["resume", "run-1"], &know_table));
    insta::assert_snapshot!(text);
}

#[test]
fn a_reader_that_has_heard_enough_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pilot"))
        .args(["plan", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
