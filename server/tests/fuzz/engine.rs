//! Runs a target for a while: random inputs, variations of those that led to something new, and what is said of failures.

use std::any::Any;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::choices::Choices;
use crate::stand::Answer;

/// What is under test, and the model of it.
pub(crate) trait Target: Sized {
    /// As its test is called.
    const NAME: &'static str;

    /// Servers and credentials that all inputs share.
    async fn open() -> Self;

    /// Sends one input, and compares the answers with the model's.
    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault>;
}

/// An answer that the model refuses. Failures of one kind are told once.
pub(crate) struct Fault {
    kind: String,
    what: String,
}

pub(crate) fn fault<T>(kind: impl Into<String>, what: impl Into<String>) -> Result<T, Fault> {
    let (kind, what) = (kind.into(), what.into());
    Err(Fault { kind, what })
}

/// The kind of a failure after which servers are opened anew: what they hold may be broken.
const PANIC: &str = "a panic";

/// What was answered.
#[derive(Default)]
pub(crate) struct Seen {
    granted: u64,
    refused: BTreeMap<u16, u64>,
    /// Of the input that is played: a digest of the model's words and the answers.
    novelty: DefaultHasher,
}

impl Seen {
    /// Counts an answer. `said` is the model's reason, in a word: inputs with new reasons are varied further.
    pub(crate) fn note(&mut self, answer: &Answer, said: &str) {
        if answer.is_granted() {
            self.granted += 1;
        } else {
            *self.refused.entry(answer.status).or_default() += 1;
        }
        (answer.status, said).hash(&mut self.novelty);
        answer
            .headers
            .get("www-authenticate")
            .hash(&mut self.novelty);
    }

    /// Adds to what makes an input a new one.
    pub(crate) fn hint(&mut self, hint: impl std::hash::Hash) {
        hint.hash(&mut self.novelty);
    }
}

/// One input may take this long, on however loaded a machine.
const HANG: Duration = Duration::from_secs(120);

/// How many inputs with something new are varied.
const MOST_KEPT: usize = 4096;

/// The longest random input.
const MOST_CHOICES: usize = 64;

/// How many kinds of failures are told.
const MOST_KINDS: usize = 16;

/// How often a failing input is tried with less in it.
const MOST_SHRINKS: usize = 300;

/// What is played now, for whoever watches that it ends.
type Watched = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

pub(crate) fn fuzz<T: Target>() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let watched = Watched::default();
    watch(T::NAME, Arc::clone(&watched));
    let mut target = runtime.block_on(T::open());
    let mut seen = Seen::default();
    if let Ok(hex) = std::env::var("FUZZ_INPUT") {
        let input = from_hex(&hex);
        let failed = play(&runtime, &mut target, &input, &mut seen, &watched);
        assert!(failed.is_none(), "{}", failed.unwrap().what);
        println!("{}: this input is right", T::NAME);
        return;
    }
    let number = variable("FUZZ_SEED").unwrap_or(16);
    let mut random = Random(number);
    let end = Instant::now() + Duration::from_secs(variable("FUZZ_SECONDS").unwrap_or(1));
    let mut known = HashSet::new();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut inputs = 0_u64;
    // First the input without any change, which has to be granted.
    let mut input = Vec::new();
    while inputs == 0 || Instant::now() < end {
        inputs += 1;
        seen.novelty = DefaultHasher::new();
        if let Some(failed) = play(&runtime, &mut target, &input, &mut seen, &watched) {
            if told.len() < MOST_KINDS && !told.contains_key(&failed.kind) {
                let small = shrunk::<T>(&runtime, &input, &failed, &watched);
                told.insert(failed.kind.clone(), small);
            }
            if failed.kind == PANIC {
                target = runtime.block_on(T::open());
            }
        } else if known.insert(seen.novelty.finish()) && kept.len() < MOST_KEPT {
            kept.push(input);
        }
        input = random.input(&kept);
    }
    let refused = seen
        .refused
        .iter()
        .fold(String::new(), |mut text, (status, count)| {
            let _ = write!(text, ", {status}: {count}");
            text
        });
    println!(
        "{}: {inputs} inputs, {} granted{refused}; {} kinds of answers; seed {number}",
        T::NAME,
        seen.granted,
        known.len()
    );
    assert!(told.is_empty(), "{}", failures::<T>(number, &told));
    assert!(seen.granted > 0, "{}: nothing was granted", T::NAME);
}

