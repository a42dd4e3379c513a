//! One user: prepares itself for a server, then makes its journey until the slice is over.

mod request;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{Mutex, watch};

use crate::arrivals::trace::Replayed;
use crate::arrivals::{Arrivals, Schedule, Think};
use crate::connection::{Answer, Broken, Connection, Endpoint};
use crate::generator::{Job, Phase, Report};
use crate::pacing;
use crate::recorder::Instants;
use crate::scenario::{Step, Values};
use crate::server_timing;
use request::{Built, Requests};

/// The values that every user has without saving them: its number in the whole load, from 0.
pub(crate) const OWN_VALUES: [&str; 1] = ["user"];

/// The values of a journey that replays a line of a trace.
pub(crate) const TRACE_VALUES: [&str; 4] = [
    request::TRACE_METHOD,
    "trace_path",
    "trace_subject",
    "trace_account",
];

/// After a broken journey: a closed user that tried again at once would only measure refusals.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// Lives through the whole run; returns when the phase says so.
pub(crate) async fn live(
    number: usize,
    mut phases: watch::Receiver<Phase>,
    reports: mpsc::Sender<Report>,
) {
    let mut seats: BTreeMap<u64, Seat> = BTreeMap::new();
    loop {
        let phase = phases.borrow_and_update().clone();
        match phase {
            Phase::Prepare(job) if number < job.load.users => {
                seats.retain(|server, _| !job.stopped.contains(server));
                let seat = seats
                    .entry(job.server)
                    .or_insert_with(|| Seat::new(job.share.user(number), &job.endpoint));
                let prepared = unless_abandoned(&phases, &job, seat.prepare(&job)).await;
                if prepared.is_none() {
                    seats.remove(&job.server);
                }
                let outcome = prepared.unwrap_or_else(|| Err("no answer in time".to_owned()));
                if reports.send(Report::Prepared(outcome)).is_err() {
                    return;
                }
            }
            Phase::Go(job) if number < job.load.users => {
                if let Some(seat) = seats.get_mut(&job.server) {
                    let ran =
                        unless_abandoned(&phases, &job, seat.travel(&job, job.share.user(number)))
                            .await;
                    if ran.is_none() {
                        seat.abandon(&job);
                    }
                }
                if reports.send(Report::Finished).is_err() {
                    return;
                }
            }
            Phase::End => return,
            _ => {}
        }
        if phases.changed().await.is_err() {
            return;
        }
    }
}

/// What `work` gives, or nothing when the conductor stops waiting for it.
async fn unless_abandoned<T>(
    phases: &watch::Receiver<Phase>,
    job: &Job,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut phases = phases.clone();
    let abandoned = phases.wait_for(|phase| match phase {
        Phase::Abandon(number) => *number == job.number,
        Phase::End => true,
        _ => false,
    });
    tokio::select! {
        biased;
        done = work => Some(done),
        _ = abandoned => None,
    }
}

/// How a journey ended.
enum Journey {
    /// With its last answer, at this instant.
    Made(Instant),
    /// Where it could not go on.
    Broken,
    /// With the slice.
    Over,
}

/// A user's place at one server: its connection and what it has saved there.
struct Seat {
    endpoint: Arc<Endpoint>,
    connection: Option<Connection>,
    values: Values,
    requests: Requests,
    /// The load whose `prepare` steps it has done.
    prepared: Option<usize>,
    /// The request in flight: step (position among the timed ones) and planned instant.
    in_flight: Option<(usize, Instant)>,
}

