//! An AWS service on a port of its own: it answers as a test says, and keeps what it was asked as it came over the wire.
//!
//! For the adapters' tests: the real SDK client sends its request, signed and serialised, to 127.0.0.1, and the test looks at that
//! text and at what the adapter makes of the answer.

#![expect(clippy::unwrap_used, reason = "the test kit: a panic is the test's report")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use serde_json::Value;

/// From a whole request to what becomes a [`Reply`]: an answer that takes nothing from its surroundings, for tables of them.
pub type Answer<R = (u16, String)> = fn(&str) -> R;

/// What the service answers with.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// What the header `x-amzn-errortype` says, where Lambda and the JSON protocols name an error; without one there is no header.
    pub error_code: Option<&'static str>,
    /// The body, empty for none.
    pub body: String,
}

/// Status and body; an error's code stands in the body.
impl From<(u16, String)> for Reply {
    fn from((status, body): (u16, String)) -> Self {
        Self { status, error_code: None, body }
    }
}

/// Status, error code (empty for none) and document; `null` is no body, as with status 204.
impl From<(u16, &'static str, Value)> for Reply {
    fn from((status, code, document): (u16, &'static str, Value)) -> Self {
        let body = if document.is_null() { String::new() } else { document.to_string() };
        Self { status, error_code: (!code.is_empty()).then_some(code), body }
    }
}

/// A service that listens until the test program ends, one request after the other.
pub struct Service {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Listens on a free port of 127.0.0.1. `answer` takes each request whole; the request is kept before the reply is sent, so
    /// whoever has the reply finds the request in [`Service::requests`].
    pub fn start<R: Into<Reply>>(mut answer: impl FnMut(&str) -> R + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                let reply = answer(&request).into();
                seen.lock().unwrap().push(request);
                write(&mut stream, &reply);
            }
        });
        Self { url, requests }
    }

    /// Where it listens: scheme, address and port, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far, in the order they came, each with its head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A client's configuration for `region` that leads here: [`config`].
    pub async fn config(&self, region: &'static str) -> SdkConfig {
        config(region, &self.url).await
    }
}

/// A client's configuration for `region` that leads to `url`, with dummy credentials and the SDK's standard retries (three attempts).
pub async fn config(region: &'static str, url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

/// What the header `x-amz-target` of a request says: the API, for some with its version, a dot and the operation.
pub fn target(request: &str) -> &str {
    header(head_and_body(request).0, "x-amz-target").unwrap()
}

/// Which operation a request is of, as `x-amz-target` names it.
pub fn operation(request: &str) -> &str {
    target(request).rsplit('.').next().unwrap()
}

/// A request's body as it came.
pub fn body(request: &str) -> &str {
    head_and_body(request).1
}

/// A request's body, read as JSON.
pub fn document(request: &str) -> Value {
    serde_json::from_str(body(request)).unwrap()
}

fn head_and_body(request: &str) -> (&str, &str) {
    request.split_once("\r\n\r\n").unwrap()
}

/// The value of the header `name`, which is in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find_map(named).map(|(_, value)| value)
}

/// One request, head and body.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text.into_owned();
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend(&chunk[..count]);
    }
}

fn write(stream: &mut TcpStream, Reply { status, error_code, body }: &Reply) {
    let error = error_code.map_or_else(String::new, |code| format!("x-amzn-errortype: {code}\r\n"));
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{error}content-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}
