//! Where a list is fetched (§8.1).

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::MEDIA_TYPE;

/// How long an answer may take: requests wait for it where the list is due.
const WITHIN: Duration = Duration::from_secs(2);

/// The longest answer: a list of 128 KiB that zlib cannot shrink, in base64 twice, and as much again for the rest.
const MOST_BYTES: usize = 512 * 1024;

/// The address of a list, and a client that asks there.
#[derive(Debug)]
pub(crate) struct Source {
    http: Client,
    uri: Url,
}

/// Why there is no answer, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFetched {
    #[error("no answer from the issuer's list")]
    NoAnswer(#[from] reqwest::Error),
    #[error("the issuer's list is answered by {0}")]
    Status(StatusCode),
    #[error("the issuer's list is not {MEDIA_TYPE}")]
    Type,
    #[error("the issuer's list is longer than {MOST_BYTES} bytes, or no text")]
    Form,
}

impl Source {
    /// # Errors
    /// No client for HTTP could be made.
    pub(crate) fn open(uri: Url) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, uri })
    }

    /// The list as it is sent; nothing of it is proven yet.
    pub(crate) async fn fetch(&self) -> Result<String, NotFetched> {
        let request = self.http.get(self.uri.clone()).header(ACCEPT, MEDIA_TYPE);
        let answer = request.send().await?;
        if answer.status() != StatusCode::OK {
            return Err(NotFetched::Status(answer.status()));
        }
        let typ = answer.headers().get(CONTENT_TYPE);
        if typ.is_none_or(|typ| !typ.as_bytes().eq_ignore_ascii_case(MEDIA_TYPE.as_bytes())) {
            return Err(NotFetched::Type);
        }
        body(answer).await
    }
}

async fn body(mut answer: Response) -> Result<String, NotFetched> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(NotFetched::Form);
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| NotFetched::Form)
}
