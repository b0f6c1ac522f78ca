//! Does an endpoint of the recovered application answer as the plan expects?

use crate::observed::{HttpAnswer, NoAnswer};
use crate::plan::Endpoint;

/// What does not hold; `None`: everything does. Says expected against seen, and never quotes a header or a body.
pub fn problem(endpoint: &Endpoint, seen: &Result<HttpAnswer, NoAnswer>) -> Option<String> {
    let answer = match seen {
        Ok(answer) => answer,
        Err(error) => return Some(error.to_string()),
    };
    if answer.status != endpoint.expect_status {
        return Some(format!("HTTP {}, expected {}", answer.status, endpoint.expect_status));
    }
    for (name, expected) in &endpoint.expect_headers {
        if answer.headers.get(&name.to_ascii_lowercase()) != Some(expected) {
            return Some(format!("HTTP {}, but header {name} is not as expected", answer.status));
        }
    }
    match &endpoint.expect_body {
        Some(expected) if !holds(&answer.body, expected.as_bytes()) => {
            Some(format!("HTTP {}, but its body does not hold the expected text", answer.status))
        }
        _ => None,
    }
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests;
