//! What a variant's requests cost in this process: its design is opened here, and a user makes its journeys at the server's
//! HTTP service without a connection. Each request is timed alone, on the cores that a server would have.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use authlab_loadtest::caller::{Caller, Head, Reached};
use authlab_loadtest::cores::pin_this_thread;
use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::Protocol;
use authlab_loadtest::scenario::{Cookies, Load, Pool, Popularity, Step};
use authlab_server::{App, Design, Lab};
use http_body_util::{BodyExt as _, Full};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};
use rustix::time::{ClockId, clock_gettime};

/// The address of every request, and of the server as requests name it.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SERVER: &str = "http://127.0.0.1:8080";

/// The part of the time that is measured, which requests are made for before.
const WARM_UP: u32 = 4;
/// Where requests are slow, a load may take so long to make each step once.
const LONGEST: Duration = Duration::from_secs(20);
/// So many calls of a step are kept.
const MOST_CALLS: usize = 50_000;
/// How often nothing is timed, to learn what timing takes.
const EMPTY: usize = 1_000;

/// One request, nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Call {
    /// From call to answer.
    pub(super) took: f64,
    /// CPU time of the thread that answers.
    pub(super) own: f64,
    /// CPU time of other threads: slow hashes.
    pub(super) elsewhere: f64,
}

impl Call {
    /// CPU time in all.
    pub(super) fn cpu(self) -> f64 {
        self.own + self.elsewhere
    }
}

/// The calls of one step.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    /// Each of them.
    pub(super) all: Vec<Call>,
    /// Octets of its requests, in all.
    bytes: usize,
    /// How many of them have a body.
    bodies: usize,
    counted: usize,
}

impl Calls {
    fn push(&mut self, call: Call, size: Size) {
        self.bytes += size.bytes;
        self.bodies += usize::from(size.has_body);
        self.counted += 1;
        if self.all.len() < MOST_CALLS {
            self.all.push(call);
        }
    }

    /// Without what the machine did to them: the slowest in a hundred were interrupted, and a call that waited longer than
    /// the median call had lost its core. The reference has such requests already.
    fn settle(&mut self) {
        self.all
            .sort_by(|one, other| one.cpu().total_cmp(&other.cpu()));
        self.all.truncate(self.all.len() - self.all.len() / 100);
        let waits = self.all.iter().map(|call| call.took - call.cpu());
        let usual = median(waits).max(0.0);
        for call in &mut self.all {
            call.took = call.took.min(call.cpu() + usual);
        }
    }

    /// Octets of a request.
    pub(super) fn bytes(&self) -> f64 {
        self.bytes as f64 / self.counted.max(1) as f64
    }

    /// The share of requests that have a body.
    pub(super) fn bodies(&self) -> f64 {
        self.bodies as f64 / self.counted.max(1) as f64
    }

    /// Mean CPU time, nanoseconds.
    pub(super) fn cpu(&self) -> f64 {
        self.mean(Call::cpu)
    }

    /// Mean CPU time of the thread that answers, nanoseconds.
    pub(super) fn own(&self) -> f64 {
        self.mean(|call| call.own)
    }

    /// Whether most of its work is done by other threads.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.mean(|call| call.elsewhere) > self.own()
    }

    /// Median time, nanoseconds.
    pub(super) fn median(&self) -> f64 {
        median(self.all.iter().map(|call| call.took))
    }

    fn mean(&self, of: impl Fn(Call) -> f64) -> f64 {
        let sum: f64 = self.all.iter().map(|call| of(*call)).sum();
        sum / self.all.len().max(1) as f64
    }
}

#[cfg(test)]
impl Calls {
    /// Some that are all the same.
    pub(super) fn of(call: Call) -> Self {
        Self {
            all: vec![call; 10],
            ..Self::default()
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Measures on one thread, kept on the cores of servers.
pub(super) fn measured<T: Send>(
    cores: &[usize],
    measure: impl AsyncFnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            pin_this_thread(cores);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start a runtime")?;
            let done = runtime.block_on(measure());
            runtime.shutdown_background();
            done
        });
        thread
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the measuring thread panicked")))
    })
}

/// A design that answers here.
pub(super) struct Inside {
    app: App,
    timing: Call,
}

