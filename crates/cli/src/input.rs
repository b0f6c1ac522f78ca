//! Reading documents: files, or standard input as `-`.

use std::fs::File;
use std::io::Read;

use crate::answer::Answer;

/// The largest document that is read: far more than the largest report.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads a document whole.
pub fn read(file: &str) -> Result<Vec<u8>, Answer> {
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    let complain = |why: String| Err(Answer::unusable(format!("{}: cannot be read: {why}\n", name(file))));
    match read {
        Err(error) => complain(error.to_string()),
        Ok(length) if length as u64 > DOCUMENT_BYTES_MAX => complain(format!("more than {DOCUMENT_BYTES_MAX} bytes")),
        Ok(_) => Ok(bytes),
    }
}

/// How messages name the document.
pub fn name(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}
