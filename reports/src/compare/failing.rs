//! A head that fails more than the base: its latencies are then those of the requests that it
//! still answered, and no limit on them says anything of the others.

use super::Pair;
use crate::quantity;

/// Error rates this far apart are not noise: 0.1 percentage points,
const MARGIN: f64 = 0.001;
/// and not a single mishap either.
const LEAST_FAILURES: u64 = 5;

/// Where the head fails more than the base, a sentence for each variant and load.
pub(crate) fn faults(pairs: &[Pair]) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    for pair in pairs {
        let [base, head] = pair.errors;
        let more = head.rate - base.rate > MARGIN && head.failed >= LEAST_FAILURES;
        let fault = format!(
            "{}, {}: {} of the head's requests failed and {} of the base's, and latencies are those of answered \
             requests: limit errors too, for example `errors > 1%`",
            pair.variant,
            pair.at.load,
            quantity::share(head.rate),
            quantity::share(base.rate)
        );
        // Failures are counted by load: its steps all say the same.
        if more && !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}
