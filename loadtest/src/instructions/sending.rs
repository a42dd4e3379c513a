//! One user that makes a number of journeys, through the same code as every other user of a load.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::interrupt;
use crate::job::Job;
use crate::recorder::Recorder;
use crate::scenario::{Load, Step};
use crate::server::Server;
use crate::shard::Share;
use crate::user;

/// How many journeys are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// So many.
    Exactly(u64),
    /// At most so many, the last of them begun within this; at least one.
    Within(u64, Duration),
}

/// What was sent, and answered as expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) journeys: u64,
    pub(super) requests: u64,
}

/// Of a user's own choices: the same in every run, so that all of them make the same journeys.
const SEED: u64 = 20_261_124;
/// A request under a counter may take its seconds; one that takes more than this is not coming.
const JOURNEY_WITHIN: Duration = Duration::from_secs(120);
/// A pool of many members takes many of them.
const PREPARE_WITHIN: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Limit {
    fn allows(self, journeys: u64, begun: Instant) -> bool {
        match self {
            Self::Exactly(most) => journeys < most,
            Self::Within(most, within) => {
                journeys == 0 || (journeys < most && begun.elapsed() < within)
            }
        }
    }
}

/// Sends them.
pub(super) fn send(
    steps: &[Step],
    load: &Arc<Load>,
    server: &Server,
    limit: Limit,
) -> Result<Sent, String> {
    let job = job(steps, load, server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let journeys = runtime.block_on(async {
        tokio::select! {
            made = journeys(&job, limit) => made,
            () = interrupted() => Err("interrupted".to_owned()),
        }
    })?;
    let taken = job.recorder().take();
    if let Some((reason, times)) = taken.failed.into_iter().next() {
        return Err(format!("{times} requests failed: {reason}"));
    }
    Ok(Sent {
        journeys,
        requests: taken.ok,
    })
}

async fn journeys(job: &Job, limit: Limit) -> Result<u64, String> {
    let mut user = user::Alone::new(job);
    let prepared = tokio::time::timeout(PREPARE_WITHIN, user.prepare(job));
    prepared
        .await
        .map_err(|_| format!("not prepared within {PREPARE_WITHIN:?}"))??;
    let (begun, mut made) = (Instant::now(), 0);
    while limit.allows(made, begun) {
        let journey = tokio::time::timeout(JOURNEY_WITHIN, user.journey(job));
        journey
            .await
            .map_err(|_| format!("no answer within {JOURNEY_WITHIN:?}"))?;
        if !job.recorder().is_flawless() {
            break;
        }
        made += 1;
    }
    Ok(made)
}

async fn interrupted() {
    while !interrupt::requested() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The slice that such a user lives in: without an end, a schedule or anybody who watches.
fn job(steps: &[Step], load: &Arc<Load>, server: &Server) -> Job {
    let timed = load.timed_steps();
    let names = timed.iter().map(|step| steps[*step].name.clone());
    let mut positions = vec![0; steps.len()];
    for (position, step) in timed.iter().enumerate() {
        positions[*step] = position;
    }
    Job {
        number: 1,
        server: server.number,
        stopped: Vec::new(),
        endpoints: server.endpoints(),
        places: steps.iter().map(|s| server.place_of(s)).collect(),
        variant: String::new(),
        load: Arc::clone(load),
        load_number: 0,
        measured: true,
        steps: Arc::new(steps.to_vec()),
        keeps_draws: false,
        recorder: Mutex::new(Recorder::new(names, None)),
        live: None,
        interrupted: AtomicBool::new(false),
        cut: OnceLock::new(),
        requests: None,
        spare_ns: AtomicU64::new(0),
        over: AtomicBool::new(false),
        span: OnceLock::new(),
        schedule: None,
        share: Share::WHOLE,
        seed: SEED,
        least: vec![0; timed.len()],
        positions,
    }
}
