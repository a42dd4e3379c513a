//! What is told about requests, where it is asked for: counts and latencies by route (`--metrics`), a line each (`--log
//! requests`). Neither holds anything that a client showed: a path is its route, a request has a number.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::answers::{Challenge, denied};
use crate::cause;
use crate::denied::Denied;
use crate::grant::Grant;
use crate::lab::Lab;
use crate::log::{self, LogKind};
use crate::stages::{StageTimes, Untimed};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where no route is matched: paths are a client's to make up.
const NO_ROUTE: &str = "none";

/// From 25 µs on, doubling, to 3.3 s.
const LEAST_BUCKET_SECONDS: f64 = 25e-6;
const BUCKETS: u16 = 18;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Closed {
    because: &'static str,
}

/// What `/metrics` tells of a listener.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Connections that are open now.
    pub(crate) open: AtomicU64,
    /// Connections that were closed to make room.
    pub(crate) evicted: AtomicU64,
    /// Connections that were closed because the client did not read its answer.
    pub(crate) not_read: AtomicU64,
    /// Connections that were closed because a request's head took too long.
    pub(crate) slow_head: AtomicU64,
    /// Connections that could not be accepted.
    pub(crate) not_accepted: AtomicU64,
}

/// Counts of a server that was asked for them.
pub(super) struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    hits: Counter,
    misses: Counter,
    evictions: Counter,
    entries: Gauge,
    pending_hashes: Gauge,
    connections: Gauge,
    closed: Family<Closed, Counter>,
    accept_failures: Counter,
    log_dropped: Counter,
    counts: Arc<Counts>,
}

