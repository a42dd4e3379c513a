//! Refresh tokens (RFC 6749 §1.5) that change at each use: the session's id and a secret of this turn. Of each session
//! only the digest of its current secret is kept. Whoever knows a session's id, 128 random bits, has held a token of it:
//! one with any other secret is an old one, used a second time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::denied::Denied;
use crate::grant::TokenId;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// What is kept of a turn's secret.
pub(crate) type Kept = [u8; 32];

/// A new turn of a session: its token, and what is kept of it.
pub(crate) fn draw(session: TokenId) -> Result<(String, Kept), Denied> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(crate::cause::no_randomness)?;
    let mut token = [0; ID_BYTES + SECRET_BYTES];
    token[..ID_BYTES].copy_from_slice(&session.number().to_be_bytes());
    token[ID_BYTES..].copy_from_slice(&secret);
    Ok((URL_SAFE_NO_PAD.encode(token), Sha256::digest(secret).into()))
}

/// The session that a token is of, and what would be kept of it.
pub(crate) fn read(token: &str) -> Result<(TokenId, Kept), Denied> {
    let mut bytes = [0; ID_BYTES + SECRET_BYTES];
    match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
        Ok(length) if length == bytes.len() => {}
        _ => return Err(Denied::BadRefresh),
    }
    let (id, secret) = bytes.split_at(ID_BYTES);
    let mut session = [0; ID_BYTES];
    session.copy_from_slice(id);
    Ok((
        TokenId::of(u128::from_be_bytes(session)),
        Sha256::digest(secret).into(),
    ))
}
