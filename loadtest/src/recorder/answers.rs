//! When the answers of a slice came: the time that its throughput is of, and whether a backlog grew.

use std::time::{Duration, Instant};

use super::Instants;

/// The fastest and the last answer of a slice.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answers {
    /// The shortest time from an intended start to the answer.
    fastest: Option<Duration>,
    last: Option<Instant>,
    /// The last one answered had waited for a user.
    queued: bool,
    /// The last answer or failure that the server, and not the end of our patience, brought.
    settled: Option<Instant>,
}

impl Answers {
    /// Counts an answer that its step expects.
    pub(super) fn answered(&mut self, instants: &Instants) {
        let response = instants
            .last_byte
            .saturating_duration_since(instants.planned);
        self.fastest = Some(
            self.fastest
                .map_or(response, |fastest| fastest.min(response)),
        );
        self.last = Some(instants.last_byte);
        self.queued = instants.free > instants.planned;
        self.settled = self.last;
    }

    /// Counts a request that failed.
    pub(super) fn failed(&mut self, ended: Instant) {
        self.settled = Some(ended);
    }

    /// The time in which the `ok` answers of a slice came, which was planned to last `planned`.
    ///
    /// A server that keeps up answers as many as are planned in the time that they are planned for, however long each
    /// takes: with open arrivals, what every answer takes at least comes before the first one, and is not counted. One
    /// that does not keep up is busy until its last answer. Closed users are busy until theirs.
    pub(crate) fn within(
        &self,
        start: Instant,
        planned: Duration,
        open: bool,
        ok: u64,
    ) -> Duration {
        let since_start = |at: Instant| at.saturating_duration_since(start);
        if !open {
            return planned.max(self.settled.map_or(Duration::ZERO, since_start));
        }
        let (Some(fastest), Some(last)) = (self.fastest, self.last) else {
            return planned;
        };
        let answering = if self.queued || ok < 2 {
            since_start(last)
        } else {
            since_start(last).saturating_sub(fastest)
        };
        planned.max(answering)
    }
}

/// The regression of response times on the instants at which requests were planned: where a backlog
/// grows, each request waits longer than the one before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trend {
    origin: Option<Instant>,
    count: f64,
    planned: f64,
    response: f64,
    planned_squared: f64,
    response_squared: f64,
    product: f64,
}

/// A slope is certain that is so many standard errors from zero.
const STANDARD_ERRORS: f64 = 2.0;

impl Trend {
    pub(super) fn answered(&mut self, instants: &Instants) {
        let origin = *self.origin.get_or_insert(instants.planned);
        let planned = instants.planned.saturating_duration_since(origin);
        let response = instants
            .last_byte
            .saturating_duration_since(instants.planned);
        let (x, y) = (planned.as_secs_f64(), response.as_secs_f64());
        self.count += 1.0;
        self.planned += x;
        self.response += y;
        self.planned_squared += x * x;
        self.response_squared += y * y;
        self.product += x * y;
    }

