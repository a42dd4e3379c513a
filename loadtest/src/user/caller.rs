//! A user that a program leads by hand: it makes steps one at a time, and shows what it would send.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header;
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite};

use super::cookies::Jar;
use super::journey::is_refusal;
use super::{Requests, Seat, request};
use crate::connection::{self, Answer, CONNECT_WITHIN, Coding, Endpoint};
use crate::origin::Origin;
use crate::protocol::Protocol;
use crate::scenario::Step;

/// A step that takes longer has failed.
const STEP_WITHIN: Duration = Duration::from_secs(10);

/// A server that a caller may ask, by the name that steps use for it.
pub struct Reached {
    name: Option<String>,
    endpoint: Arc<Endpoint>,
}

impl Reached {
    /// A server that runs; the first that a caller has is the one that steps without `at` are sent to.
    ///
    /// # Errors
    /// TLS cannot be set up for it.
    pub fn new(name: Option<&str>, origin: &Origin, protocol: &Protocol) -> Result<Self, String> {
        let endpoint = Endpoint::of_url(origin, protocol).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.map(str::to_owned),
            endpoint: Arc::new(endpoint),
        })
    }

    /// A connection on which a program writes what it likes.
    ///
    /// # Errors
    /// The server does not accept it.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let failed = |failure: connection::Failure| failure.broken.to_string();
        let stream = connection::dial(&self.endpoint).await.map_err(failed)?;
        let Some(tls) = &self.endpoint.tls else {
            return Ok(Box::new(stream));
        };
        let handshake = tokio::time::timeout(CONNECT_WITHIN, tls.handshake(stream, true));
        let secured = handshake
            .await
            .map_err(|_| "the TLS handshake took too long")?;
        Ok(Box::new(secured.map_err(failed)?))
    }
}

/// A connection of octets.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One user with its own connections, cookies, key and values.
pub struct Caller {
    names: Vec<Option<String>>,
    seat: Seat,
}

/// When a step's first request was sent, and when its last answer was complete.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// Sent at.
    pub sent: Instant,
    /// Answered at.
    pub answered: Instant,
}

/// A request that is ready to be sent, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, `host` among them, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Caller {
    /// A user of this number; whatever it makes up is of the seed.
    #[must_use]
    pub fn new(number: usize, seed: u64, servers: &[Reached]) -> Self {
        let endpoints: Vec<_> = servers.iter().map(|s| Arc::clone(&s.endpoint)).collect();
        let mut seat = Seat::new(number, &endpoints);
        seat.values.reseed(seed, number);
        Self {
            names: servers.iter().map(|server| server.name.clone()).collect(),
            seat,
        }
    }

    /// Puts a value on the user.
    pub fn put(&mut self, name: &str, value: &str) {
        self.seat.values.put(name, value);
    }

    /// A value that the user has.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.seat.values.own(name)
    }

    /// Makes a step with all that belongs to it: cookies, redirects within its server, proofs, values that it saves. Where
    /// its cookies are not kept, the user goes on with those that it has: they may be the credential that a step ends.
    ///
    /// # Errors
    /// Why it has no answer, or not the one that it expects; no value is repeated.
    pub async fn make(&mut self, step: &Step, keeps_cookies: bool) -> Result<Made, String> {
        let attempt = self.attempt(step, keeps_cookies);
        if let Ok(made) = tokio::time::timeout(STEP_WITHIN, attempt).await {
            return made;
        }
        for line in &mut self.seat.lines {
            line.connection = None;
        }
        Err(format!("no answer within {} s", STEP_WITHIN.as_secs()))
    }

    async fn attempt(&mut self, step: &Step, keeps_cookies: bool) -> Result<Made, String> {
        let seat = &mut self.seat;
        for (name, template) in &step.set {
            let value = seat.values.fill(template)?;
            seat.keep(name, value);
        }
        let place = place(&self.names, step)?;
        seat.requests = Requests::default();
        let request = seat.build(place, 0, step)?;
        let began = Instant::now();
        let answer = seat.browse(place, step, request, keeps_cookies).await?;
        seat.accept(step, &answer)?;
        Ok(Made {
            sent: began,
            answered: answer.last_byte,
        })
    }

    /// The request of a step as the user would send it now, with a fresh proof, and with its cookies if they are wanted.
    ///
    /// # Errors
    /// A place of it has no value, or one that cannot stand there.
    pub async fn build(&mut self, step: &Step, with_cookies: bool) -> Result<Head, String> {
        let seat = &mut self.seat;
        let place = place(&self.names, step)?;
        seat.requests = Requests::default();
        let mut built = seat.build(place, 0, step)?;
        let line = &mut seat.lines[place];
        let url = request::Address::of(&built).url(&line.endpoint)?;
        let own = built.headers().get_all(header::COOKIE).iter();
        if with_cookies && let Some(cookies) = line.jar.header(&url, own) {
            built.headers_mut().insert(header::COOKIE, cookies);
        }
        if step.dpop {
            seat.browser.prove(&mut built, &url, line.nonce.as_ref())?;
        }
        let (head, body) = built.into_parts();
        let Ok(body) = body.collect().await;
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Ok(Head {
            method: head.method.to_string(),
            target: request::path_and_query_of(&head.uri),
            headers: headers.collect(),
            body: body.to_bytes().to_vec(),
        })
    }

    /// The request of a step that is answered elsewhere than on a connection, with the values that the step sets and the
    /// user's cookies.
    ///
    /// # Errors
    /// A place of it has no value, or one that cannot be part of a request.
    pub async fn ask(&mut self, step: &Step) -> Result<Head, String> {
        let seat = &mut self.seat;
        for (name, template) in &step.set {
            let value = seat.values.fill(template)?;
            seat.keep(name, value);
        }
        self.build(step, true).await
    }

    /// Takes the answer to such a request: keeps the values that the step saves, and its cookies where they are wanted. An
    /// attack may be refused.
    ///
    /// # Errors
    /// It is not what the step expects; no value is repeated.
    pub fn take(
        &mut self,
        step: &Step,
        asked: &Head,
        (head, body): (http::response::Parts, Vec<u8>),
        keeps_cookies: bool,
    ) -> Result<(), String> {
        let place = place(&self.names, step)?;
        let line = &mut self.seat.lines[place];
        let url = request::origin(&line.endpoint)?;
        let url = url.join(&asked.target).map_err(|error| error.to_string())?;
        if keeps_cookies {
            line.jar.keep(&url, &head.headers);
        }
        if step.attack.is_some() && is_refusal(head.status) {
            return Ok(());
        }
        let now = Instant::now();
        let answer = Answer {
            proved_in: Duration::ZERO,
            sent: now,
            first_byte: now,
            last_byte: now,
            status: head.status,
            headers: head.headers,
            body: body.into(),
            coding: Coding::AsSent,
        };
        self.seat.accept(step, &answer)
    }

    /// Drops its cookies.
    pub fn forget_cookies(&mut self) {
        for line in &mut self.seat.lines {
            line.jar.clear();
        }
    }

    /// The values of the cookies that it holds.
    #[must_use]
    pub fn cookies(&self) -> Vec<String> {
        let jars = self.seat.lines.iter().map(|line| &line.jar);
        jars.flat_map(Jar::values).collect()
    }
}

fn place(names: &[Option<String>], step: &Step) -> Result<usize, String> {
    let Some(at) = &step.at else {
        return Ok(0);
    };
    let place = names.iter().position(|name| name.as_ref() == Some(at));
    place.ok_or_else(|| format!("no server is named `{at}`"))
}
