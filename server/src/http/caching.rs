//! Keeps answers that depend on a credential out of shared caches (RFC 9111 §3): a cache in front of the server must not give
//! one user's answer to another. RFC 9111 §3.5 protects `Authorization` alone, and cookies and API keys not at all; nginx's
//! `proxy_cache_valid` keeps what says nothing of caching.

use axum::http::header::{CACHE_CONTROL, Entry, VARY};
use axum::http::{HeaderMap, HeaderValue};

use crate::binding::BindingKind;
use crate::credential::CredentialKind;
use crate::setup::Design;
use crate::verification::VerifyKind;

/// What the answers of a server, or of the service behind a layer, say where they say nothing themselves.
#[derive(Clone, Debug)]
pub(crate) struct Caching {
    control: HeaderValue,
    vary: HeaderValue,
}

impl Caching {
    /// Of our own answers: none is kept anywhere.
    pub(crate) fn none(design: &Design) -> Self {
        Self {
            control: HeaderValue::from_static("no-store"),
            vary: HeaderValue::from_static(vary(design)),
        }
    }

    /// Of the answers of a service behind a layer: none is kept by a shared cache; what its client keeps is for the service
    /// to say.
    pub(crate) fn private(design: &Design) -> Self {
        Self {
            control: HeaderValue::from_static("private"),
            ..Self::none(design)
        }
    }

    /// Adds what an answer does not say itself. A cache that keeps an answer because its service allows that still tells
    /// requests apart by `Vary` (RFC 9111 §4.1).
    pub(crate) fn complete(&self, headers: &mut HeaderMap) {
        headers
            .entry(CACHE_CONTROL)
            .or_insert_with(|| self.control.clone());
        let varies = match headers.entry(VARY) {
            Entry::Vacant(place) => {
                place.insert(self.vary.clone());
                false
            }
            Entry::Occupied(_) => true,
        };
        if varies {
            self.widen(headers);
        }
    }

    /// One field with the answer's own names and ours: nginx before 1.23 reads the last field alone.
    fn widen(&self, headers: &mut HeaderMap) {
        let own: Vec<&[u8]> = headers
            .get_all(VARY)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        let own = own.join(&b", "[..]);
        let is_named = |wanted: &[u8]| {
            own.split(|byte| *byte == b',')
                .any(|name| name.trim_ascii().eq_ignore_ascii_case(wanted))
        };
        if is_named(b"*") {
            // Whatever is asked, this answer is not used again (RFC 9110 §12.5.5).
            return;
        }
        let mut all = own.clone();
        for name in self.vary.as_bytes().split(|byte| *byte == b',') {
            let name = name.trim_ascii();
            if !is_named(name) {
                all.extend_from_slice(b", ");
                all.extend_from_slice(name);
            }
        }
        if let Ok(all) = HeaderValue::from_bytes(&all) {
            headers.insert(VARY, all);
        }
    }
}

/// The request's fields that say who asks: what carries the credential, and, where a credential is bound to its sender, what
/// tells the sender.
fn vary(design: &Design) -> &'static str {
    let of_sender = match design.binding {
        BindingKind::None | BindingKind::Dpop | BindingKind::Mtls => {
            design.verify == VerifyKind::Introspect
        }
        BindingKind::Bcrypt | BindingKind::Md5 | BindingKind::Sha256 | BindingKind::Blake3 => true,
    };
    let dpop = design.binding == BindingKind::Dpop;
    match (design.credential, of_sender) {
        (CredentialKind::Session, false) => "Authorization, Cookie",
        (CredentialKind::Session, true) => "Authorization, Cookie, User-Agent, X-Forwarded-For",
        (CredentialKind::ApiKey, false) => "Authorization, X-API-Key",
        (CredentialKind::ApiKey, true) => "Authorization, X-API-Key, User-Agent, X-Forwarded-For",
        (_, true) if dpop => "Authorization, DPoP, User-Agent, X-Forwarded-For",
        (_, false) if dpop => "Authorization, DPoP",
        (_, true) => "Authorization, User-Agent, X-Forwarded-For",
        (_, false) => "Authorization",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_it_says_itself_and_gets_what_it_does_not_say() {
        let caching = Caching::private(&Design::default());
        for (control, own, said, vary) in [
            ("", &[][..], "private", "Authorization"),
            ("max-age=60", &[], "max-age=60", "Authorization"),
            (
                "public",
                &["Accept-Encoding"],
                "public",
                "Accept-Encoding, Authorization",
            ),
            (
                "",
                &["Accept", "Origin"],
                "private",
                "Accept, Origin, Authorization",
            ),
            ("no-store", &["*"], "no-store", "*"),
            (
                "private, max-age=60",
                &["Authorization, Accept"],
                "private, max-age=60",
                "Authorization, Accept",
            ),
            ("", &["authorization"], "private", "authorization"),
        ] {
            let mut headers = HeaderMap::new();
            if !control.is_empty() {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
            }
            for own in own {
                headers.append(VARY, HeaderValue::from_static(own));
            }
            caching.complete(&mut headers);
            assert_eq!(headers.get_all(CACHE_CONTROL).iter().count(), 1);
            assert_eq!(headers.get_all(VARY).iter().count(), 1);
            assert_eq!(headers[CACHE_CONTROL], said);
            assert_eq!(headers[VARY], vary);
        }
    }
}
