//! The client against real sockets on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_probe::{Http, HttpClient, Request};
use pilot_core::observed::{HTTP_BODY_BYTES_MAX, HttpAnswer, NoAnswer};
use pilot_core::plan::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves one connection with `serve` and asks `path` of it meanwhile; returns what was asked for, as text, and what came of it.
async fn ask_of<F, Fut>(
    path: &str,
    json_body: Option<serde_json::Value>,
    serve: F,
) -> (String, Result<HttpAnswer, NoAnswer>)
where
    F: FnOnce(TcpStream, String) -> Fut,
    Fut: Future<Output = ()>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        let request = String::from_utf8_lossy(&bytes[..read]).into_owned();
        serve(stream, request.clone()).await;
        request
    };
    let client = HttpClient::new().unwrap();
    let method = if json_body.is_some() { Method::Post } else { Method::Get };
    let request = Request { method, url: &url, json_body: json_body.as_ref(), timeout_seconds: 1 };
    tokio::join!(server, client.ask(request))
}

async fn respond(mut stream: TcpStream, response: String) {
    stream.write_all(response.as_bytes()).await.unwrap();
    // The client may have read enough and be gone.
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let (request, answer) = ask_of("/health?deep=1", None, |stream, _| {
        respond(stream, "HTTP/1.1 503 Down\r\nX-Region: ap-southeast-1\r\nContent-Length: 4\r\n\r\ndown".into())
    })
    .await;
    let answer = answer.unwrap();
    assert!(request.starts_with("GET /health?deep=1 HTTP/1.1\r\n"), "{request}");
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"down".as_slice()));
    assert_eq!(answer.headers.get("x-region").map(String::as_str), Some("ap-southeast-1"));
}

#[tokio::test]
async fn a_post_carries_its_json() {
    let (request, answer) = ask_of("/orders", Some(json!({"number": 7})), |stream, _| {
        respond(stream, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".into())
    })
    .await;
    assert_eq!(answer.unwrap().status, 201);
    assert!(request.starts_with("POST /orders HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("content-type: application/json"), "{request}");
    assert!(request.ends_with(r#"{"number":7}"#), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (_, answer) = ask_of("/", None, |stream, _| {
        respond(stream, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n".into())
    })
    .await;
    assert_eq!(answer.unwrap().status, 302);
}

#[tokio::test]
async fn no_more_of_a_body_is_read_than_needed() {
    let (_, answer) = ask_of("/", None, |stream, _| async move {
        let body = "x".repeat(HTTP_BODY_BYTES_MAX + 1000);
        // Announces more than it sends: whoever waits for the rest times out.
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{body}");
        let mut stream = stream;
        stream.write_all(response.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
    })
    .await;
    assert_eq!(answer.unwrap().body.len(), HTTP_BODY_BYTES_MAX);
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let began = Instant::now();
    let (_, answer) = ask_of("/", None, |stream, _| async move {
        tokio::time::sleep(Duration::from_millis(1300)).await;
        drop(stream);
    })
    .await;
    assert_eq!(answer, Err(NoAnswer::TimedOut { after_seconds: 1 }));
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_connection_that_ends_early_is_closed() {
    let (_, answer) = ask_of("/", None, |stream, _| async move { drop(stream) }).await;
    assert_eq!(answer, Err(NoAnswer::Closed));
}

#[tokio::test]
async fn another_protocol_is_not_http() {
    let (_, answer) = ask_of("/", None, |stream, _| respond(stream, "220 mail.example.com ESMTP\r\n".into())).await;
    assert_eq!(answer, Err(NoAnswer::NotHttp));
}

async fn nobody_listens() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn where_nobody_listens_it_is_refused() {
    let url = format!("http://{}/", nobody_listens().await);
    let answer = HttpClient::new().unwrap().ask(Request::get(&url, 1)).await;
    assert_eq!(answer, Err(NoAnswer::Refused));
}

#[tokio::test]
async fn a_name_without_an_address_is_told_from_a_refusal() {
    // `.invalid` never has an address (RFC 2606).
    let answer = HttpClient::new().unwrap().ask(Request::get("http://primary.invalid/", 3)).await;
    // A machine without any resolver may take all of the time to say so.
    assert!(matches!(answer, Err(NoAnswer::NameNotResolved | NoAnswer::TimedOut { .. })), "{answer:?}");
}

#[tokio::test]
async fn plain_text_behind_an_https_address_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 512];
        let _ = stream.read(&mut bytes).await.unwrap();
        respond(stream, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".into()).await;
    };
    let client = HttpClient::new().unwrap();
    let (answer, ()) = tokio::join!(client.ask(Request::get(&url, 2)), server);
    assert_eq!(answer, Err(NoAnswer::Tls));
}

#[tokio::test]
async fn an_address_that_is_none_is_our_own_fault() {
    let answer = HttpClient::new().unwrap().ask(Request::get("http://[broken", 1)).await;
    assert!(matches!(answer, Err(NoAnswer::NotSent { .. })), "{answer:?}");
}
