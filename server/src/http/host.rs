//! The server that a request names: its `Host` field, or the authority of an absolute target.

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};
use axum::response::Response;

use super::answers::{no_store, problem};
use super::head::{only, whole};
use crate::bytes::letters_digits_and;

/// The answer to a request that names no server, or more than one (RFC 9112 §3.2): servers before and behind this one may
/// take different ones of them.
pub(crate) fn unnamed(head: &Parts) -> Option<Response> {
    let mut fields = head.headers.get_all(HOST).iter();
    let authority = head.uri.authority();
    let is_http2 = head.version == Version::HTTP_2;
    let named = match (fields.next(), fields.next()) {
        // HTTP/2 may say it twice, and must then say the same (RFC 9113 §8.3.1).
        (Some(host), None) => {
            let said = authority.filter(|_| is_http2);
            let same = |said: &Authority| said.as_str().as_bytes() == host.as_bytes();
            is_host(host.as_bytes()) && said.is_none_or(same)
        }
        // HTTP/1.0 had no such field, and HTTP/2 has `:authority` in its place.
        (None, _) => head.version < Version::HTTP_11 || is_http2 && authority.is_some(),
        (Some(_), Some(_)) => false,
    };
    // An address with a user in it is how a name is made to look like another (RFC 9110 §4.2.4).
    if named && authority.is_none_or(|authority| is_host(authority.as_str().as_bytes())) {
        return None;
    }
    // A cache whose key leaves the field out must not give this answer to others.
    Some(no_store(problem(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "Expected one Host header with a host and, optionally, a port",
    )))
}

/// The host and port that a request is for: those of an absolute target win (RFC 9112 §3.2.2).
pub(super) fn of(parts: &Parts) -> Option<&str> {
    if let Some(authority) = whole(parts).authority() {
        return Some(authority.as_str());
    }
    only(&parts.headers, &HOST)
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2), with a host that is not empty. A comma is left out of what RFC 3986 allows in a
/// name: it is how two fields look that a proxy made one of.
fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| matches!(byte, b':' | b']')) {
        Some(at) if text[at] == b':' => (&text[..at], &text[at + 1..]),
        _ => (text, &[][..]),
    };
    is_port(port) && (is_name(host) || is_ipv6(host))
}

/// `*DIGIT` (RFC 3986 §3.2.3), of a number that a port can have.
fn is_port(digits: &[u8]) -> bool {
    let mut port: u32 = 0;
    digits.iter().all(|byte| {
        port = 10 * port + u32::from(byte.wrapping_sub(b'0'));
        byte.is_ascii_digit() && u16::try_from(port).is_ok()
    })
}

/// A name or an IPv4 address (RFC 3986 §3.2.2).
fn is_name(host: &[u8]) -> bool {
    static NAMES: [bool; 256] = letters_digits_and(b"-._~!$&'()*+;=");
    let mut bytes = host.iter();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut is_digit = || bytes.next().is_some_and(u8::is_ascii_hexdigit);
                is_digit() && is_digit()
            }
            _ => NAMES[usize::from(*byte)],
        };
        if !fits {
            return false;
        }
    }
    !host.is_empty()
}

fn is_ipv6(host: &[u8]) -> bool {
    let ip = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"))
        .and_then(|ip| std::str::from_utf8(ip).ok());
    ip.is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn a_request_names_one_server() {
        let refused = |version, target: &str, hosts: &[&[u8]]| {
            let mut request = Request::get(target).version(version);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            unnamed(&request.body(()).unwrap().into_parts().0)
                .map(|answer| answer.status().as_u16())
        };
        for host in [
            "x",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "a.example:",
            "a_b.example",
            "A%20b",
            "xn--bcher-kva.example:65535",
        ] {
            assert_eq!(
                refused(Version::HTTP_11, "/", &[host.as_bytes()]),
                None,
                "{host}"
            );
            assert_eq!(
                refused(Version::HTTP_10, "/", &[host.as_bytes()]),
                None,
                "{host}"
            );
        }
        for host in [
            &b""[..],
            b" ",
            b"a b",
            b"a, b",
            b"a,b",
            b"a/b",
            b"a@b",
            b"a?b",
            b"a#b",
            b"a\\b",
            b"b\xfccher.example",
            b"a:b",
            b"a:65536",
            b"a:-1",
            b"a:+1",
            b"a:1:2",
            b"::1",
            b"[::1",
            b"[x]",
            b"[::1]x",
            b"a]:1",
            b":80",
            b"http://a",
            b"a%2",
            b"a%zz",
            b"\"a\"",
            b"a\tb",
        ] {
            assert_eq!(
                refused(Version::HTTP_11, "/", &[host]),
                Some(400),
                "{host:?}"
            );
            assert_eq!(
                refused(Version::HTTP_10, "/", &[host]),
                Some(400),
                "{host:?}"
            );
        }
        assert_eq!(refused(Version::HTTP_11, "/", &[]), Some(400));
        assert_eq!(refused(Version::HTTP_11, "http://a/", &[]), Some(400));
        assert_eq!(refused(Version::HTTP_10, "/", &[]), None);
        for hosts in [
            [&b"a"[..], b"a"],
            [b"a", b"\xfc"],
            [b"\xfc", b"a"],
            [b"a", b""],
        ] {
            assert_eq!(
                refused(Version::HTTP_11, "/", &hosts),
                Some(400),
                "{hosts:?}"
            );
            assert_eq!(
                refused(Version::HTTP_10, "/", &hosts),
                Some(400),
                "{hosts:?}"
            );
        }
        // The authority of an absolute target wins, and need not be that of the field.
        assert_eq!(refused(Version::HTTP_11, "http://b:1/", &[b"a"]), None);
        assert_eq!(refused(Version::HTTP_11, "http://u@b/", &[b"a"]), Some(400));
    }

    /// In HTTP/2 it is the authority that names the server, and a field next to it says the same or is a trick.
    #[test]
    fn a_request_of_http_2_names_one_server() {
        let refused = |target: &str, hosts: &[&[u8]]| {
            let mut request = Request::get(target).version(Version::HTTP_2);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            unnamed(&request.body(()).unwrap().into_parts().0)
                .map(|answer| answer.status().as_u16())
        };
        for (target, hosts, expected) in [
            ("https://a:1/", &[][..], None),
            ("https://a:1/", &[&b"a:1"[..]], None),
            ("https://a:1/", &[b"a"], Some(400)),
            ("https://a:1/", &[b"a:1", b"a:1"], Some(400)),
            ("https://u@a/", &[], Some(400)),
            ("/", &[b"a"], None),
            ("/", &[], Some(400)),
        ] {
            assert_eq!(refused(target, hosts), expected, "{target} {hosts:?}");
        }
    }
}
