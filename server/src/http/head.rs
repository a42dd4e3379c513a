//! The head of a request, as handlers and extractors read it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};

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
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
