//! A listener on 127.0.0.1 that answers as AWS does, and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_codebuild::config::Credentials;
use serde_json::Value;

/// What was asked: the whole request, head and body.
pub type Requests = Arc<Mutex<Vec<String>>>;

/// From a request to the answer's status and body.
pub type Answer = fn(&str) -> (u16, String);

/// AWS on a port of its own.
pub fn aws(answer: Answer) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read(&mut stream);
            let (status, body) = answer(&request);
            seen.lock().unwrap().push(request);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (url, requests)
}

/// One request, head and body.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend(&chunk[..count]);
    }
}

/// A configuration that leads to it.
pub async fn config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-2"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

/// Which operation a request is of, as `X-Amz-Target` names it after the API's version.
pub fn operation(request: &str) -> &str {
    let target = request.lines().find(|line| line.to_ascii_lowercase().starts_with("x-amz-target: ")).unwrap();
    target.trim().rsplit('.').next().unwrap()
}

/// Each request's operation and body.
pub fn asked(requests: &Requests) -> Vec<(String, Value)> {
    let body = |request: &String| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    requests.lock().unwrap().iter().map(|request| (operation(request).to_owned(), body(request))).collect()
}
