//! `pilot plan check`.

use pilot_core::plan;

use crate::answer::Answer;
use crate::{input, plan_summary};

/// Checks every file, whatever the others are.
pub fn run(files: &[String]) -> Answer {
    files.iter().map(|file| one(file)).fold(Answer::ok(String::new()), Answer::and)
}

fn one(file: &str) -> Answer {
    let document = match input::read(file) {
        Ok(document) => document,
        Err(answer) => return answer,
    };
    match plan::check(&document) {
        Ok(plan) => {
            let sha256 = plan::sha256_hex(&document);
            Answer::ok(format!("{}: ok\n{}", input::name(file), plan_summary::text(&plan, &sha256)))
        }
        Err(problems) => Answer::problems(listed(file, &problems)),
    }
}

/// Problems, one a line, as editors and `grep` take them.
pub fn listed(file: &str, problems: &[plan::PlanProblem]) -> String {
    problems.iter().map(|problem| format!("{}: {problem}\n", input::name(file))).collect()
}
