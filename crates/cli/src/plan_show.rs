//! `pilot plan show`.

use pilot_core::plan::{self, RecoveryPlan};

use crate::answer::Answer;
use crate::{input, plan_check};

/// Shows a plan as the functions see it: with every default filled in.
pub fn run(file: &str, json: bool) -> Answer {
    let document = match input::read(file) {
        Ok(document) => document,
        Err(answer) => return answer,
    };
    let plan = match plan::check(&document) {
        Ok(plan) => plan,
        Err(problems) => return Answer::problems(plan_check::listed(file, &problems)),
    };
    match written(&plan, json) {
        Ok(text) => Answer::ok(text),
        Err(why) => Answer::unusable(format!("{}: cannot be written: {why}\n", input::name(file))),
    }
}

fn written(plan: &RecoveryPlan, json: bool) -> Result<String, String> {
    let mut text = if json {
        serde_json::to_string_pretty(plan).map_err(|error| error.to_string())?
    } else {
        serde_saphyr::to_string(plan).map_err(|error| error.to_string())?
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
