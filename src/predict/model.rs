//! From what requests cost in this process to what they cost a server, and to what its clients see.

use std::time::Duration;

use authlab_loadtest::arrivals::{Arrivals, Rate, Spacing, Think};
use authlab_loadtest::scenario::{Load, Step};
use authlab_reports::prediction::{Predicted, PredictedStep};
use authlab_server::{Design, HashOn};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::inside::{Call, Calls};
use super::queue::{self, Offered, Requests, Service, Station};
use super::reference::{BUSY_USERS, Larger, Reference, Regime};

/// So many latencies of a step are drawn where nothing is simulated.
const DRAWS: usize = 20_000;

/// The utilization of an open model is a fixed point, which is found by so many steps.
const STEPS: usize = 30;

/// The server that is predicted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    cores: usize,
    station: Station,
}

impl Server {
    /// Of a design on so many cores.
    pub(super) fn of(design: &Design, cores: usize) -> Self {
        let threads = design.hash_threads.get();
        Self {
            cores,
            station: Station {
                cores: design.threads.get().min(cores),
                threads,
                places: match design.hash_on {
                    HashOn::Inline => 0,
                    HashOn::Pool | HashOn::Blocking => threads + design.hash_queue.get(),
                },
            },
        }
    }
}

/// A load, as the model needs it.
pub(super) struct Offer<'l> {
    reference: &'l Reference,
    load: &'l Load,
    calls: &'l [(usize, Calls)],
}

/// How many requests of a step a journey makes on average.
fn shares(load: &Load) -> Vec<(usize, f64)> {
    let weights: f64 = load.journeys.iter().map(|one| f64::from(one.weight)).sum();
    let of = |step: usize| {
        let made = load.journeys.iter().map(|journey| {
            let times = journey.steps.iter().filter(|(made, _)| *made == step);
            let times: u32 = times.map(|(_, times)| *times).sum();
            f64::from(times) * f64::from(journey.weight) / weights
        });
        made.sum()
    };
    let steps = load.timed_steps().into_iter();
    steps.map(|step| (step, of(step))).collect()
}

impl<'l> Offer<'l> {
    pub(super) fn new(
        reference: &'l Reference,
        load: &'l Load,
        calls: &'l [(usize, Calls)],
    ) -> Self {
        Self {
            reference,
            load,
            calls,
        }
    }

