//! A server that does as scripted, on a free loopback port, until it is dropped.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Every n-th answer is a 503.
    pub(crate) fail_every: u64,
    /// Time before each answer.
    pub(crate) delay: Duration,
    /// Requests are answered one after another.
    pub(crate) serial: bool,
    /// Sent with each answer.
    pub(crate) server_timing: Option<&'static str>,
    /// What POST answers, and `/protected` wants.
    pub(crate) token: Option<&'static str>,
    /// Answers nothing in the first part of each period: (part, period).
    pub(crate) stall: Option<(Duration, Duration)>,
    /// Answers nothing after so many.
    pub(crate) silent_after: Option<u64>,
    /// Headers that are remembered with each request.
    pub(crate) seen_headers: &'static [&'static str],
}

/// How often each request came: `METHOD target`, and its remembered headers.
pub(crate) type Seen = BTreeMap<String, u64>;

pub(crate) struct Scripted {
    pub(crate) url: String,
    #[allow(dead_code, reason = "only some tests count them")]
    pub(crate) requests: Arc<AtomicU64>,
    #[allow(dead_code, reason = "only some tests look at them")]
    pub(crate) seen: Arc<Mutex<Seen>>,
    _stop: oneshot::Sender<()>,
}

pub(crate) fn serve(script: Script) -> Scripted {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU64::new(0));
    let (stop, mut stopped) = oneshot::channel::<()>();
    let counted = Arc::clone(&requests);
    let seen = Arc::new(Mutex::new(Seen::new()));
    let seeing = Arc::clone(&seen);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let started = Instant::now();
            let turns = Arc::new(tokio::sync::Mutex::new(()));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = &mut stopped => return,
                };
                stream.set_nodelay(true).unwrap();
                let (script, counted) = (script.clone(), Arc::clone(&counted));
                let turns = Arc::clone(&turns);
                let seeing = Arc::clone(&seeing);
                let answer = service_fn(move |request| {
                    *seeing
                        .lock()
                        .unwrap()
                        .entry(shown(&request, script.seen_headers))
                        .or_default() += 1;
                    let turns = Arc::clone(&turns);
                    answer(
                        request,
                        script.clone(),
                        Arc::clone(&counted),
                        turns,
                        started,
                    )
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
    });
    Scripted {
        url,
        requests,
        seen,
        _stop: stop,
    }
}

fn shown(request: &Request<Incoming>, headers: &[&str]) -> String {
    let mut shown = format!("{} {}", request.method(), request.uri());
    for name in headers {
        if let Some(value) = request.headers().get(*name) {
            shown.push(' ');
            shown.push_str(value.to_str().unwrap());
        }
    }
    shown
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    counted: Arc<AtomicU64>,
    turns: Arc<tokio::sync::Mutex<()>>,
    started: Instant,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
    if script.silent_after.is_some_and(|most| number > most) {
        std::future::pending::<()>().await;
    }
    if !script.delay.is_zero() {
        let _turn = if script.serial {
            Some(turns.lock().await)
        } else {
            None
        };
        tokio::time::sleep(script.delay).await;
    }
    if let Some((part, period)) = script.stall {
        let phase = Duration::from_nanos((started.elapsed().as_nanos() % period.as_nanos()) as u64);
        // Even a sleep of nothing would wait for the timer's next millisecond.
        if let Some(rest) = part.checked_sub(phase) {
            tokio::time::sleep(rest).await;
        }
    }
    let mut response = Response::new(Full::from("hello"));
    if let Some(token) = script.token {
        let wanted = format!("Bearer {token}");
        let shown = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if request.method() == "POST" {
            *response.body_mut() = Full::from(format!(r#"{{"access":{{"token":"{token}"}}}}"#));
        } else if shown != Some(&wanted) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
    }
    if script.fail_every > 0 && number.is_multiple_of(script.fail_every) {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    // A line is a field.
    for timing in script.server_timing.into_iter().flat_map(str::lines) {
        let timing = http::HeaderValue::from_bytes(timing.as_bytes()).unwrap();
        response.headers_mut().append("server-timing", timing);
    }
    Ok(response)
}
