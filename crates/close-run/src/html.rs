//! `report.html`: one file, nothing fetched from anywhere, legible on paper and in the dark.

use minijinja::{AutoEscape, Environment, value::Serde};
use pilot_core::report::Report;

use crate::view::View;

const TEMPLATE: &str = include_str!("report.html");

/// Renders a report.
///
/// # Errors
/// The template does not fit the view: a test renders every ending.
pub fn render(report: &Report) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // Everything in a report comes from outside: names, AWS's messages, what people typed as a reason.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.render_str(TEMPLATE, Serde(View::of(report)))
}
