//! The cookie of a session, and the proof that a request with it comes from the same origin.

use axum::http::header::{COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::head::only;
use super::host;
use crate::denied::Denied;
use crate::proxies::without_blanks;
use crate::request::Presented;

/// As the published design names it.
pub(super) const NAME: &str = "session_id";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The session's cookie (RFC 6265 §4.2.1). Two of the name are a sign of somebody who sets cookies for us: neither counts.
/// The other cookies are octets (§5.4): they are of other servers of the host, and whatever they hold ends no session.
pub(super) fn session(headers: &HeaderMap) -> Presented<'_> {
    let fields = headers.get_all(COOKIE).iter();
    let mut values = fields
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            without_blanks(pair)
                .strip_prefix(NAME.as_bytes())?
                .strip_prefix(b"=")
        });
    match (values.next(), values.next()) {
        (Some(id), None) => match std::str::from_utf8(id) {
            Ok(id) if id.is_ascii() => Presented::Cookie(id),
            _ => Presented::Unreadable,
        },
        (None, _) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Ambiguous,
    }
}

/// A browser adds cookies to whatever asks it to, so a method that changes something needs more: `Sec-Fetch-Site` (Fetch
/// Metadata), which says that the page was ours or the user's own doing and that no page can set, or, of a browser
/// without it, an `Origin` (RFC 6454 §7) whose host is the request's. A client that is no browser sets one of them.
pub(super) fn same_origin(parts: &Parts, method: &str) -> Result<(), Denied> {
    if matches!(method, "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    // A header that is there twice, or is not text, is no proof, and no reason to look for another one.
    let same = if parts.headers.contains_key(SEC_FETCH_SITE) {
        matches!(
            only(&parts.headers, &SEC_FETCH_SITE),
            Some("same-origin" | "none")
        )
    } else {
        match (only(&parts.headers, &ORIGIN), host::of(parts)) {
            (Some(origin), Some(host)) => origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)),
            _ => false,
        }
    };
    if same { Ok(()) } else { Err(Denied::CrossSite) }
}

/// `Set-Cookie` of a session that begins: for this host alone, out of reach of scripts, not sent along from other sites.
pub(super) fn set(id: &str, seconds: u64, insecure: bool) -> String {
    let secure = if insecure { "" } else { "; Secure" };
    format!("{NAME}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// `Set-Cookie` of a session that ended.
pub(super) fn clear(insecure: bool) -> String {
    set("", 0, insecure)
}