    /// Seconds that responses became longer in each second, at least; 0 where that is not certain.
    pub(crate) fn growth(&self) -> f64 {
        let freedom = self.count - 2.0;
        let spread = self.planned_squared - self.planned * self.planned / self.count;
        if freedom < 1.0 || spread <= 0.0 {
            return 0.0;
        }
        let of_response = self.response_squared - self.response * self.response / self.count;
        let both = self.product - self.planned * self.response / self.count;
        let slope = both / spread;
        let unexplained = (of_response - slope * both).max(0.0);
        let error = (unexplained / freedom / spread).sqrt();
        (slope - STANDARD_ERRORS * error).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::simulated::{Served, served};

    const SECOND: Duration = Duration::from_secs(1);

    fn simulated(rate: f64, seconds: f64, service_s: f64, servers: usize, users: usize) -> Served {
        let slice = Duration::from_secs_f64(seconds);
        served(rate, slice, 0, service_s, servers, users)
    }

    #[test]
    fn the_rate_is_the_servers_under_twice_its_rate_and_the_plans_below_it() {
        for (rate, seconds, service_s, servers, users, expected) in [
            // Of 200/s, under twice that: with few users, with more than are ever under way, with
            // several servers that answer together.
            (400.0, 2.0, 0.005, 1, 8, 200.0),
            (400.0, 2.0, 0.005, 1, 1_000, 200.0),
            (400.0, 2.0, 0.04, 8, 8, 200.0),
            (5.0, 10.0, 0.4, 1, 1, 2.5),
            (5.0, 2.0, 0.4, 1, 1, 2.5),
            // Below its capacity, however long an answer takes.
            (100.0, 2.0, 0.5, 1_000, 1_000, 100.0),
            (100.0, 2.0, 0.001, 1, 100, 100.0),
            (0.5, 6.0, 0.4, 1, 1, 0.5),
            (2.5, 10.0, 0.4, 1, 1, 2.5),
        ] {
            let served = simulated(rate, seconds, service_s, servers, users);
            let planned = Duration::from_secs_f64(seconds);
            let within = served
                .answers
                .within(served.start, planned, true, served.ok);
            let found = served.ok as f64 / within.as_secs_f64();
            assert!(
                (found / expected - 1.0).abs() < 0.01,
                "{rate}/s of {expected}: {found}"
            );
        }
    }

    #[test]
    fn a_server_that_stalled_at_first_is_busy_until_its_last_answer() {
        let start = Instant::now();
        let mut answers = Answers::default();
        // Planned and answered at these milliseconds.
        for (planned, answered) in [(0, 1_870), (900, 1_900), (1_500, 1_501), (1_990, 8_500)] {
            let at = |ms| start + Duration::from_millis(ms);
            answers.answered(&Instants {
                planned: at(planned),
                free: at(planned),
                proved_in: Duration::ZERO,
                sent: at(planned),
                first_byte: at(answered),
                last_byte: at(answered),
            });
        }
        let within = answers.within(start, 2 * SECOND, true, 4);
        assert_eq!(within, Duration::from_millis(8_499));
    }

    #[test]
    fn what_the_end_of_our_patience_brought_is_no_answer() {
        let start = Instant::now();
        let instants = |ms| {
            let at = start + Duration::from_millis(ms);
            Instants {
                planned: at,
                free: at,
                proved_in: Duration::ZERO,
                sent: at,
                first_byte: at,
                last_byte: at,
            }
        };
        let mut answers = Answers::default();
        assert_eq!(answers.within(start, SECOND, true, 0), SECOND);
        assert_eq!(answers.within(start, SECOND, false, 0), SECOND);
        answers.answered(&instants(10));
        answers.answered(&instants(20));
        // Then the server hangs: what it answered, it answered in this second.
        assert_eq!(answers.within(start, SECOND, true, 2), SECOND);
        assert_eq!(answers.within(start, SECOND, false, 2), SECOND);
        // A closed user that is answered with errors goes on.
        answers.failed(start + 3 * SECOND);
        assert_eq!(answers.within(start, SECOND, false, 2), 3 * SECOND);
        assert_eq!(answers.within(start, SECOND, true, 2), SECOND);
    }

    #[test]
    fn a_backlog_grows_by_the_share_that_a_rate_is_beyond_the_capacity() {
        for (rate, seconds, service_s, servers, expected) in [
            (2.6, 10.0, 0.4, 1, 0.04),
            (5.0, 2.0, 0.4, 1, 1.0),
            (2.5, 10.0, 0.4, 1, 0.0),
            (2.4, 10.0, 0.4, 1, 0.0),
            (400.0, 1.0, 0.005, 1, 1.0),
            (190.0, 1.0, 0.005, 1, 0.0),
            (1_000.0, 1.0, 0.5, 10_000, 0.0),
        ] {
            let growth = simulated(rate, seconds, service_s, servers, 10_000)
                .trend
                .growth();
            assert!((growth - expected).abs() < 0.001, "{rate}/s: {growth}");
        }
        assert!(Trend::default().growth().abs() < f64::EPSILON);
    }
}
