//! A queue before the server's cores, simulated: what a request waits while others are served.
//!
//! It is an M/G/k queue where arrivals are Poisson, or D/G/k where they are even, first come first served. Slow hashes that
//! the server hands to threads of their own wait in a second queue, which is served with what the cores have to spare.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// So many journeys are simulated at the most.
pub(super) const MOST_ARRIVALS: usize = 200_000;

/// The server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Station {
    /// Cores that answer requests.
    pub(super) cores: usize,
    /// Threads for slow hashes.
    pub(super) threads: usize,
    /// Slow hashes that may run or wait; one more is refused at once.
    pub(super) places: usize,
}

/// When journeys begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    /// Journeys a second.
    pub(super) per_second: f64,
    /// Whether each is independent of the others; else they are evenly spread.
    pub(super) poisson: bool,
    /// How long they arrive, seconds: a slice begins with an empty server.
    pub(super) seconds: f64,
}

/// What a request takes of the server, nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// On one of its cores.
    pub(super) own: f64,
    /// After that, on a thread for slow hashes; 0 for none.
    pub(super) hashing: f64,
}

/// What is simulated: a load, as the simulation needs it.
pub(super) trait Requests {
    /// The steps of the next journey.
    fn journey(&mut self, random: &mut StdRng) -> Vec<usize>;
    /// What a request of this step takes; `idle` says whether it finds the server without work.
    fn service(&mut self, step: usize, idle: bool, random: &mut StdRng) -> Service;
    /// A request of this step was done after so long, nanoseconds.
    fn done(&mut self, step: usize, sojourn: f64, random: &mut StdRng);
}

struct Request {
    /// The steps of its journey, the one under way first.
    steps: VecDeque<usize>,
    since: f64,
    service: Service,
}

/// Simulates as many slices as there are journeys to simulate. Returns the share of the cores' time that was used.
pub(super) fn simulate(
    station: Station,
    offered: Offered,
    seed: u64,
    requests: &mut impl Requests,
) -> f64 {
    let mut random = StdRng::seed_from_u64(seed);
    let of_slice = (offered.per_second * offered.seconds).round().max(1.0) as usize;
    let of_slice = of_slice.min(MOST_ARRIVALS);
    let slices = (MOST_ARRIVALS / of_slice).clamp(1, MOST_SLICES);
    let (mut used, mut passed) = (0.0, 0.0);
    for _ in 0..slices {
        let mut slice = Slice::new(station);
        slice.run(offered, of_slice, requests, &mut random);
        used += slice.used;
        passed += slice.now;
    }
    if passed > 0.0 {
        (used / (passed * station.cores as f64)).min(1.0)
    } else {
        0.0
    }
}

/// More of them say nothing new.
const MOST_SLICES: usize = 100;

struct Slice {
    station: Station,
    now: f64,
    /// Core time that was used, nanoseconds.
    used: f64,
    waiting: VecDeque<Request>,
    /// What is served, and until when.
    served: Vec<(f64, Request)>,
    /// What of each hash is left; the first [`Station::threads`] of them run.
    hashed: VecDeque<(f64, Request)>,
}

impl Slice {
    fn new(station: Station) -> Self {
        Self {
            station,
            now: 0.0,
            used: 0.0,
            waiting: VecDeque::new(),
            served: Vec::new(),
            hashed: VecDeque::new(),
        }
    }

    fn run(
        &mut self,
        offered: Offered,
        arrivals: usize,
        requests: &mut impl Requests,
        random: &mut StdRng,
    ) {
        let mean = 1e9 / offered.per_second;
        let mut left = arrivals;
        let mut next = 0.0;
        loop {
            let arrival = (left > 0).then_some(next);
            let served = self.served.iter().map(|(until, _)| *until).reduce(f64::min);
            let hashed = self.next_hash();
            let Some(then) = [arrival, served, hashed]
                .into_iter()
                .flatten()
                .reduce(f64::min)
            else {
                return;
            };
            self.advance(then);
            if arrival == Some(then) {
                left -= 1;
                next += if offered.poisson {
                    mean * exponential(random)
                } else {
                    mean
                };
                let steps = requests.journey(random).into();
                self.arrive(steps, requests, random);
            } else if served == Some(then) {
                self.end_service(then, requests, random);
            } else {
                self.end_hash(requests, random);
            }
            self.begin();
        }
    }

