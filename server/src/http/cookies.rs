//! The cookie of a session, and the proof that a request with it comes from the same origin.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::denied::Denied;
use crate::request::Presented;

/// As the published design names it.
pub(super) const NAME: &str = "session_id";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The session's cookie (RFC 6265 §4.2.1). Two of the name are a sign of somebody who sets cookies for us: neither counts.
pub(super) fn session(headers: &HeaderMap) -> Presented<'_> {
    let texts = headers.get_all(COOKIE).iter();
    let mut values = texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(id), None) => Presented::Cookie(id),
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
    let text = |name: HeaderName| {
        let mut values = parts.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    let same = match text(SEC_FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match (text(ORIGIN), text(HOST)) {
            (Some(origin), Some(host)) => origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)),
            _ => false,
        },
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
