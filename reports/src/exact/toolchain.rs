//! What counts depend on beside the source that is counted.

use serde::{Deserialize, Serialize};

/// What builds, counts, and is linked in from elsewhere. Each is told in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// `rustc --version`.
    pub rustc: String,
    /// `valgrind --version`.
    pub valgrind: String,
    /// The compiler of the C parts: `cc --version`, its first line.
    pub cc: String,
    /// The C library, whose memory functions are counted too.
    pub libc: String,
    /// The processor as far as valgrind lets a program see it: its architecture, and whether it has
    /// AVX2, for which libc and the hashes have code of their own.
    pub processor: String,
}

impl Toolchain {
    /// What differs from a baseline's, in words; where anything does, counts are described and not judged.
    #[must_use]
    pub fn differences(&self, base: &Self) -> Vec<String> {
        let parts = [
            ("rustc", &self.rustc, &base.rustc),
            ("valgrind", &self.valgrind, &base.valgrind),
            ("cc", &self.cc, &base.cc),
            ("libc", &self.libc, &base.libc),
            ("the processor", &self.processor, &base.processor),
        ];
        let different = parts.iter().filter(|(_, now, base)| now != base);
        different
            .map(|(what, now, base)| format!("{what} is `{now}`, the baseline's `{base}`"))
            .collect()
    }
}
