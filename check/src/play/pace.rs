//! How fast, how often and how long a gate may be asked.

use std::time::{Duration, Instant};

use authlab_loadtest::interrupt;

use super::{Stop, sleep_until};

/// What a check may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests a second, at most.
    pub rate: f64,
    /// Requests, at most.
    pub requests: u64,
    /// Time, at most.
    pub time: Duration,
}

/// Turns to ask.
pub(crate) struct Pace {
    bounds: Bounds,
    began: Instant,
    next: Instant,
    asked: u64,
}

impl Pace {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let now = Instant::now();
        Self {
            bounds,
            began: now,
            next: now,
            asked: 0,
        }
    }

    /// Waits until the next request may be sent.
    pub(crate) async fn turn(&mut self) -> Result<(), Stop> {
        self.look()?;
        sleep_until(self.next).await?;
        let gap = Duration::from_secs_f64(1.0 / self.bounds.rate);
        self.next = self.next.max(Instant::now()) + gap;
        self.asked += 1;
        Ok(())
    }

    /// Waits until an instant, if there is one and it is within the time.
    pub(crate) async fn until(&mut self, instant: Option<Instant>) -> Result<(), Stop> {
        let Some(instant) = instant else {
            return Ok(());
        };
        if instant > self.began + self.bounds.time {
            return Err(Stop::Spent);
        }
        sleep_until(instant).await
    }

    /// Whether more may be asked.
    pub(crate) fn look(&self) -> Result<(), Stop> {
        if interrupt::requested() {
            Err(Stop::Interrupted)
        } else if self.asked >= self.bounds.requests || self.began.elapsed() >= self.bounds.time {
            Err(Stop::Spent)
        } else {
            Ok(())
        }
    }

    /// Allows as much again, for a violation that was found at the end to be shortened.
    pub(crate) fn extend(&mut self, requests: u64, time: Duration) {
        self.bounds.requests = self.bounds.requests.max(self.asked + requests);
        self.bounds.time = self.bounds.time.max(self.began.elapsed() + time);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn time(&self) -> Duration {
        self.bounds.time
    }
}
