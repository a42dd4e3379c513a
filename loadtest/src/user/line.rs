//! A user's line to one server: its connection, and what it holds of that server alone.

use std::sync::Arc;

use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body::Bytes;

use super::cookies::Jar;
use crate::connection::{Answer, Broken, Connection, Endpoint};

/// To the variant's own server, or to one beside it.
pub(super) struct Line {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) connection: Option<Connection>,
    pub(super) jar: Jar,
    /// The jar of the pool member that is being filled: its cookies are not the user's.
    pub(super) jar_of_member: Jar,
    /// What the server wants in the next proof of possession (RFC 9449 §8).
    pub(super) nonce: Option<HeaderValue>,
}

impl Line {
    pub(super) fn new(endpoint: &Arc<Endpoint>) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            connection: None,
            jar: Jar::default(),
            jar_of_member: Jar::default(),
            nonce: None,
        }
    }

    pub(super) fn jar(&mut self, fills: bool) -> &mut Jar {
        if fills {
            &mut self.jar_of_member
        } else {
            &mut self.jar
        }
    }

    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep_body: bool,
    ) -> Result<Answer, Broken> {
        let connection = self.connect().await?;
        let answer = connection.exchange(request, keep_body).await;
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    pub(super) async fn connect(&mut self) -> Result<&mut Connection, Broken> {
        if let Some(open) = &mut self.connection
            && !open.is_ready().await
        {
            self.connection = None;
        }
        match &mut self.connection {
            Some(open) => Ok(open),
            closed => {
                let opened = Connection::open(&self.endpoint).await;
                Ok(closed.insert(opened.map_err(|failure| failure.broken)?))
            }
        }
    }
}
