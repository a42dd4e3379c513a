//! No binding: a bearer token is whoever's holds it (RFC 6750 §1.2).

use super::Bound;
use crate::denied::Denied;

#[derive(Debug)]
pub(crate) struct Unbound;

impl Unbound {
    #[expect(clippy::unused_self, reason = "every binding has the same verbs")]
    pub(super) fn seal(&self) -> Bound {
        Bound::default()
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "every binding has the same verbs"
    )]
    pub(super) fn check(&self) -> Result<(), Denied> {
        Ok(())
    }
}
