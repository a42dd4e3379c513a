//! Exit codes of the verbs that measure. The one table of them is [`exit_codes`].

/// A limit was broken, or a verdict says *slower*.
pub(crate) const BROKEN: u8 = 1;
/// Bad input, what cannot be done, or lost output.
pub(crate) use authlab_loadtest::output::EXIT_REFUSED as REFUSED;
/// There is no verdict: inconclusive, interrupted, or not valid under `--strict`.
pub(crate) const NO_VERDICT: u8 = 3;
/// The target failed: it never answered, answered nothing as expected, or ended.
pub(crate) const TARGET_FAILED: u8 = 4;

/// What each code means, for `--help`.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0  measured, perhaps with warnings
  1  a limit was broken, or the verdict is slower
  2  bad input, or the output could not be written
  3  no verdict: inconclusive or interrupted; with --strict also any warning
  4  the target failed: it never answered, answered nothing as expected, or ended"
    };
}
pub(crate) use exit_codes;
