//! The cookies of one user at one server: RFC 6265 §5, in octets.
//!
//! The prefixes `__Secure-` and `__Host-` and the limits of size are those of RFC 6265bis. Public suffixes
//! are known only as far as a list is not needed: a single label is one.

mod date;

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};
use url::{Host, Url};

/// RFC 6265 §6.1 asks for at least 50; Chromium and Firefox keep 180. A server must not fill our memory.
const MOST_COOKIES_OF_DOMAIN: usize = 180;
/// RFC 6265bis §5.6: name and value together.
const MOST_COOKIE_BYTES: usize = 4096;
/// RFC 6265bis §5.6: a longer attribute is as if it were not there.
const MOST_ATTRIBUTE_BYTES: usize = 1024;

/// The cookies a server has set, in the order in which they were created.
#[derive(Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
    /// Counts accesses, to tell which cookie was not used for the longest time.
    accesses: u64,
}

struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    domain: String,
    /// Sent to this very host and to none of its subdomains.
    is_host_only: bool,
    path: String,
    is_secure: bool,
    /// Milliseconds since 1970; none for the length of the session.
    expires: Option<i64>,
    accessed: u64,
}

/// A `Set-Cookie` header as RFC 6265 §5.2 reads it.
#[derive(Default)]
struct Parsed<'h> {
    name: &'h [u8],
    value: &'h [u8],
    /// Seconds since 1970.
    expires: Option<i64>,
    /// Seconds.
    max_age: Option<i64>,
    domain: Option<String>,
    path: Option<String>,
    is_secure: bool,
}

impl Jar {
    pub(super) fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.cookies.clear();
    }

    /// What its cookies hold, where that is text.
    pub(super) fn values(&self) -> impl Iterator<Item = String> {
        let values = self.cookies.iter().map(|cookie| cookie.value.clone());
        values.filter_map(|value| String::from_utf8(value).ok())
    }

    /// Keeps what an answer from `url` sets.
    pub(super) fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            self.set(url, value.as_bytes(), now());
        }
    }

    /// The `Cookie` header of a request to `url` that has `own` cookies already: one field has both, and a
    /// cookie of the jar is left out where the request has its own of the name.
    pub(super) fn header<'h>(
        &mut self,
        url: &Url,
        own: impl Iterator<Item = &'h HeaderValue>,
    ) -> Option<HeaderValue> {
        let own: Vec<&[u8]> = own.map(HeaderValue::as_bytes).collect();
        let own = own.join(&b"; "[..]);
        let names: Vec<&[u8]> = own.split(|byte| *byte == b';').map(name_of).collect();
        let mut sent = own.clone();
        for cookie in self.sent_to(url, now()) {
            if !names.contains(&cookie.name.as_slice()) {
                if !sent.is_empty() {
                    sent.extend_from_slice(b"; ");
                }
                sent.extend_from_slice(&cookie.name);
                sent.push(b'=');
                sent.extend_from_slice(&cookie.value);
            }
        }
        (!sent.is_empty()).then(|| HeaderValue::from_bytes(&sent).ok())?
    }

    /// RFC 6265 §5.3.
    fn set(&mut self, url: &Url, line: &[u8], now: i64) {
        let Some(parsed) = Parsed::read(line) else {
            return;
        };
        let Some(host) = url.host() else { return };
        let (domain, is_host_only) = match &parsed.domain {
            None => (host.to_string(), true),
            Some(domain) if *domain == host.to_string() => (domain.clone(), !domain.contains('.')),
            Some(domain) if domain.contains('.') && domain_matches(&host, domain) => {
                (domain.clone(), false)
            }
            // Another server's domain, or a public suffix.
            Some(_) => return,
        };
        let path = parsed.path.clone().unwrap_or_else(|| default_path(url));
        let is_allowed = !parsed.is_secure || is_secure(url);
        let is_small = parsed.name.len() + parsed.value.len() <= MOST_COOKIE_BYTES;
        if !is_allowed || !is_small || !parsed.keeps_prefix(&path) {
            return;
        }
        let expires = match parsed.max_age {
            Some(seconds) if seconds <= 0 => Some(i64::MIN),
            Some(seconds) => Some(now.saturating_add(seconds.saturating_mul(1000))),
            None => parsed.expires.map(|seconds| seconds.saturating_mul(1000)),
        };
        self.accesses += 1;
        let cookie = Cookie {
            name: parsed.name.to_vec(),
            value: parsed.value.to_vec(),
            domain,
            is_host_only,
            path,
            is_secure: parsed.is_secure,
            expires,
            accessed: self.accesses,
        };
        let domain = cookie.domain.clone();
        let mut cookies = self.cookies.iter_mut();
        match cookies.find(|old| old.is_same(&cookie)) {
            // It keeps its place, which is its creation time.
            Some(old) => *old = cookie,
            None => self.cookies.push(cookie),
        }
        self.evict(&domain, now);
    }

    /// Removes what has expired, and then, where the domain has too many cookies, the one that was not
    /// used for the longest time.
    fn evict(&mut self, domain: &str, now: i64) {
        self.cookies.retain(|cookie| !cookie.is_expired(now));
        let places = self.cookies.iter().enumerate();
        let of_domain = places.filter(|(_, cookie)| cookie.domain == domain);
        if of_domain.clone().count() > MOST_COOKIES_OF_DOMAIN
            && let Some((oldest, _)) = of_domain.min_by_key(|(_, cookie)| cookie.accessed)
        {
            self.cookies.remove(oldest);
        }
    }

    /// RFC 6265 §5.4: what is sent to `url`, those with longer paths first and then those created earlier.
    fn sent_to(&mut self, url: &Url, now: i64) -> Vec<&Cookie> {
        self.accesses += 1;
        let accesses = self.accesses;
        self.cookies.retain(|cookie| !cookie.is_expired(now));
        let mut sent = Vec::new();
        for cookie in &mut self.cookies {
            if cookie.matches(url) {
                cookie.accessed = accesses;
                sent.push(&*cookie);
            }
        }
        // Stable: creation decides between paths of one length.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent
    }
}

