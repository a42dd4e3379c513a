//! Exit codes of the verbs that measure. The one table of them is [`exit_codes`].

/// A limit was broken, a verdict says *slower*, or a gate breaks its contract.
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
  1  a limit was broken, the verdict is slower, or a gate breaks its contract
  2  bad input, or the output could not be written
  3  no verdict: inconclusive or interrupted; with --strict also any warning
  4  the target failed: it never answered, answered nothing as expected, or ended"
    };
}
pub(crate) use exit_codes;

/// What a refusal ends with. `git bisect run` would take 2 for a bad commit; 128 ends the bisection (git-bisect(1)).
pub(crate) fn refused() -> u8 {
    let asked_by_git = std::env::args_os().any(|word| word == "--bisect");
    if asked_by_git { 128 } else { REFUSED }
}

/// The same end of a duel for `git bisect run`: 0 good, 1 bad, 125 cannot be tested.
pub(crate) fn for_bisect(code: u8) -> u8 {
    match code {
        0 | BROKEN => code,
        REFUSED => 128,
        _ => 125,
    }
}
