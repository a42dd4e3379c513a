//! The head of a request, as handlers and extractors read it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::lab::Lab;

/// The head of a request, for handlers that judge it themselves.
pub(super) struct Head(pub(super) Parts);

impl FromRequestParts<Arc<Lab>> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Lab>) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

/// The address that was asked for, whatever of it a router around this one took away.
pub(super) fn whole(parts: &Parts) -> &Uri {
    parts
        .extensions
        .get()
        .map_or(&parts.uri, |OriginalUri(uri)| uri)
}

/// The text of a header that is there once. `None` is not absence: a header may be there twice, or hold octets beyond ASCII.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => text(value),
        _ => None,
    }
}

/// The text of a header's value, where it is ASCII: as [`HeaderValue::to_str`], which looks at each octet for control
/// characters. A value has none but the tab, which a text may have (RFC 9110 §5.5).
pub(super) fn text(value: &HeaderValue) -> Option<&str> {
    let octets = value.as_bytes();
    let text = std::str::from_utf8(octets).ok();
    text.filter(|_| octets.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_the_value_says_it_is() {
        for octet in 0..=u8::MAX {
            let Ok(value) = HeaderValue::from_bytes(&[b'a', octet, b'z']) else {
                continue;
            };
            assert_eq!(text(&value), value.to_str().ok(), "{octet}");
        }
        let umlaut = HeaderValue::from_bytes("\u{e4}".as_bytes()).unwrap();
        assert_eq!(text(&umlaut), None);
    }
}
