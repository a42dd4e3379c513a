//! A slice without clocks, for tests: what a server of known capacity does to planned arrivals.

use std::time::{Duration, Instant};

use super::Instants;
use super::answers::{Answers, Trend};
use crate::arrivals::{Rate, Schedule, Spacing};

/// What became of a slice.
pub(crate) struct Served {
    pub(crate) start: Instant,
    pub(crate) answers: Answers,
    pub(crate) trend: Trend,
    pub(crate) ok: u64,
    /// Until the last answer, or as long as planned.
    pub(crate) length: Duration,
    /// Median response time.
    pub(crate) p50: Duration,
}

/// Uniform arrivals at `rate` for a slice that follows `before` others, answered by `servers` that
/// each take `service_s`; at most `users` are under way.
pub(crate) fn served(
    rate: f64,
    slice: Duration,
    before: u64,
    service_s: f64,
    servers: usize,
    users: usize,
) -> Served {
    let start = Instant::now();
    let at = |s: f64| start + Duration::from_secs_f64(s);
    let mut answers = Answers::default();
    let mut trend = Trend::default();
    let mut idle = vec![0.0_f64; servers];
    let mut free = vec![0.0_f64; users];
    let mut responses: Vec<f64> = Vec::new();
    let mut length = slice;
    let schedule = Schedule::new(Rate::constant(rate), Spacing::Uniform, slice, 1).after(before);
    for arrival in schedule {
        let arrives = arrival.offset.as_secs_f64();
        let earliest = |times: &[f64]| {
            let all = times.iter().enumerate();
            let (place, time) = all.min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            (place, *time)
        };
        let (user, user_free) = earliest(&free);
        let (server, server_idle) = earliest(&idle);
        let sent = arrives.max(user_free);
        let ended = sent.max(server_idle) + service_s;
        (free[user], idle[server]) = (ended, ended);
        let instants = Instants {
            planned: at(arrives),
            free: at(user_free),
            proved_in: Duration::ZERO,
            sent: at(sent),
            first_byte: at(ended),
            last_byte: at(ended),
        };
        answers.answered(&instants);
        trend.answered(&instants);
        responses.push(ended - arrives);
        length = length.max(Duration::from_secs_f64(ended));
    }
    responses.sort_by(f64::total_cmp);
    let p50 = responses.get(responses.len() / 2).copied().unwrap_or(0.0);
    Served {
        start,
        answers,
        trend,
        ok: responses.len() as u64,
        length,
        p50: Duration::from_secs_f64(p50),
    }
}
