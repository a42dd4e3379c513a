//! Name and password (RFC 7617): in a sign-in, or on each request, as `--credential basic` has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Name and password of a header's base64 (RFC 7617 §2): the first colon splits, UTF-8 as our challenge says.
pub(crate) fn read(encoded: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// What a client shows on each request.
pub(crate) fn text(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}