impl Seat {
    fn new(number: usize, endpoint: &Arc<Endpoint>) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            connection: None,
            values: Values::from([("user".to_owned(), number.to_string())]),
            requests: Requests::default(),
            prepared: None,
            in_flight: None,
        }
    }

    /// Connects and runs the load's `prepare` steps, once for each server.
    async fn prepare(&mut self, job: &Job) -> Result<(), String> {
        self.connect()
            .await
            .map_err(|broken| broken.label().to_owned())?;
        if self.prepared == Some(job.load_number) {
            return Ok(());
        }
        for &index in &job.load.prepare {
            let step = &job.steps[index];
            let failed = |reason: String| format!("step `{}`: {reason}", step.name);
            let request = self
                .requests
                .build(index, step, &self.values, &self.endpoint);
            let request = request.map_err(failed)?;
            let answer = self.exchange(step, request).await;
            let answer = answer.map_err(|broken| failed(broken.label().to_owned()))?;
            self.accept(step, &answer).map_err(failed)?;
        }
        self.prepared = Some(job.load_number);
        Ok(())
    }

    /// Makes journeys until the slice is over.
    async fn travel(&mut self, job: &Job, number: usize) {
        match (&job.load.arrivals, &job.schedule) {
            (_, Some(schedule)) => self.follow(job, schedule).await,
            (Arrivals::Closed(think), None) => self.repeat(job, *think, number).await,
            (_, None) => {}
        }
    }

    /// Closed: the next request is planned for the instant at which the last one ended, plus the
    /// think time.
    async fn repeat(&mut self, job: &Job, think: Think, number: usize) {
        let mut random = StdRng::seed_from_u64(job.seed ^ ((number as u64) << 32));
        let mut planned = Instant::now();
        loop {
            planned = match self.journey(job, planned, planned).await {
                Journey::Made(ended) => ended + think.pause(&mut random),
                Journey::Broken => {
                    tokio::time::sleep(RETRY_AFTER).await;
                    Instant::now()
                }
                Journey::Over => return,
            };
            if think != Think::None {
                job.spare(pacing::until(planned).await);
            }
        }
    }

    /// Open: journeys begin when the schedule says, or as soon after as a user is free. One user
    /// waits for the next arrival, holding the schedule; the others that are free queue for it.
    async fn follow(&mut self, job: &Job, schedule: &Mutex<Schedule>) {
        let Some(&(start, _)) = job.span.get() else {
            return;
        };
        loop {
            let free = Instant::now();
            let planned = {
                let mut schedule = schedule.lock().await;
                if job.is_over(free) {
                    return;
                }
                let Some(arrival) = schedule.next() else {
                    return;
                };
                // Before the wait, so that it costs no lateness.
                if let Some(replayed) = &arrival.replayed {
                    self.replay(replayed);
                }
                job.spare(pacing::until(start + arrival.offset).await);
                start + arrival.offset
            };
            // A broken journey is counted; the next arrival is none of its business.
            self.journey(job, planned, free).await;
        }
    }

    /// The next journey is that of a trace's line: its values are the user's.
    fn replay(&mut self, replayed: &Replayed) {
        let account = replayed.account().to_string();
        let texts = [
            replayed.method(),
            replayed.path(),
            replayed.subject(),
            &account,
        ];
        for (name, text) in TRACE_VALUES.into_iter().zip(texts) {
            text.clone_into(self.values.entry(name.to_owned()).or_default());
        }
        self.requests.forget();
    }

    /// Makes the journey's requests once. It breaks off where the next step has nothing to go on:
    /// without a connection, or without the values that a step was to save.
    async fn journey(&mut self, job: &Job, start: Instant, free: Instant) -> Journey {
        let (mut planned, mut free) = (start, free);
        for &(index, times) in &job.load.journey {
            for _ in 0..times {
                if job.is_over(planned) {
                    return Journey::Over;
                }
                let (ended, answered) = self.visit(job, index, planned, free).await;
                let saves = !job.steps[index].save.is_empty();
                if !answered && (saves || self.connection.is_none()) {
                    return Journey::Broken;
                }
                (planned, free) = (ended, ended);
            }
        }
        Journey::Made(planned)
    }

    /// Makes one timed request and records it; returns when it ended, and whether its answer was
    /// what the step expects.
    async fn visit(
        &mut self,
        job: &Job,
        index: usize,
        planned: Instant,
        free: Instant,
    ) -> (Instant, bool) {
        let step = &job.steps[index];
        let position = job.position(index);
        self.in_flight = Some((position, planned));
        let outcome = self.attempt(step, index).await;
        self.in_flight = None;
        match outcome {
            Ok(answer) => {
                record(job, position, planned, free, &answer);
                (answer.last_byte, true)
            }
            Err(reason) => {
                let ended = Instant::now();
                job.recorder().failed(position, &reason, planned, ended);
                (ended, false)
            }
        }
    }

    async fn attempt(&mut self, step: &Step, index: usize) -> Result<Answer, String> {
        let request = self
            .requests
            .build(index, step, &self.values, &self.endpoint)?;
        let answer = self
            .exchange(step, request)
            .await
            .map_err(|broken| broken.label().to_owned())?;
        self.accept(step, &answer)?;
        Ok(answer)
    }

    async fn exchange(&mut self, step: &Step, request: Built) -> Result<Answer, Broken> {
        let keep_body = !step.save.is_empty() || !step.contains.is_empty();
        let connection = self.connect().await?;
        let answer = connection.exchange(request, keep_body).await;
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn connect(&mut self) -> Result<&mut Connection, Broken> {
        if let Some(open) = &mut self.connection
            && !open.is_ready().await
        {
            self.connection = None;
        }
        match &mut self.connection {
            Some(open) => Ok(open),
            closed => {
                let opened = Connection::open(&self.endpoint).await;
                Ok(closed.insert(opened.map_err(|failure| failure.broken)?))
            }
        }
    }

    /// Checks the answer against what the step expects and keeps the values that it saves.
    fn accept(&mut self, step: &Step, answer: &Answer) -> Result<(), String> {
        let status = answer.status;
        let expected = if step.expect.is_empty() {
            status.is_success()
        } else {
            step.expect.contains(&status.as_u16())
        };
        if !expected {
            return Err(format!("status {}", status.as_u16()));
        }
        if !step.contains.is_empty() && !contains(&answer.body, step.contains.as_bytes()) {
            return Err(format!("the body does not contain `{}`", step.contains));
        }
        if step.save.is_empty() {
            return Ok(());
        }
        let json: serde_json::Value =
            serde_json::from_slice(&answer.body).map_err(|_| "the body is not JSON".to_owned())?;
        for (name, pointer) in &step.save {
            let value = match json.pointer(pointer) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Number(number)) => number.to_string(),
                _ => return Err(format!("the body has no text at {pointer}")),
            };
            self.values.insert(name.clone(), value);
        }
        self.requests.forget();
        Ok(())
    }

    /// The conductor stopped waiting: what is in flight has failed, and its connection with it.
    fn abandon(&mut self, job: &Job) {
        self.connection = None;
        if let Some((position, planned)) = self.in_flight.take()
            && !job.interrupted.load(Ordering::Relaxed)
        {
            job.recorder()
                .failed(position, "no answer in time", planned, Instant::now());
        }
    }
}

fn record(job: &Job, position: usize, planned: Instant, free: Instant, answer: &Answer) {
    let mut recorder = job.recorder();
    recorder.answered(
        position,
        Instants {
            planned,
            free,
            sent: answer.sent,
            first_byte: answer.first_byte,
            last_byte: answer.last_byte,
        },
    );
    for value in answer.headers.get_all("server-timing") {
        for (stage, cost_ns) in value.to_str().into_iter().flat_map(server_timing::stages) {
            recorder.stage(position, stage, cost_ns);
        }
    }
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}
