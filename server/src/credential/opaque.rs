//! Opaque tokens: random text that says nothing by itself. The server keeps what it stands for under a digest of it, so
//! that whoever reads the store holds no token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::denied::Denied;
use crate::grant::TokenId;

/// RFC 6749 §10.10 asks that a guess succeeds with at most 2^-128, better 2^-160.
const BYTES: usize = 32;

/// A new token, and the id that its digest gives.
pub(super) fn draw() -> Result<(String, TokenId), Denied> {
    let mut random = [0; BYTES];
    getrandom::fill(&mut random).map_err(crate::cause::no_randomness)?;
    let token = URL_SAFE_NO_PAD.encode(random);
    let id = id(&token);
    Ok((token, id))
}

/// The first half of the text's SHA-256. Looking it up tells by its time something of the digest, nothing of the token.
pub(super) fn id(token: &str) -> TokenId {
    let digest = Sha256::digest(token.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    TokenId::of(u128::from_be_bytes(half))
}
