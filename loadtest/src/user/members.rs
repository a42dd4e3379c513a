//! The members of pools at each server: which is drawn, what its `fill` steps have saved, and
//! whether it is revoked. Shared by all users.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, distr::Distribution};
use rand_distr::Zipf;

use crate::job::Job;
use crate::scenario::{Pool, Popularity};

/// The pools of every server.
#[derive(Default)]
pub(crate) struct Pools {
    servers: Mutex<BTreeMap<u64, Vec<Arc<Members>>>>,
}

/// The members of one pool at one server.
pub(super) struct Members {
    pub(super) pool: Arc<Pool>,
    states: Mutex<Vec<State>>,
    next: AtomicUsize,
    zipf: Option<Zipf<f64>>,
}

/// A member as its pool knows it at one server.
#[derive(Default)]
struct State {
    /// What its `fill` steps saved, in the order of the pool's names.
    saved: Box<[Box<str>]>,
    standing: Standing,
    /// Filled, or being filled.
    filled: bool,
    /// A user is about to fill it anew.
    claimed: bool,
}

/// Whether a member's credentials hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    /// How often it was filled.
    pub(super) generation: u32,
    /// When a revoke was sent.
    pub(super) revoking: Option<Instant>,
    /// When its answer was here.
    pub(super) revoked: Option<Instant>,
}

/// A member drawn.
#[derive(Clone)]
pub(super) struct Drawn {
    pub(super) members: Arc<Members>,
    pub(super) member: usize,
}

/// The right to fill a revoked member anew, given back when it is dropped.
pub(super) struct Claim(pub(super) Drawn);

/// Where most members are revoked a draw does not go on for ever.
const MOST_DRAWS: usize = 16;

impl Pools {
    /// The job's pools at its server, in the load's order. Those of servers that have stopped are
    /// forgotten.
    pub(super) fn at(&self, job: &Job) -> Vec<Arc<Members>> {
        if job.load.pools.is_empty() {
            return Vec::new();
        }
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|server, _| !job.stopped.contains(server));
        let there = servers.entry(job.server).or_default();
        let mut at = |pool: &Arc<Pool>| {
            let known = there.iter().find(|known| known.pool.name == pool.name);
            known.cloned().unwrap_or_else(|| {
                let members = Arc::new(Members::new(Arc::clone(pool)));
                there.push(Arc::clone(&members));
                members
            })
        };
        job.load.pools.iter().map(&mut at).collect()
    }
}

impl Members {
    fn new(pool: Arc<Pool>) -> Self {
        let zipf = match pool.popularity {
            Popularity::Zipf(exponent) => Zipf::new(pool.size as f64, exponent).ok(),
            Popularity::Uniform | Popularity::Turn => None,
        };
        let states = (0..pool.size).map(|_| State::default()).collect();
        Self {
            pool,
            states: Mutex::new(states),
            next: AtomicUsize::new(0),
            zipf,
        }
    }

    /// Draws a member for a journey, and perhaps another that is to be filled anew after it.
    /// `to_revoke` asks for one that is not revoked.
    pub(super) fn draw(
        self: &Arc<Self>,
        random: &mut StdRng,
        to_revoke: bool,
    ) -> (Drawn, Option<Claim>) {
        let mut claim = None;
        let mut member = self.pick(random);
        for _ in 1..MOST_DRAWS {
            let mut states = self.states();
            let state = &mut states[member];
            let Some(since) = state.standing.revoked.or(state.standing.revoking) else {
                break;
            };
            // A plain pool has no revoked members: the clock is not read for it.
            let due = !self.pool.fill.is_empty() && since.elapsed() > self.pool.probe_for;
            if !due && !to_revoke {
                break;
            }
            if due && claim.is_none() && !state.claimed {
                state.claimed = true;
                claim = Some(Claim(self.drawn(member)));
            }
            drop(states);
            member = self.pick(random);
        }
        (self.drawn(member), claim)
    }

    /// The member of this number.
    pub(super) fn drawn(self: &Arc<Self>, member: usize) -> Drawn {
        Drawn {
            members: Arc::clone(self),
            member,
        }
    }

    fn pick(&self, random: &mut StdRng) -> usize {
        let size = self.pool.size;
        match (&self.zipf, self.pool.popularity) {
            // It draws ranks from 1.
            (Some(zipf), _) => (zipf.sample(random) as usize).clamp(1, size) - 1,
            (None, Popularity::Turn) => self.next.fetch_add(1, Ordering::Relaxed) % size,
            (None, _) => random.random_range(0..size),
        }
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawn {
    /// Names the member among those of all pools.
    pub(super) fn key(&self) -> u64 {
        (self.members.pool.number as u64) << 32 | self.member as u64
    }

    /// Appends the value if the member has it.
    pub(super) fn push(&self, name: &str, text: &mut String) -> bool {
        let pool = &self.members.pool;
        if name == pool.name {
            text.push_str(&self.member.to_string());
            return true;
        }
        if let Some(value) = pool.table.value(self.member, name) {
            text.push_str(value);
            return true;
        }
        let Some(at) = pool.saved.iter().position(|saved| saved == name) else {
            return false;
        };
        let states = self.members.states();
        let saved = states[self.member].saved.get(at);
        saved.inspect(|value| text.push_str(value)).is_some()
    }

    /// Whether the value is one that the pool's `fill` steps save.
    pub(super) fn saves(&self, name: &str) -> bool {
        self.members.pool.saved.iter().any(|saved| saved == name)
    }

    /// Keeps a value that the pool's `fill` steps save.
    pub(super) fn keep(&self, name: &str, value: String) {
        let names = &self.members.pool.saved;
        let mut states = self.members.states();
        let saved = &mut states[self.member].saved;
        if saved.is_empty() {
            *saved = names.iter().map(|_| Box::default()).collect();
        }
        if let Some(at) = names.iter().position(|known| known == name) {
            saved[at] = value.into_boxed_str();
        }
    }

    /// Whether it is still to be filled; it then counts as filled.
    pub(super) fn take_to_fill(&self) -> bool {
        let filled = &mut self.members.states()[self.member].filled;
        !std::mem::replace(filled, true)
    }

    /// Its `fill` steps did not succeed.
    pub(super) fn not_filled(&self) {
        self.members.states()[self.member].filled = false;
    }

    /// Its `fill` steps have succeeded again: it is no longer revoked.
    pub(super) fn filled_anew(&self) {
        let mut states = self.members.states();
        let standing = &mut states[self.member].standing;
        *standing = Standing {
            generation: standing.generation.wrapping_add(1),
            ..Standing::default()
        };
    }

    /// Whether its credentials hold.
    pub(super) fn standing(&self) -> Standing {
        self.members.states()[self.member].standing
    }

    /// A revoke is about to be sent. Returns the generation that it revokes.
    pub(super) fn revoking(&self) -> u32 {
        let mut states = self.members.states();
        let standing = &mut states[self.member].standing;
        standing.revoking.get_or_insert_with(Instant::now);
        standing.generation
    }

    /// A revoke of `generation` was answered at this instant, or failed.
    pub(super) fn revoked(&self, generation: u32, answered: Option<Instant>) {
        let mut states = self.members.states();
        let standing = &mut states[self.member].standing;
        if standing.generation != generation {
            return;
        }
        match answered {
            Some(at) => standing.revoked = Some(standing.revoked.map_or(at, |first| first.min(at))),
            None if standing.revoked.is_none() => standing.revoking = None,
            None => {}
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.members.states()[self.0.member].claimed = false;
    }
}
