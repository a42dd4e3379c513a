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
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    /// The `Cookie` header of a request to `url` after one answer from each address.
    fn sent(answers: &[(&str, &[u8])], url: &str) -> String {
        let mut jar = Jar::default();
        for (from, line) in answers {
            jar.set(&Url::parse(from).unwrap(), line, NOW);
        }
        sent_by(&mut jar, url)
    }

    fn sent_by(jar: &mut Jar, url: &str) -> String {
        let cookies = jar.sent_to(&Url::parse(url).unwrap(), NOW).into_iter();
        let pairs = cookies.map(|cookie| {
            let pair = [&cookie.name[..], b"=", &cookie.value[..]].concat();
            pair.escape_ascii().to_string()
        });
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Where the answer came from, what it sets, where the request goes, what it sends.
    const COOKIES: &[(&str, &[u8], &str, &str)] = &[
        // §5.2: names and values.
        ("http://a.test/", b"a=1", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b" \ta \t=\t 1 2 \t; x",
            "http://a.test/",
            "a=1 2",
        ),
        ("http://a.test/", b"a=1=2", "http://a.test/", "a=1=2"),
        ("http://a.test/", b"a=", "http://a.test/", "a="),
        (
            "http://a.test/",
            b"a=\"1 , 2\"",
            "http://a.test/",
            "a=\\\"1 , 2\\\"",
        ),
        ("http://a.test/", b"=1", "http://a.test/", ""),
        ("http://a.test/", b" =1", "http://a.test/", ""),
        ("http://a.test/", b"a", "http://a.test/", ""),
        ("http://a.test/", b"", "http://a.test/", ""),
        ("http://a.test/", b"; a=1", "http://a.test/", ""),
        (
            "http://a.test/",
            "a=\u{e9}".as_bytes(),
            "http://a.test/",
            "a=\\xc3\\xa9",
        ),
        (
            "http://a.test/",
            b"\xe9=\xff",
            "http://a.test/",
            "\\xe9=\\xff",
        ),
        // §5.2.1 and §5.2.2: the end.
        (
            "http://a.test/",
            b"a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; expires=sun 6 nov 1994 8:49:37 +0000",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Expires=Fri, 01 Jan 2100 00:00:00 UTC",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Expires=never",
            "http://a.test/",
            "a=1",
        ),
        ("http://a.test/", b"a=1; Expires=0", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b"a=1; MAX-AGE \t=\t0 ",
            "http://a.test/",
            "",
        ),
        ("http://a.test/", b"a=1; Max-Age=-1", "http://a.test/", ""),
        ("http://a.test/", b"a=1; Max-Age=1", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b"a=1; Max-Age=99999999999999999999",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=-99999999999999999999",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=0x",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=+0",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=0.0",
            "http://a.test/",
            "a=1",
        ),
        ("http://a.test/", b"a=1; Max-Age=-", "http://a.test/", "a=1"),
        ("http://a.test/", b"a=1; Max-Age", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b"a=1; Max-Age=0; Max-Age=9",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=9; Max-Age=0",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=0; Max-Age=no",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=9; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Max-Age=no; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            "http://a.test/",
            "",
        ),
        // §5.1.3 and §5.2.3: the domain.
        ("http://a.test/", b"a=1", "http://b.a.test/", ""),
        (
            "http://a.test/",
            b"a=1; Domain=a.test",
            "http://b.a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; domain=.A.TEST",
            "http://b.a.test/",
            "a=1",
        ),
        (
            "http://b.a.test/",
            b"a=1; Domain=a.test",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://b.a.test/",
            b"a=1; Domain=a.test",
            "http://c.a.test/",
            "a=1",
        ),
        (
            "http://ba.test/",
            b"a=1; Domain=a.test",
            "http://ba.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Domain=b.a.test",
            "http://a.test/",
            "",
        ),
        (
            "http://a.test/",
            b"a=1; Domain=b.test",
            "http://a.test/",
            "",
        ),
        ("http://a.test/", b"a=1; Domain=test", "http://a.test/", ""),
        (
            "http://a.test/",
            b"a=1; Domain=a.test.",
            "http://a.test/",
            "",
        ),
        ("http://a.test/", b"a=1; Domain=", "http://a.test/", "a=1"),
        ("http://a.test/", b"a=1; Domain=", "http://b.a.test/", ""),
        ("http://a.test/", b"a=1; Domain", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b"a=1; Domain=b.test; Domain=a.test",
            "http://a.test/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Domain=a.test; Domain=b.test",
            "http://a.test/",
            "",
        ),
        (
            "http://localhost/",
            b"a=1; Domain=localhost",
            "http://localhost/",
            "a=1",
        ),
        (
            "http://localhost/",
            b"a=1; Domain=localhost",
            "http://b.localhost/",
            "",
        ),
        (
            "http://127.0.0.1/",
            b"a=1; Domain=127.0.0.1",
            "http://127.0.0.1/",
            "a=1",
        ),
        (
            "http://127.0.0.1/",
            b"a=1; Domain=0.0.1",
            "http://127.0.0.1/",
            "",
        ),
        ("http://[::1]/", b"a=1", "http://[::1]/", "a=1"),
        ("http://a.test:81/", b"a=1", "http://a.test:82/", "a=1"),
        // §5.1.4 and §5.2.4: the path.
        ("http://a.test/x/y", b"a=1", "http://a.test/x", "a=1"),
        ("http://a.test/x/y", b"a=1", "http://a.test/x/", "a=1"),
        ("http://a.test/x/y", b"a=1", "http://a.test/x/y/z", "a=1"),
        ("http://a.test/x/y", b"a=1", "http://a.test/xy", ""),
        ("http://a.test/x/y", b"a=1", "http://a.test/", ""),
        ("http://a.test/x/", b"a=1", "http://a.test/x", "a=1"),
        ("http://a.test/x", b"a=1", "http://a.test/", "a=1"),
        ("http://a.test/x?q=/y/z", b"a=1", "http://a.test/", "a=1"),
        ("http://a.test/x/y", b"a=1; Path=/", "http://a.test/", "a=1"),
        (
            "http://a.test/",
            b"a=1; PATH = /x ",
            "http://a.test/x?q",
            "a=1",
        ),
        ("http://a.test/", b"a=1; Path=/x/", "http://a.test/x", ""),
        (
            "http://a.test/",
            b"a=1; Path=/x/",
            "http://a.test/x/y",
            "a=1",
        ),
        ("http://a.test/", b"a=1; Path=/X", "http://a.test/x", ""),
        (
            "http://a.test/x/y",
            b"a=1; Path=",
            "http://a.test/x/z",
            "a=1",
        ),
        ("http://a.test/x/y", b"a=1; Path=z", "http://a.test/", ""),
        ("http://a.test/x/y", b"a=1; Path", "http://a.test/", ""),
        (
            "http://a.test/",
            b"a=1; Path=/x; Path=/y",
            "http://a.test/y",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; Path=/x; Path=y",
            "http://a.test/",
            "a=1",
        ),
        // §5.2.5 and §5.2.6: how it is sent.
        ("https://a.test/", b"a=1; Secure", "https://a.test/", "a=1"),
        ("https://a.test/", b"a=1; sEcUrE=no", "http://a.test/", ""),
        ("http://a.test/", b"a=1; Secure", "https://a.test/", ""),
        (
            "http://127.0.0.1/",
            b"a=1; Secure",
            "http://127.0.0.1/",
            "a=1",
        ),
        (
            "http://a.test/",
            b"a=1; HttpOnly; SameSite=Strict; x=y",
            "http://a.test/",
            "a=1",
        ),
        // RFC 6265bis §4.1.3.
        ("https://a.test/", b"__Secure-a=1", "https://a.test/", ""),
        (
            "https://a.test/",
            b"__Secure-a=1; Secure",
            "https://a.test/",
            "__Secure-a=1",
        ),
        (
            "https://a.test/",
            b"__Host-a=1; Secure; Path=/",
            "https://a.test/",
            "__Host-a=1",
        ),
        (
            "https://a.test/",
            b"__host-a=1; Path=/",
            "https://a.test/",
            "",
        ),
        (
            "https://a.test/",
            b"__Host-a=1; Secure",
            "https://a.test/",
            "",
        ),
        (
            "https://a.test/",
            b"__Host-a=1; Secure; Path=/x",
            "https://a.test/x",
            "",
        ),
        (
            "https://a.test/",
            b"__Host-a=1; Secure; Path=/; Domain=a.test",
            "https://a.test/",
            "",
        ),
    ];

    #[test]
    fn one_cookie_is_read_kept_and_sent_as_rfc_6265_says() {
        for (from, line, to, cookie) in COOKIES {
            let line_shown = line.escape_ascii();
            assert_eq!(
                sent(&[(from, line)], to),
                *cookie,
                "{from} {line_shown} {to}"
            );
        }
    }

    #[test]
    fn cookies_are_sent_with_longer_paths_first_and_then_in_the_order_of_their_creation() {
        let from = |line: &'static str| ("http://a.test/x/y", line.as_bytes());
        let cases: &[(&[&str], &str)] = &[
            (&["a=1; Path=/", "a=2; Path=/x"], "a=2; a=1"),
            (&["a=2; Path=/x", "a=1; Path=/"], "a=2; a=1"),
            (&["b=1; Path=/", "a=2; Path=/"], "b=1; a=2"),
            (&["c=1", "b=2", "a=3"], "c=1; b=2; a=3"),
            // A cookie that is set again keeps its creation time (§5.3, step 11.3).
            (&["b=1", "a=2", "b=3"], "b=3; a=2"),
            // Unless it had been removed.
            (&["b=1", "a=2", "b=; Max-Age=0", "b=3"], "a=2; b=3"),
            (
                &["a=1; Domain=a.test; Path=/x", "a=2; Path=/x/y"],
                "a=2; a=1",
            ),
            (&["a=1", "A=2"], "a=1; A=2"),
        ];
        for (lines, cookie) in cases {
            let answers: Vec<_> = lines.iter().map(|line| from(line)).collect();
            assert_eq!(sent(&answers, "http://a.test/x/y"), *cookie, "{lines:?}");
        }
    }

    #[test]
    fn a_domain_that_has_too_many_cookies_loses_the_one_that_was_not_used_for_the_longest_time() {
        let (other, url) = ("http://a.test/other", "http://a.test/");
        let mut jar = Jar::default();
        let set = |jar: &mut Jar, line: String| {
            jar.set(&Url::parse(url).unwrap(), line.as_bytes(), NOW);
        };
        for number in 0..MOST_COOKIES_OF_DOMAIN {
            let path = if number == 0 { "/other" } else { "/" };
            set(&mut jar, format!("c{number}=1; Path={path}"));
        }
        // It uses the first one, and all others.
        sent_by(&mut jar, other);
        sent_by(&mut jar, url);
        set(&mut jar, "new=1".to_owned());
        assert_eq!(jar.cookies.len(), MOST_COOKIES_OF_DOMAIN);
        assert!(!sent_by(&mut jar, other).contains("c0="));
        // What has expired goes first, and a cookie that is removed makes room.
        set(&mut jar, "c7=; Max-Age=0".to_owned());
        set(&mut jar, "newer=1".to_owned());
        let all = sent_by(&mut jar, url);
        assert!(all.contains("c1=") && all.contains("newer="), "{all}");
        // 4096 octets of name and value, and no more.
        for (length, kept) in [(MOST_COOKIE_BYTES - 1, true), (MOST_COOKIE_BYTES, false)] {
            let mut jar = Jar::default();
            set(&mut jar, format!("n={}; HttpOnly", "v".repeat(length)));
            assert_eq!(jar.is_empty(), !kept, "{length}");
        }
    }

    #[test]
    fn a_request_has_one_field_for_its_own_cookies_and_those_of_the_jar() {
        let url = Url::parse("http://a.test/").unwrap();
        let mut jar = Jar::default();
        jar.set(&url, b"a=1", NOW);
        jar.set(&url, b"b=\xff", NOW);
        let cases: &[(&[&'static str], &[u8])] = &[
            (&[], b"a=1; b=\xff"),
            (&["own=2"], b"own=2; a=1; b=\xff"),
            (&["own=2", "two=3"], b"own=2; two=3; a=1; b=\xff"),
            (&["x=1; a=own"], b"x=1; a=own; b=\xff"),
        ];
        for (own, sent) in cases {
            let own: Vec<_> = own
                .iter()
                .map(|own| HeaderValue::from_static(own))
                .collect();
            let field = jar.header(&url, own.iter()).unwrap();
            assert_eq!(field.as_bytes(), *sent);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_can_be_sent(line in proptest::collection::vec(32u8.., 0..80)) {
            let url = Url::parse("http://a.test/").unwrap();
            let mut jar = Jar::default();
            let Ok(value) = HeaderValue::from_bytes(&line) else { return Ok(()) };
            jar.set(&url, value.as_bytes(), NOW);
            let is_sent = !jar.sent_to(&url, NOW).is_empty();
            let field = jar.header(&url, std::iter::empty());
            proptest::prop_assert!(!is_sent || now() > NOW || field.is_some());
        }
    }
}
