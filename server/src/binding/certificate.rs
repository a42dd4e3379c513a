//! Tokens that are bound to the certificate of a client's TLS connection (RFC 8705 §3).

use crate::bound::{Bound, Seal};
use crate::denied::Denied;
use crate::request::{Proof, Sender};

/// Binds a token that is being issued to the certificate of this connection.
pub(super) fn seal(sender: &Sender<'_>) -> Result<Bound, Denied> {
    shown(sender).map(Bound::Certificate)
}

/// Whether this is the connection of whoever holds the certificate that the token names.
pub(super) fn check(bound: &Bound, sender: &Sender<'_>) -> Result<(), Denied> {
    let Bound::Certificate(named) = bound else {
        return Err(Denied::WrongSender);
    };
    if shown(sender)?.matches(named) {
        Ok(())
    } else {
        Err(Denied::WrongSender)
    }
}

fn shown(sender: &Sender<'_>) -> Result<Seal, Denied> {
    match sender.proof {
        Some(Proof::Certificate(thumbprint)) => Seal::of_text(thumbprint),
        Some(Proof::Dpop(_)) | None => None,
    }
    .ok_or(Denied::NoCertificate)
}
