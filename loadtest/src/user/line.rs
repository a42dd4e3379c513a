//! A user's line to one server: its connection, and what it holds of that server alone.

use std::sync::Arc;
use std::time::Instant;

use authlab_reports::run::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper::body;

use super::cookies::Jar;
use crate::connection::{Again, Answer, Broken, Connection, Endpoint, Lost, Octets, Party};
use crate::scenario::{Connections, Load};

/// To the variant's own server, or to one beside it.
pub(super) struct Line {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) connection: Option<Connection>,
    /// With whom the user shares it.
    party: Option<Party>,
    /// Whether a new one may do without a full TLS handshake.
    resumes: bool,
    /// Of its connection.
    octets: Octets,
    /// Of those before.
    passed_before: Bytes,
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
            party: None,
            resumes: true,
            octets: Octets::default(),
            passed_before: Bytes::default(),
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

    /// Sends a request and reads its answer, on a new connection where the server has closed the last.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<body::Bytes>>,
        keep_body: bool,
    ) -> Result<Answer, Unanswered> {
        let is_reused = self.is_ready().await;
        // The time in which a new connection is made is the request's.
        let begun = (!is_reused).then(Instant::now);
        let connection = self.opened().await.map_err(Unanswered::For)?;
        let answer = connection.exchange(request, keep_body).await;
        match answer {
            Ok(mut answer) => {
                answer.sent = begun.unwrap_or(answer.sent);
                Ok(answer)
            }
            Err(lost) => {
                if !lost.is_open {
                    self.connection = None;
                }
                Err(match lost.again {
                    Again::Yes => Unanswered::Unread(lost),
                    Again::IfReused if is_reused => Unanswered::Unread(lost),
                    Again::IfReused | Again::No => Unanswered::For(lost.broken),
                })
            }
        }
    }

    /// Connects as the load wants it of the user at this place.
    pub(super) async fn connect(
        &mut self,
        load: &Load,
        place: usize,
    ) -> Result<&mut Connection, Broken> {
        let party = Party::of(place, load.streams);
        if self.party != party {
            self.party = party;
            self.connection = None;
        }
        self.resumes = load.connections != Connections::New;
        self.is_ready().await;
        self.opened().await
    }

    /// The connection, opened where there is none.
    async fn opened(&mut self) -> Result<&mut Connection, Broken> {
        match &mut self.connection {
            Some(open) => Ok(open),
            closed => {
                self.passed_before += self.octets.passed();
                self.octets = Octets::default();
                let opened = match self.party {
                    None => Connection::open(&self.endpoint, self.resumes, &self.octets).await,
                    Some(party) => Connection::join(&self.endpoint, party, &self.octets).await,
                };
                Ok(closed.insert(opened.map_err(|failure| failure.broken)?))
            }
        }
    }

    /// What passed on its connections so far.
    pub(super) fn passed(&self) -> Bytes {
        let mut passed = self.passed_before;
        passed += self.octets.passed();
        passed
    }

    /// Whether a connection is open and free; one that the server has closed is dropped.
    async fn is_ready(&mut self) -> bool {
        if let Some(open) = &mut self.connection
            && !open.is_ready().await
        {
            self.connection = None;
        }
        self.connection.is_some()
    }
}

/// Why a request has no answer.
pub(super) enum Unanswered {
    /// The server did not process it: it may be sent again.
    Unread(Lost),
    /// For this reason.
    For(Broken),
}

/// A request that may be sent a second time, and no more than that: on a new connection, where the old one was
/// closed before the server read it.
#[derive(Default)]
pub(super) struct Retry {
    first_sent: Option<Instant>,
}

impl Retry {
    /// The answer, sent when the request was sent first; nothing when the request is to be sent again; or why
    /// there is none.
    pub(super) fn settle(
        &mut self,
        answer: Result<Answer, Unanswered>,
        retried: &mut u64,
    ) -> Result<Option<Answer>, String> {
        match answer {
            Ok(mut answer) => {
                answer.sent = self.first_sent.unwrap_or(answer.sent);
                Ok(Some(answer))
            }
            Err(Unanswered::Unread(lost)) if self.first_sent.is_none() => {
                self.first_sent = Some(lost.sent);
                *retried += 1;
                Ok(None)
            }
            Err(Unanswered::Unread(lost)) => Err(lost.broken.to_string()),
            Err(Unanswered::For(broken)) => Err(broken.to_string()),
        }
    }
}
