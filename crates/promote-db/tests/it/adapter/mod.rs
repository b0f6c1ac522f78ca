//! RDS as its adapters' tests have it: on a port of its own, and its answers.

use aws_config::SdkConfig;
use pilot_testkit::wire::{Answer, Service};

/// RDS on a port of its own, and a configuration that leads there, with the retries that the functions have.
pub async fn service(answer: Answer) -> (SdkConfig, Service) {
    let aws = Service::start(answer);
    (aws.config("us-east-1").await, aws)
}

/// An answer of RDS.
pub fn rds_answer(action: &str, result: &str) -> (u16, String) {
    let xml = format!(
        "<{action}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{action}Result>{result}</{action}Result></{action}Response>"
    );
    (200, xml)
}

/// A refusal of RDS.
pub fn rds_error(status: u16, code: &str) -> (u16, String) {
    let xml = format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>no</Message></Error></ErrorResponse>"
    );
    (status, xml)
}
