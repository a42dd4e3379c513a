//! The cookies of one user at one server (RFC 6265).

use cookie_store::CookieStore;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

/// RFC 6265 §6.1 asks for 50 a domain; a server must not fill our memory.
const MOST_COOKIES: usize = 50;
const MOST_COOKIE_BYTES: usize = 4096;

/// The cookies a server has set.
#[derive(Default)]
pub(super) struct Jar {
    /// None until the first comes: users without cookies pay nothing.
    store: Option<CookieStore>,
}

impl Jar {
    pub(super) fn is_empty(&self) -> bool {
        self.store.is_none()
    }

    pub(super) fn clear(&mut self) {
        self.store = None;
    }

    /// Keeps what an answer from `url` sets.
    pub(super) fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            let store = self.store.get_or_insert_with(CookieStore::new);
            if store.iter_any().count() >= MOST_COOKIES {
                forget_expired(store);
            }
            if text.len() <= MOST_COOKIE_BYTES && store.iter_any().count() < MOST_COOKIES {
                // A cookie that may not be set here is not kept, as in a browser.
                let _ = store.parse(text, url);
            }
        }
    }

    /// The `Cookie` header of a request to `url`.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let pairs: Vec<String> = self
            .store
            .as_ref()?
            .get_request_values(url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty())
            .then(|| HeaderValue::from_str(&pairs.join("; ")).ok())
            .flatten()
    }
}

/// The store keeps a cookie that the server has taken back, marked expired.
fn forget_expired(store: &mut CookieStore) {
    let expired: Vec<_> = store
        .iter_any()
        .filter(|cookie| cookie.is_expired())
        .map(|cookie| {
            (
                String::from(&cookie.domain),
                String::from(&cookie.path),
                cookie.name().to_owned(),
            )
        })
        .collect();
    for (domain, path, name) in expired {
        store.remove(&domain, &path, &name);
    }
}
