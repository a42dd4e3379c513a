//! The server without its listener: what answers a request, wherever it came from.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::uri::PathAndQuery;
use axum::http::{Request, StatusCode, Uri};
use axum::response::Response;
use hyper::body::Body as HttpBody;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::answers::{asks_nonces, give_nonce, no_store, problem};
use super::caching::Caching;
use super::granted::Peer;
use super::observed::Counts;
use super::router;
use crate::allowance;
use crate::lab::Lab;
use crate::path::normal;

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
    router: TowerToHyperService<Router>,
    delay: Duration,
    /// Whether other servers are asked on the way.
    asks_others: bool,
    caching: Caching,
    /// Where proofs must have nonces, what gives them.
    nonces: Option<Arc<Lab>>,
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
        Self {
            router: TowerToHyperService::new(router(lab, body_timeout, connections)),
            delay,
            asks_others,
            caching,
            nonces,
        }
    }

    /// Answers a request of the sender at this address. Its path is made one form first, by which it is routed and
    /// remembered.
    pub async fn answer<B>(&self, mut request: Request<B>, from: IpAddr) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        request.extensions_mut().insert(Peer(from));
        if !in_one_form(request.uri_mut()) {
            return no_store(problem(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The path can be read in two ways: an encoded slash, percent, semicolon or control character, or an escape that is broken or not UTF-8",
            ));
        }
        if !self.delay.is_zero() && wait(self.delay).await.is_err() {
            // Out of descriptors: later than meant rather than at once.
            tokio::time::sleep(self.delay).await;
        }
        let answered = self.router.call(request.map(Body::new));
        let answer = if self.asks_others {
            allowance::of_request(answered).await
        } else {
            answered.await
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        // Here for all routes, so that none is forgotten.
        self.caching.complete(answer.headers_mut());
        give_nonce(self.nonces.as_ref(), answer.headers_mut());
        answer
    }
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
