//! Where reports and notifications go.

use std::future::Future;

use pilot_shell::CallError;

/// Where reports are kept.
pub trait ReportStore {
    /// Puts a document, over an earlier one of the same key.
    fn put(&self, key: &str, content_type: &str, body: String) -> impl Future<Output = Result<(), CallError>>;
    /// A document's address, for people.
    fn location(&self, key: &str) -> String;
}

/// Who is told.
pub trait Notifier {
    /// Tells everyone who listens.
    fn publish(&self, subject: &str, message: &str) -> impl Future<Output = Result<(), CallError>>;
    /// Where this goes, for a failure's text.
    fn resource(&self) -> &str;
}