    /// What the load does to the server, and what its clients see.
    pub(super) fn predicted(
        &self,
        variant: &str,
        steps: &[Step],
        server: Server,
        seed: u64,
    ) -> Predicted {
        let (utilization, cpu, latencies) = match &self.load.arrivals {
            Arrivals::Closed(think) => self.closed(*think, server, seed),
            Arrivals::Open { rate, spacing } => {
                let poisson = matches!(spacing, Spacing::Poisson);
                self.open(self.offered(rate, poisson), server, seed)
            }
            // Such a load is left out before.
            Arrivals::Trace(_) => (0.0, 0.0, Vec::new()),
        };
        let steps = latencies.into_iter().map(|(step, mut all)| {
            all.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let place = (all.len() as f64 * share) as usize;
                all.get(place.min(all.len().saturating_sub(1))).copied()
            };
            PredictedStep {
                step: steps[step].name.clone(),
                p50_ns: at(0.50).unwrap_or_default(),
                p99_ns: at(0.99).unwrap_or_default(),
            }
        });
        Predicted {
            variant: variant.to_owned(),
            load: self.load.name.clone(),
            utilization: utilization.min(1.0),
            cpu_ns: cpu,
            capacity_per_s: server.cores as f64 * 1e9 / cpu.max(1.0),
            steps: steps.collect(),
        }
    }

    fn offered(&self, rate: &Rate, poisson: bool) -> Offered {
        let slice = self.load.slice.max(Duration::from_millis(1));
        Offered {
            per_second: rate.mean(slice),
            poisson,
            seconds: slice.as_secs_f64(),
        }
    }

    /// CPU time of a request of the load.
    fn cpu(&self, of: impl Fn(&Calls) -> f64) -> f64 {
        let (mut sum, mut made) = (0.0, 0.0);
        for (step, share) in shares(self.load) {
            if let Some((_, calls)) = self.calls.iter().find(|(one, _)| *one == step) {
                sum += share * of(calls);
                made += share;
            }
        }
        sum / made.max(f64::MIN_POSITIVE)
    }

    fn cpu_in(&self, regime: &Regime, calls: &Calls) -> f64 {
        (regime.cpu.at(calls.cpu()) + regime.cpu_of.of(self.larger(calls))).max(calls.cpu())
    }

    fn larger(&self, calls: &Calls) -> Larger {
        Larger {
            bytes: calls.bytes() - self.reference.bytes,
            bodies: calls.bodies(),
        }
    }

    /// A closed model: one user finds the server asleep, several find it at work. Users who think are an open model.
    fn closed(&self, think: Think, server: Server, seed: u64) -> Found {
        let users = self.load.users as f64;
        let pause = match think {
            Think::None => 0.0,
            Think::Constant(mean) | Think::Uniform(mean) | Think::Exponential(mean) => {
                mean.as_nanos() as f64
            }
        };
        let alone = &self.reference.alone;
        if pause > 0.0 {
            let took = self.cpu(|calls| alone.latency(calls.median(), self.larger(calls), 0.5));
            let requests = users * 1e9 / (pause + took);
            let of_journey: f64 = shares(self.load).iter().map(|(_, share)| share).sum();
            let offered = Offered {
                per_second: requests / of_journey.max(1.0),
                poisson: true,
                seconds: self.load.slice.as_secs_f64(),
            };
            return self.open(offered, server, seed);
        }
        let (regime, per_user) = if self.load.users == 1 {
            (alone, 1.0)
        } else {
            (&self.reference.busy, users / BUSY_USERS)
        };
        let cpu = self.cpu(|calls| self.cpu_in(regime, calls));
        let mean = self.cpu(Calls::median);
        let mut random = StdRng::seed_from_u64(seed);
        let mut latencies = Vec::new();
        for (step, calls) in self.calls {
            let larger = self.larger(calls);
            let drawn = (0..DRAWS).map(|_| {
                let call = calls.all[random.random_range(0..calls.all.len())];
                let share = random.random::<f64>();
                if self.load.users == 1 {
                    return regime.latency(call.took, larger, share);
                }
                // A request waits for those of the other users, and is served itself.
                let queue = regime.latency(mean, larger, share) * per_user;
                queue + call.took - mean
            });
            latencies.push((*step, drawn.collect::<Vec<f64>>()));
        }
        let (mut sum, mut drawn) = (0.0, 0.0_f64);
        for (_, all) in &latencies {
            sum += all.iter().sum::<f64>();
            drawn += all.len() as f64;
        }
        let cycle = sum / drawn.max(1.0) + alone.between;
        (users * cpu / (cycle * server.cores as f64), cpu, latencies)
    }

    /// An open model: what a request costs depends on whether it finds the server asleep, and how deeply.
    fn open(&self, offered: Offered, server: Server, seed: u64) -> Found {
        let of_journey: f64 = shares(self.load).iter().map(|(_, share)| share).sum();
        let requests = offered.per_second * of_journey;
        let (alone, sparse) = (&self.reference.alone, &self.reference.sparse);
        // Sleep is deeper where requests are further apart: between the two that were measured, by the logarithm of the gap.
        let depth = (1e9 / requests / alone.gap).ln() / (sparse.gap / alone.gap).ln();
        let depth = if depth.is_finite() {
            depth.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let idle = |calls: &Calls| {
            let near = self.cpu_in(alone, calls);
            near + (self.cpu_in(sparse, calls) - near) * depth
        };
        let busy = |calls: &Calls| self.cpu_in(&self.reference.busy, calls);
        let mut utilization = 0.0_f64;
        let mut cpu = 0.0;
        for _ in 0..STEPS {
            cpu = self.cpu(|calls| idle(calls) * (1.0 - utilization) + busy(calls) * utilization);
            utilization = (requests * cpu / (1e9 * server.cores as f64)).min(1.0);
        }
        let costs = self.calls.iter().map(|(step, calls)| {
            let larger = self.larger(calls);
            let own = calls.own();
            let more =
                |regime: &Regime| (regime.cpu.at(own) + regime.cpu_of.of(larger) - own).max(0.0);
            Cost {
                step: *step,
                calls: &calls.all,
                idle: more(alone) + (more(sparse) - more(alone)) * depth,
                busy: more(&self.reference.busy),
                took: if calls.is_elsewhere() {
                    own
                } else {
                    calls.median()
                },
                larger,
                own,
            }
        });
        let mut simulated = Simulated {
            load: self.load,
            alone,
            sparse,
            depth,
            costs: costs.collect(),
            latencies: self
                .calls
                .iter()
                .map(|(step, _)| (*step, Vec::new()))
                .collect(),
        };
        queue::simulate(server.station, offered, seed, &mut simulated);
        (utilization, cpu, simulated.latencies)
    }
}

