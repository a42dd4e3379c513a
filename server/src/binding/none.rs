//! No binding: a bearer token is whoever's holds it (RFC 6750 §1.2). One that is bound to a key stays so: no server may
//! take it without a proof (RFC 9449 §7.2).

use super::Bound;
use crate::denied::Denied;

#[derive(Debug)]
pub(crate) struct Unbound;

impl Unbound {
    #[expect(clippy::unused_self, reason = "every binding has the same verbs")]
    pub(super) fn seal(&self) -> Bound {
        Bound::Nobody
    }

    #[expect(clippy::unused_self, reason = "every binding has the same verbs")]
    pub(super) fn check(&self, bound: &Bound) -> Result<(), Denied> {
        match bound {
            Bound::Nobody | Bound::Sender(_) => Ok(()),
            Bound::Key(_) => Err(Denied::WrongSender),
        }
    }
}
