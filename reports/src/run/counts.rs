//! Counts of a slice that are more than one number.

use serde::{Deserialize, Serialize};

/// What a cache had of what it was asked for, as `Server-Timing` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheUse {
    /// Answers that told of a cache.
    pub asked: u64,
    /// Those of them that came from it.
    pub hits: u64,
    /// How many the best possible cache of as many entries would have had of the same draws (Bélády 1966); none where the
    /// scenario does not say how many entries the variant's cache holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ideal: Option<u64>,
}

impl std::ops::AddAssign for CacheUse {
    fn add_assign(&mut self, more: Self) {
        self.asked += more.asked;
        self.hits += more.hits;
        self.ideal = self.ideal.zip(more.ideal).map(|(one, other)| one + other);
    }
}

/// What became of requests that were to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Those that were answered, whether they were refused or not.
    pub tried: u64,
    /// Those that passed.
    pub passed: u64,
}

impl std::ops::AddAssign for Attack {
    fn add_assign(&mut self, more: Self) {
        self.tried += more.tried;
        self.passed += more.passed;
    }
}