    /// How much of a core each hash that runs has.
    fn share_of_a_hash(&self) -> Option<f64> {
        let running = self.hashed.len().min(self.station.threads);
        let spare = self.station.cores.saturating_sub(self.served.len());
        (running > 0 && spare > 0).then(|| (spare as f64 / running as f64).min(1.0))
    }

    /// When the next hash ends, if nothing else happens before.
    fn next_hash(&self) -> Option<f64> {
        let share = self.share_of_a_hash()?;
        let running = self.hashed.iter().take(self.station.threads);
        let least = running.map(|(left, _)| *left).reduce(f64::min)?;
        Some(self.now + least / share)
    }

    fn advance(&mut self, then: f64) {
        let passes = (then - self.now).max(0.0);
        self.used += passes * self.served.len() as f64;
        if let Some(share) = self.share_of_a_hash() {
            for (left, _) in self.hashed.iter_mut().take(self.station.threads) {
                *left = (*left - passes * share).max(0.0);
                self.used += passes * share;
            }
        }
        self.now = then;
    }

    fn arrive(
        &mut self,
        steps: VecDeque<usize>,
        requests: &mut impl Requests,
        random: &mut StdRng,
    ) {
        let Some(step) = steps.front() else { return };
        let idle = self.served.is_empty() && self.waiting.is_empty();
        let service = requests.service(*step, idle, random);
        self.waiting.push_back(Request {
            service,
            steps,
            since: self.now,
        });
    }

    /// Puts what waits on the cores that are free.
    fn begin(&mut self) {
        while self.served.len() < self.station.cores {
            let Some(request) = self.waiting.pop_front() else {
                return;
            };
            self.served.push((self.now + request.service.own, request));
        }
    }

    fn end_service(&mut self, then: f64, requests: &mut impl Requests, random: &mut StdRng) {
        let mut served = self.served.iter();
        let Some(place) = served.position(|(until, _)| *until <= then) else {
            return;
        };
        let (_, request) = self.served.swap_remove(place);
        if request.service.hashing > 0.0 && self.hashed.len() < self.station.places {
            self.hashed.push_back((request.service.hashing, request));
        } else {
            self.end(request, requests, random);
        }
    }

    fn end_hash(&mut self, requests: &mut impl Requests, random: &mut StdRng) {
        let running = self.hashed.iter().take(self.station.threads).enumerate();
        let first = running.min_by(|(_, (one, _)), (_, (other, _))| one.total_cmp(other));
        let place = first.map(|(place, _)| place);
        if let Some((_, request)) = place.and_then(|place| self.hashed.remove(place)) {
            self.end(request, requests, random);
        }
    }

    fn end(&mut self, mut request: Request, requests: &mut impl Requests, random: &mut StdRng) {
        if let Some(step) = request.steps.pop_front() {
            requests.done(step, self.now - request.since, random);
        }
        self.arrive(request.steps, requests, random);
    }
}

