//! How many descriptors this process may have open: each connection takes one.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The soft limit before [`raise`] changed it.
static FOUND: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit to the hard limit, which is what it is there for: the usual soft limit of 1 024 only protects
/// programs that call `select(2)`, and this one does not. A refusal leaves the limit as it is.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let Some(found) = limit.current else { return };
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.maximum.is_none_or(|most| most > found) && setrlimit(Resource::Nofile, raised).is_ok()
    {
        let _ = FOUND.set(found);
    }
}

/// Lowers the soft limit to what [`raise`] found in the parent process, so that a server under test gets the limit that
/// the user's shell gives it.
pub fn lower(current: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let lowered = Rlimit {
        current: Some(current),
        maximum,
    };
    let _ = setrlimit(Resource::Nofile, lowered);
}

/// The soft limit before it was raised; `None` when it was not.
pub(crate) fn found() -> Option<u64> {
    FOUND.get().copied()
}
