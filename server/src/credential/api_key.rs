//! API keys: an id to find one by and a secret that is compared with a stored hash of it, made as `--password` makes those of
//! passwords. Many services keep their keys so, and pay for that hash on each request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::denied::Denied;
use crate::grant::TokenId;

/// To be known for a key in logs and by scanners of leaked secrets.
const PREFIX: &str = "ak_";
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A new key: its text, its id and its secret's text, which has 43 bytes: bcrypt reads 72.
pub(crate) fn draw() -> Result<(String, TokenId, String), Denied> {
    let id = TokenId::draw()?;
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(crate::cause::no_randomness)?;
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let shown = URL_SAFE_NO_PAD.encode(id.number().to_be_bytes());
    Ok((format!("{PREFIX}{shown}.{secret}"), id, secret))
}

/// The id and the secret of a key.
pub(crate) fn read(key: &str) -> Result<(TokenId, &str), Denied> {
    let halves = key
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('.'));
    let (shown, secret) = halves.ok_or(Denied::Malformed)?;
    let (mut id, mut bytes) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    // One key has one text: what decodes otherwise is none.
    let id_fits = matches!(URL_SAFE_NO_PAD.decode_slice(shown, &mut id), Ok(ID_BYTES));
    let secret_fits = URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes) == Ok(SECRET_BYTES);
    if id_fits && secret_fits {
        Ok((TokenId::of(u128::from_be_bytes(id)), secret))
    } else {
        Err(Denied::Malformed)
    }
}