impl Inside {
    /// Opens it. Needs a tokio runtime.
    pub(super) fn open(design: Design) -> anyhow::Result<Self> {
        let app = App::new(Lab::open(design)?);
        let mut empty = Calls::default();
        for _ in 0..EMPTY {
            empty.push(Timer::start().stop(), Size::default());
        }
        let timing = Call {
            took: empty.median(),
            own: median(empty.all.iter().map(|call| call.own)),
            elsewhere: 0.0,
        };
        Ok(Self { app, timing })
    }

    /// Makes the load's journeys for about `budget`: the calls of each of `steps` that the load times.
    pub(super) async fn calls(
        &self,
        steps: &[Step],
        load: &Load,
        budget: Duration,
        seed: u64,
    ) -> anyhow::Result<Vec<(usize, Calls)>> {
        let mut visitor = Visitor::new(self, steps, load, seed)?;
        visitor.prepare().await?;
        let timed = load.timed_steps();
        let warm = Instant::now();
        while warm.elapsed() < budget / WARM_UP {
            let within = &mut |_, _, _| warm.elapsed() < budget / WARM_UP;
            visitor.journey(within).await?;
        }
        let mut found: Vec<(usize, Calls)> =
            timed.iter().map(|step| (*step, Calls::default())).collect();
        let began = Instant::now();
        loop {
            let goes_on = |found: &[(usize, Calls)]| {
                let all = found.iter().all(|(_, calls)| calls.counted > 0);
                let took = began.elapsed();
                took < budget || !all && took < LONGEST
            };
            visitor
                .journey(&mut |step, call, size| {
                    if let Some((_, calls)) = found.iter_mut().find(|(of, _)| *of == step) {
                        calls.push(call, size);
                    }
                    goes_on(&found)
                })
                .await?;
            if !goes_on(&found) {
                break;
            }
        }
        if let Some((step, _)) = found.iter().find(|(_, calls)| calls.counted == 0) {
            bail!(
                "step `{}` was not reached within the time",
                steps[*step].name
            );
        }
        for (_, calls) in &mut found {
            calls.settle();
        }
        Ok(found)
    }

    /// The answer to a request, and what it took; how large the request is.
    async fn answer(&self, head: &Head) -> anyhow::Result<(Answer, Call, Size)> {
        let mut request = http::Request::builder()
            .method(head.method.as_str())
            .uri(&head.target);
        let mut bytes = head.method.len() + head.target.len() + head.body.len();
        for (name, value) in &head.headers {
            request = request.header(name, value.as_slice());
            bytes += name.len() + value.len() + HEADER;
        }
        let has_length = head.headers.iter().any(|(name, _)| name == LENGTH);
        if !head.body.is_empty() && !has_length {
            request = request.header(LENGTH, head.body.len());
        }
        let request = request.body(Full::from(head.body.clone()))?;
        let timer = Timer::start();
        let answer = self.app.answer(request, CLIENT).await;
        let call = timer.stop().without(self.timing);
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let size = Size {
            bytes,
            has_body: !head.body.is_empty(),
        };
        Ok(((parts, body.to_vec()), call, size))
    }
}

/// How large a request is.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    bytes: usize,
    has_body: bool,
}

type Answer = (http::response::Parts, Vec<u8>);

const LENGTH: &str = "content-length";
/// Octets of a header next to its name and its value.
const HEADER: usize = 4;

/// The clocks before a request.
struct Timer {
    process: f64,
    thread: f64,
    at: Instant,
}

impl Timer {
    fn start() -> Self {
        Self {
            process: clock(ClockId::ProcessCPUTime),
            thread: clock(ClockId::ThreadCPUTime),
            at: Instant::now(),
        }
    }

    fn stop(&self) -> Call {
        let took = self.at.elapsed().as_nanos() as f64;
        let own = clock(ClockId::ThreadCPUTime) - self.thread;
        let all = clock(ClockId::ProcessCPUTime) - self.process;
        Call {
            took,
            own,
            // The clock of the process is read around that of the thread, which takes less than this.
            elsewhere: Some(all - own)
                .filter(|ns| *ns > LEAST_ELSEWHERE)
                .unwrap_or(0.0),
        }
    }
}

/// What other threads did in less time is not told from the reading of clocks, nanoseconds.
const LEAST_ELSEWHERE: f64 = 5_000.0;

fn clock(of: ClockId) -> f64 {
    let now = clock_gettime(of);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

impl Call {
    fn without(self, timing: Self) -> Self {
        Self {
            took: (self.took - timing.took).max(0.0),
            own: (self.own - timing.own).max(0.0),
            elsewhere: self.elsewhere,
        }
    }
}

/// The user that makes the journeys.
struct Visitor<'i> {
    inside: &'i Inside,
    steps: &'i [Step],
    load: &'i Load,
    caller: Caller,
    random: StdRng,
    /// What each member of each pool has saved.
    members: Vec<Vec<Vec<(String, String)>>>,
    turn: usize,
}

