//! DNS truth: what the name servers answer, held against what the plan expects after the shift.

use crate::plan::DnsExpectation;

/// What one name server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The server that was asked, or `system resolver`.
    pub server: String,
    /// The values of the records of the asked type, or why there are none.
    pub values: Result<Vec<String>, String>,
}

/// A value as it is compared: lower case, without the closing dot, and without the quotes in which Route 53 writes texts.
pub fn canonical(value: &str) -> String {
    value.trim_matches('"').trim_end_matches('.').to_ascii_lowercase()
}

/// What does not hold, one sentence a server: every server must answer, with expected values and no other.
pub fn problems(expected: &DnsExpectation, answers: &[DnsAnswer]) -> Vec<String> {
    let wanted: Vec<String> = expected.expect_any_of.iter().map(|value| canonical(value)).collect();
    answers.iter().filter_map(|answer| problem(expected, &wanted, answer)).collect()
}

fn problem(expected: &DnsExpectation, wanted: &[String], answer: &DnsAnswer) -> Option<String> {
    let question = format!("{} {} at {}", expected.name, expected.record_type.as_str(), answer.server);
    match &answer.values {
        Err(error) => Some(format!("{question}: {error}")),
        Ok(values) if values.is_empty() => Some(format!("{question}: the answer is empty")),
        Ok(values) => {
            let stray: Vec<String> = values.iter().map(|v| canonical(v)).filter(|v| !wanted.contains(v)).collect();
            (!stray.is_empty())
                .then(|| format!("{question}: still {}, expected {}", stray.join(", "), wanted.join(" or ")))
        }
    }
}

#[cfg(test)]
mod tests;
