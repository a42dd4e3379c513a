//! Why requests are answered 503: the cause of each failure of a store or a server that this one depends on, in the log, one
//! line a second at most for each source. A client is told only to come back; the operator needs to know why.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::denied::Denied;

/// The shortest time between two lines of one source: a store that is away fails every request.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest cause that is printed, in characters.
const MOST_CHARACTERS: usize = 300;

/// What failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Sessions,
    Users,
    Introspection,
    Key,
    /// The hashing of passwords and other secrets.
    Hashing,
    /// The server itself: its system, a task of it, or how it is installed.
    Server,
    /// The list of revoked tokens that another fetches.
    StatusList,
    /// Forward authorization, which refuses by 403 what it cannot pass on.
    Authorize,
    /// Policies that could not be evaluated. The last: it says how many there are.
    Policies,
}

/// How many sources there are.
const SOURCES: usize = Source::Policies as usize + 1;

/// Something that is logged once a second at most: when the last line was, and how often it happened since.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seldom {
    last: Option<Instant>,
    times: u64,
}

static TOLD: Mutex<[Seldom; SOURCES]> = Mutex::new(
    [Seldom {
        last: None,
        times: 0,
    }; SOURCES],
);

/// Logs a cause, unless this source logged one within the last second. The cause must contain neither a secret nor an
/// address with a password.
pub(crate) fn tell(source: Source, cause: &dyn Display) {
    let times = {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told[source as usize].times(Instant::now())
    };
    if let Some(times) = times {
        tracing::warn!(times, "{}: {}", source.name(), plain(cause));
    }
}

/// Logs a cause as [`tell`] does, and is the refusal that the client gets.
pub(crate) fn unavailable(source: Source, cause: &dyn Display) -> Denied {
    tell(source, cause);
    Denied::Unavailable
}

/// Logs that the system gave no randomness, and is the refusal that the client gets.
pub(crate) fn no_randomness(error: getrandom::Error) -> Denied {
    unavailable(
        Source::Server,
        &format!("the system gave no randomness: {error}"),
    )
}

/// Logs that a task ended before it had an answer, and is the refusal that the client gets. The panic that ended it is in the
/// log already, without which request it was for.
pub(crate) fn unanswered(task: &str) -> Denied {
    unavailable(Source::Server, &format!("{task} ended without an answer"))
}

/// The text in one line and without control characters: parts of it come from other servers.
pub(crate) fn plain(text: &dyn Display) -> String {
    let text = text.to_string();
    let printable = text.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    printable.take(MOST_CHARACTERS).collect()
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Users => "users",
            Self::Introspection => "introspection",
            Self::Key => "key",
            Self::Hashing => "hashing",
            Self::Server => "server",
            Self::StatusList => "status list",
            Self::Authorize => "authorize",
            Self::Policies => "policies",
        }
    }
}

impl Seldom {
    /// It happened again: how often since the last line, this time included, when a line is due.
    pub(crate) fn times(&mut self, now: Instant) -> Option<u64> {
        self.times += 1;
        if self
            .last
            .is_some_and(|last| now.duration_since(last) < PAUSE)
        {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_once_a_second_and_says_how_often_it_happened_since_the_last() {
        let mut seldom = Seldom::default();
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(seldom.times(at(0)), Some(1));
        for later in [0, 1, 500, 999] {
            assert_eq!(seldom.times(at(later)), None, "{later}");
        }
        assert_eq!(seldom.times(at(1000)), Some(5));
        assert_eq!(seldom.times(at(1999)), None);
        assert_eq!(seldom.times(at(5000)), Some(2));
    }

    #[test]
    fn a_cause_is_one_line_of_bounded_length_whatever_it_contains() {
        let cause = plain(&format!("a\nb\x1b[31m{}", "x".repeat(1000)));
        assert!(cause.starts_with("a b [31mxxx"), "{cause}");
        assert_eq!(cause.chars().count(), MOST_CHARACTERS);
    }
}