impl Metrics {
    fn new(counts: Arc<Counts>) -> Self {
        let latency = || Histogram::new(exponential_buckets(LEAST_BUCKET_SECONDS, 2.0, BUCKETS));
        let mut metrics = Self {
            registry: Registry::with_prefix("authlab"),
            answered: Family::default(),
            seconds: Family::new_with_constructor(latency),
            hits: Counter::default(),
            misses: Counter::default(),
            evictions: Counter::default(),
            entries: Gauge::default(),
            pending_hashes: Gauge::default(),
            connections: Gauge::default(),
            closed: Family::default(),
            accept_failures: Counter::default(),
            log_dropped: Counter::default(),
            counts,
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests answered", metrics.answered.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its answer's",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register(
            "cache_hits",
            "Decisions from the cache",
            metrics.hits.clone(),
        );
        registry.register(
            "cache_misses",
            "Decisions that were made",
            metrics.misses.clone(),
        );
        registry.register(
            "cache_evictions",
            "Entries that made room",
            metrics.evictions.clone(),
        );
        registry.register(
            "cache_entries",
            "Entries in the cache",
            metrics.entries.clone(),
        );
        registry.register(
            "hashes_pending",
            "Slow hashes that run or wait",
            metrics.pending_hashes.clone(),
        );
        registry.register(
            "connections",
            "Connections that are open",
            metrics.connections.clone(),
        );
        registry.register(
            "connections_closed",
            "Connections that the server closed for what their clients did not do",
            metrics.closed.clone(),
        );
        registry.register(
            "accept_failures",
            "Connections that could not be accepted",
            metrics.accept_failures.clone(),
        );
        registry.register(
            "log_lines_dropped",
            "Lines of the log that could not be written",
            metrics.log_dropped.clone(),
        );
        metrics
    }

    /// A request was authorized or refused. What was refused without the cache was never in it, nor is it now.
    fn decided(&self, granted: bool, times: &StageTimes) {
        if times.hit {
            self.hits.inc();
        } else if granted {
            self.misses.inc();
        }
    }

    fn text(&self, lab: &Lab) -> Option<String> {
        copy(lab.cache_evictions(), &self.evictions);
        self.entries.set(lab.cache_entries().cast_signed());
        let pending = lab.pending_hashes() as u64;
        self.pending_hashes.set(pending.cast_signed());
        let counts = &self.counts;
        let open = counts.open.load(Ordering::Relaxed);
        self.connections.set(open.cast_signed());
        for (because, count) in [
            ("room", &counts.evicted),
            ("answer not read", &counts.not_read),
            ("slow head", &counts.slow_head),
        ] {
            let closed = self.closed.get_or_create(&Closed { because });
            copy(count.load(Ordering::Relaxed), &closed);
        }
        let failures = counts.not_accepted.load(Ordering::Relaxed);
        copy(failures, &self.accept_failures);
        copy(log::dropped(), &self.log_dropped);
        let mut text = String::new();
        encode(&mut text, &self.registry).ok()?;
        Some(text)
    }
}

/// A count that is kept elsewhere.
fn copy(count: u64, to: &Counter) {
    to.inner().store(count, Ordering::Relaxed);
}

/// What a server tells about its requests.
#[derive(Clone)]
pub(super) struct Observed {
    metrics: Option<Arc<Metrics>>,
    requests: Option<Arc<Numbered>>,
}

/// A request's number: this start's and a count.
struct Numbered {
    start: u32,
    next: AtomicU64,
}

impl Observed {
    /// `None` where nothing is asked for: then a request passes by none of this.
    pub(super) fn of(lab: &Lab, connections: Arc<Counts>) -> Option<Self> {
        let design = lab.design();
        let mut start = [0; 4];
        let _ = getrandom::fill(&mut start);
        let observed = Self {
            metrics: design.metrics.then(|| Arc::new(Metrics::new(connections))),
            requests: (design.log == LogKind::Requests).then(|| {
                Arc::new(Numbered {
                    start: u32::from_ne_bytes(start),
                    next: AtomicU64::new(1),
                })
            }),
        };
        (observed.metrics.is_some() || observed.requests.is_some()).then_some(observed)
    }
}

/// Passes a request on, and tells what became of it.
pub(super) async fn observe(
    State(observed): State<Observed>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(NO_ROUTE, MatchedPath::as_str)
        .to_owned();
    if let Some(metrics) = &observed.metrics {
        request.extensions_mut().insert(Arc::clone(metrics));
    }
    let mut response = next.run(request).await;
    let (took, status) = (begun.elapsed(), response.status().as_u16());
    if let Some(numbered) = &observed.requests {
        let number = numbered.next.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(24);
        let _ = write!(id, "{:08x}-{number}", numbered.start);
        let ms = took.as_micros() as f64 / 1e3;
        let method = known(method.as_str());
        tracing::info!(request_id = %id, method, %route, status, ms, "request");
        if let Ok(value) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
    }
    if let Some(metrics) = &observed.metrics {
        let labels = Route {
            route: route.clone(),
        };
        metrics
            .seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let labels = Answered {
            method: known(method.as_str()).to_owned(),
            route,
            status,
        };
        metrics.answered.get_or_create(&labels).inc();
    }
    response
}

/// Authorizes a request, with what it took where that is answered, and counted where that is asked for.
pub(super) async fn authorize(
    lab: &Lab,
    parts: &Parts,
    request: &crate::request::Request<'_>,
) -> (Result<Grant, Denied>, Option<StageTimes>) {
    if let Some(grant) = lab.control_of(request) {
        // The control reads the credentials too, so that only authorization is missing from it.
        std::hint::black_box(request);
        return (Ok(grant), None);
    }
    let design = lab.design();
    if !design.server_timing && !design.metrics {
        // A hit waits for nothing, and is answered before anything is made that could.
        return match lab.granted_at_once(request) {
            Some(grant) => (Ok(grant), None),
            None => (lab.decide(request, &mut Untimed).await, None),
        };
    }
    let (decision, times) = lab.authorize_timed(request).await;
    if let Some(metrics) = parts.extensions.get::<Arc<Metrics>>() {
        metrics.decided(decision.is_ok(), &times);
    }
    (decision, design.server_timing.then_some(times))
}

/// Methods are a client's to make up as well.
fn known(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

/// `GET /metrics`, in Prometheus' text format (OpenMetrics 1.0)
pub(super) async fn metrics(State(lab): State<Arc<Lab>>, request: Request) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let metrics = request.extensions().get::<Arc<Metrics>>();
    match metrics.and_then(|metrics| metrics.text(&lab)) {
        Some(text) => (
            [(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS))],
            text,
        )
            .into_response(),
        None => denied(
            cause::unanswered("a scrape of the metrics"),
            Challenge::of(&lab),
        ),
    }
}
