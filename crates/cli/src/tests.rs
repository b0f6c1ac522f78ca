//! The commands against a fake stack: everything an operator sees, the exit code, and what the stack was asked to do.

mod approvals;
mod arguments;
mod fake;
mod follow;
mod resume;
mod screens;
mod start;
mod status;

use crate::answer::Answer;

/// Everything an operator sees: progress, standard output, standard error, and the exit code a pipeline sees.
fn told(screen: &screens::Recorded, answer: &Answer) -> String {
    let mut text: String = screen.lines.iter().map(|line| format!("{line}\n")).collect();
    text += &answer.text;
    if !answer.complaint.is_empty() {
        text += &format!("--- standard error\n{}", answer.complaint);
    }
    text + &format!("--- exit {}\n", answer.verdict as u8)
}

fn now() -> jiff::Timestamp {
    "2026-03-14T09:40:00Z".parse().unwrap()
}