impl Cookie {
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.domain == other.domain && self.path == other.path
    }

    fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn matches(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let is_of_host = if self.is_host_only {
            host.to_string() == self.domain
        } else {
            domain_matches(&host, &self.domain)
        };
        is_of_host && path_matches(url.path(), &self.path) && (!self.is_secure || is_secure(url))
    }
}

impl<'h> Parsed<'h> {
    fn read(line: &'h [u8]) -> Option<Self> {
        let mut parts = line.split(|byte| *byte == b';');
        let pair = parts.next()?;
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let mut parsed = Self {
            name: trimmed(&pair[..equals]),
            value: trimmed(&pair[equals + 1..]),
            ..Self::default()
        };
        if parsed.name.is_empty() {
            return None;
        }
        // The last of several attributes of a name counts.
        for attribute in parts {
            let (name, value) = match attribute.iter().position(|byte| *byte == b'=') {
                Some(equals) => (&attribute[..equals], trimmed(&attribute[equals + 1..])),
                None => (attribute, &[][..]),
            };
            if value.len() > MOST_ATTRIBUTE_BYTES {
                continue;
            }
            match trimmed(name).to_ascii_lowercase().as_slice() {
                b"expires" => parsed.expires = date::parse(value).or(parsed.expires),
                b"max-age" => parsed.max_age = max_age(value).or(parsed.max_age),
                b"domain" => {
                    let domain = value.strip_prefix(b".").unwrap_or(value);
                    let domain = String::from_utf8_lossy(domain).to_ascii_lowercase();
                    if !domain.is_empty() {
                        parsed.domain = Some(domain);
                    }
                }
                b"path" => {
                    let path = String::from_utf8_lossy(value).into_owned();
                    parsed.path = Some(path).filter(|path| path.starts_with('/'));
                }
                b"secure" => parsed.is_secure = true,
                _ => {}
            }
        }
        Some(parsed)
    }

    /// RFC 6265bis §4.1.3: what a name with a prefix promises.
    fn keeps_prefix(&self, path: &str) -> bool {
        let has = |prefix: &[u8]| {
            let start = self.name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if has(b"__Host-") {
            return self.is_secure && self.domain.is_none() && path == "/" && self.path.is_some();
        }
        !has(b"__Secure-") || self.is_secure
    }
}

/// The name and the value that a `Set-Cookie` header sets, without surrounding white space.
pub(super) fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let parsed = Parsed::read(line)?;
    Some((parsed.name, parsed.value))
}

fn name_of(pair: &[u8]) -> &[u8] {
    trimmed(pair.split(|byte| *byte == b'=').next().unwrap_or_default())
}

/// Without the white space of RFC 5234 around it.
fn trimmed(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// RFC 6265 §5.2.2: a number, or the attribute is ignored. One that is too great lasts for ever.
fn max_age(value: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if !digits.iter().all(u8::is_ascii_digit) || digits.is_empty() {
        return None;
    }
    if is_negative {
        return Some(i64::MIN);
    }
    Some(str::from_utf8(digits).ok()?.parse().unwrap_or(i64::MAX))
}

/// RFC 6265 §5.1.3. An address matches itself alone.
fn domain_matches(host: &Host<&str>, domain: &str) -> bool {
    match host {
        Host::Domain(host) => {
            let before = host.strip_suffix(domain);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        }
        address => address.to_string() == domain,
    }
}

/// RFC 6265 §5.1.4.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(last) => url.path()[..last].to_owned(),
    }
}

/// RFC 6265 §5.1.4.
fn path_matches(path: &str, of_cookie: &str) -> bool {
    path.strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

/// Whether a connection is one for `Secure` cookies: TLS, or the loopback, which browsers and curl trust.
fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || url.host().is_some_and(|host| match host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        })
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
