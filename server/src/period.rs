//! A length of time as people type it: `30m`, `500ms`, `2h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time that reads and prints in the unit it was given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// No time.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// So many milliseconds.
    #[must_use]
    pub const fn milliseconds(number: u64) -> Self {
        Self(Duration::from_millis(number))
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(number: u64) -> Self {
        Self(Duration::from_secs(number))
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(number: u64) -> Self {
        Self::seconds(60 * number)
    }

    /// So many days.
    #[must_use]
    pub const fn days(number: u64) -> Self {
        Self::minutes(24 * 60 * number)
    }
}

/// Units, the coarsest first: printing takes the first that divides.
const UNITS_MS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A text that is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a period; accepted: a whole number and a unit, as in 500ms, 90s, 30m, 12h, 7d"
)]
pub struct NotAPeriod(String);

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let refuse = || NotAPeriod(typed.to_owned());
        let digits = typed
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(refuse)?;
        let (count, unit) = typed.split_at(digits);
        let (_, unit_ms) = UNITS_MS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(refuse)?;
        let count: u64 = count.parse().map_err(|_| refuse())?;
        count
            .checked_mul(*unit_ms)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(refuse)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let whole = UNITS_MS
            .iter()
            .find(|(_, unit_ms)| ms > 0 && ms.is_multiple_of(u128::from(*unit_ms)));
        match whole {
            Some((unit, unit_ms)) => write!(f, "{}{unit}", ms / u128::from(*unit_ms)),
            None => write!(f, "{ms}ms"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}