/// Utilization, CPU time of a request, and latencies by step.
type Found = (f64, f64, Vec<(usize, Vec<f64>)>);

/// What a step takes of the server, nanoseconds.
struct Cost<'c> {
    step: usize,
    calls: &'c [Call],
    /// CPU time of the connection where the request finds the server idle, and busy.
    idle: f64,
    busy: f64,
    /// What a client's latency rests on: the time in this process, without that of slow hashes.
    took: f64,
    larger: Larger,
    own: f64,
}

/// A load in the simulation.
struct Simulated<'c> {
    load: &'c Load,
    alone: &'c Regime,
    sparse: &'c Regime,
    depth: f64,
    costs: Vec<Cost<'c>>,
    latencies: Vec<(usize, Vec<f64>)>,
}

impl Requests for Simulated<'_> {
    fn journey(&mut self, random: &mut StdRng) -> Vec<usize> {
        let steps = self.load.choose(random).steps.iter();
        steps
            .flat_map(|(step, times)| std::iter::repeat_n(*step, *times as usize))
            .collect()
    }

    fn service(&mut self, step: usize, idle: bool, random: &mut StdRng) -> Service {
        let Some(cost) = self.costs.iter().find(|cost| cost.step == step) else {
            return Service {
                own: 0.0,
                hashing: 0.0,
            };
        };
        let call = cost.calls[random.random_range(0..cost.calls.len())];
        Service {
            own: call.own + if idle { cost.idle } else { cost.busy },
            hashing: call.elsewhere,
        }
    }

    /// The client sees more than the server's queue and work: both ends of the connection, and the generator.
    fn done(&mut self, step: usize, sojourn: f64, random: &mut StdRng) {
        let cost = self.costs.iter().find(|cost| cost.step == step);
        let all = self.latencies.iter_mut().find(|(of, _)| *of == step);
        if let (Some(cost), Some((_, all))) = (cost, all) {
            let share = random.random::<f64>();
            let [near, far] = [self.alone, self.sparse]
                .map(|regime| regime.latency(cost.took, cost.larger, share));
            let seen = near + (far - near) * self.depth;
            all.push(sojourn + (seen - cost.own - cost.idle).max(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use authlab_loadtest::scenario::Scenario;

    /// A load of one step at `GET /`.
    fn scenario(load: &str) -> Scenario {
        let text = format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"one\"\nflags = {{}}\n\
             [[step]]\nname = \"get\"\nrequest = \"GET /\"\n[[load]]\nname = \"load\"\njourney = [\"get\"]\n\
             {load}\nprofile.quick = {{ blocks = 1, slice = \"10s\", warm_up = \"10ms\" }}\n"
        );
        Scenario::parse("s.toml", &text, "quick").unwrap()
    }

    const US: f64 = 1e3;

    /// A connection takes 20 µs of CPU time, and a client sees 50 µs, at each level of the distribution.
    fn reference() -> Reference {
        let regime = || Regime::fake(|level| if level == 0 { 20.0 * US } else { 50.0 * US });
        Reference {
            alone: regime(),
            busy: regime(),
            sparse: regime(),
            bytes: 0.0,
            disturbed: None,
        }
    }

    /// Each request takes so long of one thread in this process.
    fn calls(own: f64) -> Vec<(usize, Calls)> {
        let call = Call {
            took: own,
            own,
            elsewhere: 0.0,
        };
        vec![(0, Calls::of(call))]
    }

    fn predicted(load: &str, own: f64, cores: usize) -> Predicted {
        let scenario = scenario(load);
        let station = Station {
            cores,
            threads: 1,
            places: 1,
        };
        let (reference, calls) = (reference(), calls(own));
        let offer = Offer::new(&reference, &scenario.loads[0], &calls);
        offer.predicted("one", &scenario.steps, Server { cores, station }, 1)
    }

    fn near(found: f64, known: f64, within: f64) {
        let off = (found / known - 1.0).abs();
        assert!(off < within, "{found} is not {known}");
    }

    #[test]
    fn one_user_sees_the_connection_and_the_work_and_no_queue() {
        let one = predicted("users = 1", 30.0 * US, 1);
        near(one.cpu_ns, 50.0 * US, 1e-6);
        near(one.capacity_per_s, 20_000.0, 1e-6);
        near(one.steps[0].p50_ns, 80.0 * US, 0.01);
        near(one.steps[0].p99_ns, 80.0 * US, 1e-6);
        // Half of the samples lie between the least latency and the median: the mean cycle is a little shorter than 80 µs.
        assert!((0.62..0.75).contains(&one.utilization), "{one:?}");
        near(
            predicted("users = 1", 30.0 * US, 2).capacity_per_s,
            40_000.0,
            1e-6,
        );
    }

    #[test]
    fn an_open_model_adds_the_wait_of_its_queue() {
        // 50 µs of the server at 10 000 a second: half of its time.
        let poisson = predicted(
            "users = 64\nrate = 10000\nspacing = \"poisson\"",
            30.0 * US,
            1,
        );
        near(poisson.utilization, 0.5, 1e-6);
        let even = predicted("users = 64\nrate = 10000", 30.0 * US, 1);
        // Arrivals that are evenly spread are served before the next.
        near(even.steps[0].p50_ns, 80.0 * US, 1e-3);
        near(even.steps[0].p99_ns, 80.0 * US, 1e-3);
        // The tail of the wait in M/D/1 is C·exp(−st), where λ(exp(s) − 1) = s and C = (1 − ρ)/(λ·exp(s) − 1) with service
        // times of 1 (Tijms, A First Course in Stochastic Models, 9.6): 3.34 service times for one request in a hundred. The
        // connection spreads half of the latencies below the median, which takes a little of it.
        let wait = poisson.steps[0].p99_ns - even.steps[0].p99_ns;
        assert!((2.6..3.8).contains(&(wait / (50.0 * US))), "{wait}");
        assert!(poisson.steps[0].p50_ns < poisson.steps[0].p99_ns);
    }

    #[test]
    fn more_than_the_cores_can_do_is_a_full_utilization() {
        let one = predicted("users = 64\nrate = 30000", 30.0 * US, 1);
        near(one.utilization, 1.0, 1e-9);
        assert!(
            one.steps[0].p99_ns > 1e6 * US,
            "ten seconds of a growing queue"
        );
    }

    #[test]
    fn the_share_of_a_step_is_by_weight_and_repetition() {
        let text = "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"one\"\nflags = {}\n\
             [[step]]\nname = \"a\"\nrequest = \"GET /a\"\n[[step]]\nname = \"b\"\nrequest = \"GET /b\"\n\
             [[load]]\nname = \"load\"\nusers = 1\n\
             journeys = [{ weight = 3, steps = [\"a*2\"] }, { weight = 1, steps = [\"a\", \"b*4\"] }]\n\
             profile.quick = { blocks = 1, slice = \"1s\", warm_up = \"10ms\" }\n";
        let scenario = Scenario::parse("s.toml", text, "quick").unwrap();
        let shares = shares(&scenario.loads[0]);
        near(shares[0].1, 0.75 * 2.0 + 0.25, 1e-9);
        near(shares[1].1, 0.25 * 4.0, 1e-9);
    }
}