/// A unit-exponential variate by inversion.
pub(super) fn exponential(random: &mut StdRng) -> f64 {
    // `1 − u` is never zero.
    -(1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of one kind.
    struct One<S: FnMut(&mut StdRng) -> Service> {
        service: S,
        took: Vec<f64>,
    }

    impl<S: FnMut(&mut StdRng) -> Service> Requests for One<S> {
        fn journey(&mut self, _: &mut StdRng) -> Vec<usize> {
            vec![0]
        }

        fn service(&mut self, _: usize, _: bool, random: &mut StdRng) -> Service {
            (self.service)(random)
        }

        fn done(&mut self, _: usize, sojourn: f64, _: &mut StdRng) {
            self.took.push(sojourn);
        }
    }

    fn own(own: f64) -> Service {
        Service { own, hashing: 0.0 }
    }

    /// Sojourn times, ascending, and utilization: a server whose mean service time is 1 ms.
    fn sojourns(
        cores: usize,
        per_second: f64,
        poisson: bool,
        service: impl FnMut(&mut StdRng) -> Service,
    ) -> (Vec<f64>, f64) {
        let station = Station {
            cores,
            threads: 1,
            places: 4,
        };
        let offered = Offered {
            per_second,
            poisson,
            seconds: 1e6,
        };
        let mut one = One {
            service,
            took: Vec::new(),
        };
        let used = simulate(station, offered, 1, &mut one);
        one.took.sort_by(f64::total_cmp);
        (one.took, used)
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn near(found: f64, known: f64, within: f64) {
        let off = (found / known - 1.0).abs();
        assert!(off < within, "{found} is not {known}");
    }

    const MS: f64 = 1e6;

    #[test]
    fn an_m_m_1_queue_has_the_percentiles_of_its_formula() {
        for load in [0.3, 0.5, 0.7] {
            let (took, used) =
                sojourns(1, load * 1e3, true, |random| own(MS * exponential(random)));
            // The sojourn time is exponential, with rate µ − λ (Kleinrock, Queueing Systems I, 3.2).
            let rate = (1.0 - load) / MS;
            let p99 = took[took.len() * 99 / 100];
            near(p99, -0.01_f64.ln() / rate, 0.08);
            near(took[took.len() / 2], 2.0_f64.ln() / rate, 0.05);
            near(used, load, 0.02);
        }
    }

    #[test]
    fn an_m_d_1_queue_has_the_mean_wait_of_pollaczek_and_khinchine() {
        for load in [0.3, 0.5, 0.8] {
            let (took, _) = sojourns(1, load * 1e3, true, |_| own(MS));
            let wait = mean(&took) - MS;
            near(wait, load * MS / (2.0 * (1.0 - load)), 0.06);
        }
    }

    #[test]
    fn an_m_m_2_queue_has_the_mean_wait_of_erlang() {
        let load: f64 = 0.6;
        let (took, _) = sojourns(2, 2.0 * load * 1e3, true, |random| {
            own(MS * exponential(random))
        });
        // Erlang's C for two servers is 2ρ²/(1 + ρ); the wait is C/(2µ(1 − ρ)).
        let wait = 2.0 * load * load / (1.0 + load) * MS / (2.0 * (1.0 - load));
        near(mean(&took) - MS, wait, 0.06);
    }

    #[test]
    fn even_arrivals_that_are_served_in_time_never_wait() {
        let (took, used) = sojourns(1, 900.0, false, |_| own(MS));
        assert!(took.iter().all(|took| (took / MS - 1.0).abs() < 1e-3));
        near(used, 0.9, 0.01);
    }

    #[test]
    fn a_hash_on_its_own_thread_does_not_hold_up_the_core() {
        let mut nth = 0;
        // One request in a hundred hashes for 50 ms; the others take 0.1 ms.
        let (took, _) = sojourns(1, 1e3, false, |_| {
            nth += 1;
            Service {
                own: 0.1 * MS,
                hashing: if nth % 100 == 0 { 50.0 * MS } else { 0.0 },
            }
        });
        assert!(took[took.len() * 98 / 100] < 0.2 * MS);
        // The hash has what the core has to spare: nine tenths.
        near(took[took.len() - 10], 50.0 * MS / 0.9, 0.05);
    }

    #[test]
    fn a_hash_that_finds_no_place_is_refused_at_once() {
        // Each wants a second of hashing, a thousand a second: four have a place.
        let station = Station {
            cores: 1,
            threads: 1,
            places: 4,
        };
        let offered = Offered {
            per_second: 1e3,
            poisson: false,
            seconds: 0.1,
        };
        let mut one = One {
            service: |_: &mut StdRng| Service {
                own: 0.1 * MS,
                hashing: 1e3 * MS,
            },
            took: Vec::new(),
        };
        simulate(station, offered, 1, &mut one);
        let slow = one.took.iter().filter(|took| **took > MS).count();
        assert_eq!(slow * 25, one.took.len());
    }
}
