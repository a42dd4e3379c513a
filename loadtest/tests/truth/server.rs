//! A server whose every answer is due at an instant that arithmetic gives: one request after
//! another, each for a scripted time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authlab_loadtest::cores::Cores;
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// What repeats every `period`, from the server's start.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) period: Duration,
    /// Nothing is begun in the first part of each period.
    pub(crate) stall: Duration,
    /// No connection is accepted or kept from the middle of each period, for so long.
    pub(crate) refuse: Duration,
    /// Time for one request at the start of a period, and at its end; linear between.
    pub(crate) service: (Duration, Duration),
}

impl Script {
    /// When the answer is due to a request that is begun at `start`, after the server's start.
    pub(crate) fn end(&self, start: Duration) -> Duration {
        let phase = Duration::from_nanos((start.as_nanos() % self.period.as_nanos()) as u64);
        let start = start + self.stall.saturating_sub(phase);
        let share = phase.as_secs_f64() / self.period.as_secs_f64();
        let (first, last) = self.service;
        start + first.mul_f64(1.0 - share) + last.mul_f64(share)
    }

    /// Whether what arrives then, after the server's start, finds nobody listening.
    pub(crate) fn refuses(&self, arrives: Duration) -> bool {
        let phase = Duration::from_nanos((arrives.as_nanos() % self.period.as_nanos()) as u64);
        (self.period / 2..self.period / 2 + self.refuse).contains(&phase)
    }
}

pub(crate) struct Scripted {
    pub(crate) url: String,
    /// When each request was received, after the server's start.
    pub(crate) received: Arc<Mutex<Vec<Duration>>>,
    _stop: oneshot::Sender<()>,
}

pub(crate) fn serve(script: Script) -> Scripted {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let (stop, stopped) = oneshot::channel::<()>();
    let log = Arc::clone(&received);
    std::thread::spawn(move || {
        // As the lab pins the servers that it starts: the kernel would move this spinning thread
        // to the generator's core for milliseconds, whenever something else runs on its own.
        let mut cores = CpuSet::new();
        for core in Cores::split().server {
            cores.set(core).unwrap();
        }
        sched_setaffinity(Pid::from_raw(0), &cores).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            // A processor that sleeps between requests takes its own time to wake: not scripted.
            tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
            tokio::select! {
                () = accept(listener, address, script, log) => {}
                _ = stopped => {}
            }
        });
    });
    Scripted {
        url: format!("http://{address}"),
        received,
        _stop: stop,
    }
}

async fn accept(
    mut listener: TcpListener,
    address: SocketAddr,
    script: Script,
    log: Arc<Mutex<Vec<Duration>>>,
) {
    let started = Instant::now();
    let free = Arc::new(Mutex::new(Duration::ZERO));
    let mut connections = JoinSet::new();
    // Not while a run prepares: slices of two periods begin near the start of one.
    let mut refuses = started + script.period / 2;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => Some(accepted.unwrap().0),
            () = until(refuses), if !script.refuse.is_zero() => None,
        };
        let Some(stream) = accepted else {
            drop(listener);
            connections.shutdown().await;
            until(refuses + script.refuse).await;
            refuses += script.period;
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            listener = socket.listen(1024).unwrap();
            continue;
        };
        stream.set_nodelay(true).unwrap();
        let (log, free) = (Arc::clone(&log), Arc::clone(&free));
        let answer = service_fn(move |_| {
            let now = started.elapsed();
            log.lock().unwrap().push(now);
            let due = {
                let mut free = free.lock().unwrap();
                *free = script.end(now.max(*free));
                started + *free
            };
            async move {
                until(due).await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// As exact as the generator: a sleep alone would be a millisecond late.
async fn until(due: Instant) {
    if let Some(asleep) = due.checked_sub(Duration::from_millis(2)) {
        tokio::time::sleep_until(asleep.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}