impl<'i> Visitor<'i> {
    fn new(
        inside: &'i Inside,
        steps: &'i [Step],
        load: &'i Load,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let (origin, _) = Origin::parse(SERVER)?;
        let server =
            Reached::new(None, &origin, &Protocol::default()).map_err(|why| anyhow!(why))?;
        Ok(Self {
            inside,
            steps,
            load,
            caller: Caller::new(0, seed, &[server]),
            random: StdRng::seed_from_u64(seed),
            members: Vec::new(),
            turn: 0,
        })
    }

    /// Fills the pools, and makes the steps that users make before they are timed.
    async fn prepare(&mut self) -> anyhow::Result<()> {
        for pool in &self.load.pools {
            let mut members = Vec::with_capacity(pool.size);
            for member in 0..pool.size {
                members.push(self.fill(pool, member).await?);
            }
            self.members.push(members);
        }
        let once = self.load.prepare.iter().chain(&self.load.once);
        for step in once {
            self.visit(*step).await?;
        }
        Ok(())
    }

    async fn fill(&mut self, pool: &Pool, member: usize) -> anyhow::Result<Vec<(String, String)>> {
        let mut values = vec![(pool.name.clone(), member.to_string())];
        for column in &pool.table.columns {
            let value = pool.table.value(member, column).unwrap_or_default();
            values.push((column.clone(), value.to_owned()));
        }
        for (name, value) in &values {
            self.caller.put(name, value);
        }
        for step in &pool.fill {
            self.visit(*step).await?;
        }
        for name in &pool.saved {
            let value = self.caller.value(name).unwrap_or_default();
            values.push((name.clone(), value.to_owned()));
        }
        Ok(values)
    }

    /// Makes a journey, and tells of each request; ends early where that says so.
    async fn journey(
        &mut self,
        tell: &mut impl FnMut(usize, Call, Size) -> bool,
    ) -> anyhow::Result<()> {
        if self.load.cookies == Cookies::Journey {
            self.caller.forget_cookies();
        }
        let mut drawn = Vec::new();
        for (place, pool) in self.load.pools.iter().enumerate() {
            let member = draw(pool, self.turn, &mut self.random);
            for (name, value) in &self.members[place][member] {
                self.caller.put(name, value);
            }
            drawn.push(member);
        }
        self.turn += 1;
        let journey = self.load.choose(&mut self.random).clone();
        for (step, times) in journey.steps {
            for _ in 0..times {
                let (call, size) = self.visit(step).await?;
                if !tell(step, call, size) {
                    return Ok(());
                }
            }
            if let Some(revoked) = &self.steps[step].revoke {
                self.refill(revoked, &drawn).await?;
            }
        }
        Ok(())
    }

    /// A member that was revoked signs in again, as users do later.
    async fn refill(&mut self, revoked: &str, drawn: &[usize]) -> anyhow::Result<()> {
        let load = self.load;
        let mut pools = load.pools.iter();
        if let Some(place) = pools.position(|pool| pool.name == revoked) {
            let member = drawn[place];
            self.members[place][member] = self.fill(&load.pools[place], member).await?;
        }
        Ok(())
    }

    async fn visit(&mut self, step: usize) -> anyhow::Result<(Call, Size)> {
        let step = &self.steps[step];
        let failed = |why: String| anyhow!("step `{}`: {why}", step.name);
        let head = self.caller.ask(step).await.map_err(failed)?;
        let (answer, call, size) = self.inside.answer(&head).await?;
        let keeps = self.load.cookies != Cookies::None;
        let taken = self.caller.take(step, &head, answer, keeps);
        taken.map_err(failed)?;
        Ok((call, size))
    }
}

/// Which member of a pool is next, as the load generator draws.
fn draw(pool: &Arc<Pool>, turn: usize, random: &mut StdRng) -> usize {
    match pool.popularity {
        Popularity::Turn => turn % pool.size,
        Popularity::Uniform => random.random_range(0..pool.size),
        Popularity::Zipf(exponent) => {
            let zipf = Zipf::new(pool.size as f64, exponent);
            zipf.map_or(0, |zipf| zipf.sample(random) as usize - 1)
        }
    }
}
