//! The server without its listener: what answers a request, wherever it came from.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::Response;
use hyper::body::Body as HttpBody;
use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tower_service::Service as _;

use super::answers::{Challenge, asks_nonces, denied, give_nonce, no_store, problem};
use super::caching::Caching;
use super::granted::{Peer, request_from};
use super::items::{self, Read, ReadAt};
use super::observed::Counts;
use super::router;
use crate::allowance;
use crate::denied::Denied;
use crate::lab::Lab;
use crate::log::LogKind;
use crate::path::normal;
use crate::request::Request as Asked;
use crate::setup::Design;
use crate::stages::Untimed;

/// A design that answers requests in this process.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use authlab_server::{App, Design, Lab, PasswordKind};
/// use axum::{body::Body, http::Request};
///
/// let lab = Lab::open(Design { password: PasswordKind::Sha256, ..Design::default() }).unwrap();
/// let request = Request::get("/healthz").body(Body::empty()).unwrap();
/// let answer = App::new(lab).answer(request, [127, 0, 0, 1].into()).await;
/// assert_eq!(answer.status(), 200);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct App {
    router: Router,
    delay: Duration,
    /// Whether other servers are asked on the way.
    asks_others: bool,
    caching: Caching,
    /// Where proofs must have nonces, what gives them.
    nonces: Option<Arc<Lab>>,
    /// The design, where what is only read is answered without the router: nobody asked what a request took.
    reads: Option<Arc<Lab>>,
}

/// Until when a request's body must be there, counted from its head. A shutdown that ends sooner answers 503.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(4);

impl App {
    /// The routes of a design.
    #[must_use]
    pub fn new(lab: Arc<Lab>) -> Self {
        Self::within(lab, BODY_TIMEOUT, Arc::default())
    }

    /// The same, with so much time for a body, and the counts of the listener that it answers for.
    pub(crate) fn within(lab: Arc<Lab>, body_timeout: Duration, connections: Arc<Counts>) -> Self {
        let delay = lab.design().answer_delay.0;
        let caching = Caching::none(lab.design());
        let asks_others = lab.design().has_remote_store();
        let nonces = asks_nonces(&lab);
        let reads = is_silent(lab.design()).then(|| Arc::clone(&lab));
        Self {
            router: router(lab, body_timeout, connections),
            delay,
            asks_others,
            caching,
            nonces,
            reads,
        }
    }

    /// Answers a request of the sender at this address. Its path is made one form first, by which it is routed and
    /// remembered.
    pub async fn answer<B>(&self, request: Request<B>, from: IpAddr) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        if let Some(answer) = self.at_once(&mut parts, from) {
            return answer;
        }
        let request = Request::from_parts(parts, Body::new(body));
        self.later(request, from).await
    }

    /// Makes a path one form, and answers what waits for nothing: a path that has no one form, and what is only read and
    /// granted by a decision that is cached.
    pub(crate) fn at_once(&self, parts: &mut Parts, from: IpAddr) -> Option<Response> {
        let answer = if in_one_form(&mut parts.uri) {
            self.granted_at_once(parts, from)?
        } else {
            no_store(problem(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The path can be read in two ways: an encoded slash, percent, semicolon or control character, or an escape that is broken or not UTF-8",
            ))
        };
        Some(self.complete(answer))
    }

    /// What a request reads, and what that needs permission for. Whatever the design, it does not pass the router: two designs
    /// differ by what they decide, and by nothing else.
    fn read_by(&self, parts: &Parts) -> Option<(&Arc<Lab>, ReadAt)> {
        let lab = self.reads.as_ref()?;
        let is_read = parts.method == Method::GET;
        is_read.then_some(lab).zip(items::read_at(parts.uri.path()))
    }

    fn granted_at_once(&self, parts: &Parts, from: IpAddr) -> Option<Response> {
        if !self.delay.is_zero() {
            return None;
        }
        let (lab, (route, action, read)) = self.read_by(parts)?;
        let request = request_from(from, parts, route, action, lab).ok()?;
        // The control reads the credentials too, so that only authorization is missing from it.
        let grant = lab.granted_at_once(std::hint::black_box(&request))?;
        Some(read(lab, &grant))
    }

    /// What a request reads, once that is decided.
    async fn decided(&self, lab: &Lab, asked: Result<Asked<'_>, Denied>, read: Read) -> Response {
        // Without a delay that was looked for before.
        let at_once = |asked: &Asked<'_>| match self.delay {
            Duration::ZERO => None,
            _ => lab.granted_at_once(asked),
        };
        let decision = match asked {
            Ok(asked) => match at_once(&asked) {
                Some(grant) => Ok(grant),
                None => lab.decide(&asked, &mut Untimed).await,
            },
            Err(denied) => Err(denied),
        };
        match decision {
            Ok(grant) => read(lab, &grant),
            Err(refused) => denied(refused, Challenge::of(lab)),
        }
    }

    /// Answers a request whose path has its one form, and that was not answered at once.
    pub(crate) async fn later(&self, request: Request<Body>, from: IpAddr) -> Response {
        if !self.delay.is_zero() && wait(self.delay).await.is_err() {
            // Out of descriptors: later than meant rather than at once.
            tokio::time::sleep(self.delay).await;
        }
        let answer = if self.asks_others {
            allowance::of_request(self.found(request, from)).await
        } else {
            self.found(request, from).await
        };
        self.complete(answer)
    }

    async fn found(&self, request: Request<Body>, from: IpAddr) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Some((lab, (route, action, read))) = self.read_by(&parts) {
            let asked = request_from(from, &parts, route, action, lab);
            return self.decided(lab, asked, read).await;
        }
        parts.extensions.insert(Peer(from));
        // A router is always ready, and its clone is a count.
        let answered = self.router.clone().call(Request::from_parts(parts, body));
        match answered.await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// Here for all answers, so that none is forgotten.
    fn complete(&self, mut answer: Response) -> Response {
        self.caching.complete(answer.headers_mut());
        give_nonce(self.nonces.as_ref(), answer.headers_mut());
        answer
    }
}

/// Whether nothing is told of requests.
fn is_silent(design: &Design) -> bool {
    !(design.metrics || design.server_timing || design.log == LogKind::Requests)
}

/// Gives the path its one form, if it has one.
fn in_one_form(uri: &mut Uri) -> bool {
    let path = uri.path();
    if path.is_empty() || path == "*" {
        // Of the server as a whole (RFC 9110 §7.1): there is no path to read.
        return true;
    }
    let form = match normal(path) {
        Ok(Cow::Borrowed(_)) => return true,
        Ok(Cow::Owned(form)) => form,
        Err(_) => return false,
    };
    let target = match uri.query() {
        Some(query) => format!("{form}?{query}"),
        None => form,
    };
    let Ok(target) = PathAndQuery::from_maybe_shared(target) else {
        return false;
    };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    match Uri::from_parts(parts) {
        Ok(formed) => {
            *uri = formed;
            true
        }
        Err(_) => false,
    }
}

/// Waits to the microsecond: tokio's timer counts milliseconds, and one of them is half of what is waited for.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that are not owned; this one is"
)]
async fn wait(period: Duration) -> io::Result<()> {
    let timer: OwnedFd = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: period.as_secs().cast_signed(),
            tv_nsec: i64::from(period.subsec_nanos()),
        },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    AsyncFd::new(timer)?.readable().await.map(|_| ())
}