/// Plays one input; a panic is a failure like others.
fn play<T: Target>(
    runtime: &Runtime,
    target: &mut T,
    input: &[u8],
    seen: &mut Seen,
    watched: &Watched,
) -> Option<Fault> {
    let set = |now| *watched.lock().unwrap_or_else(PoisonError::into_inner) = now;
    set(Some((Instant::now(), input.to_vec())));
    let mut choices = Choices::of(input);
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(target.play(&mut choices, seen))
    }));
    set(None);
    match played {
        Ok(played) => played.err(),
        Err(panic) => Some(Fault {
            kind: PANIC.to_owned(),
            what: text_of(&*panic),
        }),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

/// The same failure by a smaller input.
fn shrunk<T: Target>(runtime: &Runtime, input: &[u8], failed: &Fault, watched: &Watched) -> String {
    let (mut small, mut what) = (input.to_vec(), failed.what.clone());
    let mut target = runtime.block_on(T::open());
    let mut tries = 0;
    let mut fails = |input: &[u8]| {
        tries += 1;
        if tries > MOST_SHRINKS {
            return None;
        }
        let again = play(runtime, &mut target, input, &mut Seen::default(), watched)?;
        if again.kind == PANIC {
            target = runtime.block_on(T::open());
        }
        (again.kind == failed.kind).then_some(again.what)
    };
    // Shorter first, then plainer.
    for step in [16, 4, 1] {
        let mut at = 0;
        while at < small.len() {
            let mut less = small.clone();
            less.drain(at..(at + step).min(less.len()));
            match fails(&less) {
                Some(again) => (small, what) = (less, again),
                None => at += step,
            }
        }
    }
    for at in 0..small.len() {
        let mut plainer = small.clone();
        plainer[at] = 0;
        if small[at] != 0
            && let Some(again) = fails(&plainer)
        {
            (small, what) = (plainer, again);
        }
    }
    format!("{what}\n    FUZZ_INPUT={}", to_hex(&small))
}

fn failures<T: Target>(number: u64, told: &BTreeMap<String, String>) -> String {
    let mut text = format!(
        "{} (FUZZ_SEED={number}): {} kinds of failures",
        T::NAME,
        told.len()
    );
    for (kind, what) in told {
        let _ = write!(text, "\n  {kind}: {what}");
    }
    text
}

/// Ends the process when an input does not end: nothing in this thread could.
fn watch(name: &'static str, watched: Watched) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = watched
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if let Some((since, input)) = now
                && since.elapsed() > HANG
            {
                eprintln!(
                    "{name}: an input does not end: FUZZ_INPUT={}",
                    to_hex(&input)
                );
                std::process::exit(101);
            }
        }
    });
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// `SplitMix64`: a failing run is repeated by its seed, whatever version of a library is built.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Choices of which many are the plainest, or a variation of what was kept.
    fn input(&mut self, kept: &[Vec<u8>]) -> Vec<u8> {
        if kept.is_empty() || self.below(3) == 0 {
            let plain = self.below(4);
            let length = 1 + self.below(MOST_CHOICES);
            return (0..length).map(|_| self.choice(plain)).collect();
        }
        let mut input = kept[self.below(kept.len())].clone();
        for _ in 0..=self.below(3) {
            let at = self.below(input.len() + 1);
            match self.below(5) {
                0 => input.insert(at, self.choice(1)),
                1 => {
                    let other = &kept[self.below(kept.len())];
                    input.truncate(at);
                    input.extend(other.iter().skip(at));
                }
                2 if at < input.len() => {
                    input.remove(at);
                }
                _ if at < input.len() => input[at] = self.choice(1),
                _ => input.push(self.choice(1)),
            }
        }
        input.truncate(4 * MOST_CHOICES);
        input
    }

    fn choice(&mut self, plain: usize) -> u8 {
        let number = self.next();
        if ((number >> 8) % 4) < plain as u64 {
            0
        } else {
            number as u8
        }
    }
}
