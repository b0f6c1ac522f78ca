//! The HTTP client: reqwest over rustls.

use pilot_core::observed::{HTTP_BODY_BYTES_MAX, HttpAnswer, NoAnswer};
use pilot_core::plan::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::no_answer::of_error;
use crate::{Http, Request};

/// The client, built once.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client,
}

impl HttpClient {
    /// Builds the client.
    ///
    /// # Errors
    /// The TLS stack could not be set up (no certificates).
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent("pilot-light")
            // A redirect is an answer of its own; what it leads to was not asked for.
            .redirect(Policy::none())
            // The evidence is about the address, not about a proxy in between.
            .no_proxy()
            // A connection kept over Lambda's freeze is dead when it thaws, and would read as the primary's failure.
            .pool_max_idle_per_host(0)
            // reqwest sends a request again when a kept connection turns out dead; a write must be sent once.
            .retry(reqwest::retry::never())
            .build()?;
        Ok(HttpClient { client })
    }

    async fn exchange(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        let builder = match request.method {
            Method::Get => self.client.get(request.url),
            Method::Post => {
                let post = self.client.post(request.url);
                match request.json_body {
                    Some(body) => post.header(CONTENT_TYPE, "application/json").body(body.to_string()),
                    None => post,
                }
            }
        };
        read(builder.send().await.map_err(|error| of_error(&error))?).await
    }
}

impl Http for HttpClient {
    async fn ask(&self, request: Request<'_>) -> Result<HttpAnswer, NoAnswer> {
        // Around everything, name resolution and a body that trickles included.
        match tokio::time::timeout(request.timeout(), self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(NoAnswer::TimedOut { after_seconds: request.timeout_seconds }),
        }
    }
}

async fn read(mut response: Response) -> Result<HttpAnswer, NoAnswer> {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let mut body = Vec::new();
    while body.len() < HTTP_BODY_BYTES_MAX {
        match response.chunk().await.map_err(|error| of_error(&error))? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    body.truncate(HTTP_BODY_BYTES_MAX);
    Ok(HttpAnswer { status, headers, body })
}
