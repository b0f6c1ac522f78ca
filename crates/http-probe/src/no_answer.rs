//! From a client's error to why there was no answer. The line that matters runs between the other side and ourselves: what failed here
//! proves nothing about the primary.

use std::error::Error;
use std::io::ErrorKind;

use pilot_core::observed::NoAnswer;

/// Why a request has no answer. Never quotes the error's text of a request that left: it may hold the address's query.
pub fn of_error(error: &reqwest::Error) -> NoAnswer {
    if error.is_builder() {
        return not_sent("the request could not be built from the address");
    }
    if mentions(error, "dns error") {
        return NoAnswer::NameNotResolved;
    }
    match io_kind(error) {
        Some(ErrorKind::ConnectionRefused) => NoAnswer::Refused,
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => NoAnswer::Closed,
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::TimedOut) => NoAnswer::Unreachable,
        // A handshake that does not hold: rustls wraps its own error so. No error of the operating system has these kinds.
        Some(ErrorKind::InvalidData | ErrorKind::Other) if error.is_connect() => NoAnswer::Tls,
        // No free port, no free descriptor, no permission: ours.
        Some(kind) if error.is_connect() => not_sent(&kind.to_string()),
        _ if mentions(error, "certificate") || mentions(error, "tls") => NoAnswer::Tls,
        _ if mentions(error, "connection closed") || mentions(error, "incomplete message") => NoAnswer::Closed,
        _ if error.is_connect() => not_sent("the connection could not be made"),
        _ => NoAnswer::NotHttp,
    }
}

fn not_sent(reason: &str) -> NoAnswer {
    NoAnswer::NotSent { reason: reason.to_owned() }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost I/O error's kind: the outer ones wrap it as "other".
fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).last()
}

fn mentions(error: &reqwest::Error, text: &str) -> bool {
    causes(error).any(|cause| cause.to_string().to_ascii_lowercase().contains(text))
}
