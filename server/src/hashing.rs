//! Where slow hashes run, and how many may wait. Only bcrypt and Argon2id come this way; a fast digest is done
//! before it could be handed over, so it runs in place whatever the axis says.

mod blocking;
mod pool;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::axis::axis;
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::password::{self, HashError, Password, PasswordKind};
use crate::shares::{self, Origin, Shares};

axis! {
    /// Where slow hashes run.
    pub enum HashOn opens Place: "hash-on" {
        /// a bounded pool of our own threads, at low priority
        Pool(pool::Pool) = "pool",
        /// tokio's blocking pool, bounded
        Blocking(blocking::Blocking) = "blocking",
        /// the async thread itself: the mistake to measure. UNSAFE: one sign-in stops every other request
        Inline = "inline",
    }
}

/// The place, and a count of the hashes computed there.
#[derive(Debug)]
pub(crate) struct Hashing {
    place: Place,
    shares: Arc<Shares>,
    computed: AtomicU64,
    pending: AtomicUsize,
}

impl Hashing {
    /// With so many threads, and a queue of that length before them.
    pub(crate) fn open(on: HashOn, threads: usize, queue: usize) -> std::io::Result<Self> {
        // Running and waiting together.
        let shares = Shares::of(threads + queue);
        let place = match on {
            HashOn::Pool => Place::Pool(pool::Pool::open(threads, shares.most())?),
            HashOn::Blocking => Place::Blocking(blocking::Blocking::open(threads)),
            HashOn::Inline => Place::Inline,
        };
        Ok(Self {
            place,
            shares,
            computed: AtomicU64::new(0),
            pending: AtomicUsize::new(0),
        })
    }

    /// The same for one origin's requests.
    pub(crate) fn by(&self, origin: Origin) -> Hasher<'_> {
        Hasher {
            hashing: self,
            origin,
        }
    }

    /// How many hashes were asked for since the start.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// How many slow ones run or wait.
    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    async fn run(&self, task: Task, origin: Origin) -> Result<Outcome, Denied> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        if !task.is_slow() {
            return Ok(task.run());
        }
        let _pending = Pending::of(&self.pending);
        match &self.place {
            Place::Pool(pool) => pool.run(task, self.enter(origin)?).await,
            Place::Blocking(blocking) => blocking.run(task, self.enter(origin)?).await,
            Place::Inline => Ok(task.run()),
        }
    }

    /// A place to wait and to run.
    fn enter(&self, origin: Origin) -> Result<shares::Place, Denied> {
        self.shares.enter(origin).ok_or(Denied::Busy)
    }
}

/// Hashing for the requests of one origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hasher<'a> {
    hashing: &'a Hashing,
    origin: Origin,
}

impl Hasher<'_> {
    /// Makes the stored form of an input.
    pub(crate) async fn hash(
        &self,
        with: Password,
        input: Vec<u8>,
    ) -> Result<Result<String, HashError>, Denied> {
        let task = Task::Hash { with, input };
        match self.hashing.run(task, self.origin).await? {
            Outcome::Hashed(stored) => Ok(stored),
            Outcome::Matches(_) => Err(cause::unanswered("a hash")),
        }
    }

    /// Whether the input is the one that was stored.
    pub(crate) async fn verify(&self, stored: Arc<str>, input: Vec<u8>) -> Result<bool, Denied> {
        let task = Task::Verify { stored, input };
        match self.hashing.run(task, self.origin).await? {
            Outcome::Matches(matches) => Ok(matches),
            Outcome::Hashed(_) => Err(cause::unanswered("a hash")),
        }
    }
}

/// Logs why a secret could not be hashed, and is the refusal that the client gets.
pub(crate) fn not_hashed(error: HashError) -> Denied {
    cause::unavailable(
        Source::Hashing,
        &format!("a secret cannot be hashed: {error}"),
    )
}

/// One more that runs or waits, for as long as somebody waits for it.
struct Pending<'a>(&'a AtomicUsize);

impl<'a> Pending<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One hash to compute.
enum Task {
    Hash { with: Password, input: Vec<u8> },
    Verify { stored: Arc<str>, input: Vec<u8> },
}

enum Outcome {
    Hashed(Result<String, HashError>),
    Matches(bool),
}

impl fmt::Debug for Task {
    /// Neither the password nor what it is compared with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hash { .. } => "Hash([redacted])",
            Self::Verify { .. } => "Verify([redacted])",
        })
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hashed(_) => "Hashed([redacted])",
            Self::Matches(_) => "Matches([redacted])",
        })
    }
}

impl Task {
    fn is_slow(&self) -> bool {
        match self {
            Self::Hash { with, .. } => with.is_slow(),
            Self::Verify { stored, .. } => {
                PasswordKind::of_stored(stored).is_some_and(PasswordKind::is_slow)
            }
        }
    }

    fn run(self) -> Outcome {
        match self {
            Self::Hash { with, input } => Outcome::Hashed(with.hash(&input)),
            Self::Verify { stored, input } => Outcome::Matches(password::verify(&stored, &input)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_on_its_way_shows_neither_its_input_nor_what_it_is_compared_with() {
        let (with, input) = (Password::Sha256, b"password123".to_vec());
        let stored: Arc<str> = "$sha256$c2FsdA$ZGlnZXN0".into();
        let hashed = Outcome::Hashed(with.hash(&input).map(|_| stored.to_string()));
        let tasks = [
            Task::Hash {
                with,
                input: input.clone(),
            },
            Task::Verify { stored, input },
        ];
        assert_eq!(
            format!("{tasks:?} {hashed:?}"),
            "[Hash([redacted]), Verify([redacted])] Hashed([redacted])"
        );
    }
}
