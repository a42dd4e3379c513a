//! A server's URL: scheme, host and port, taken apart and checked.

use authlab_reports::withhold;
use http::Uri;

use crate::target::{self, TargetError};

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `https` rather than `http`.
    pub secure: bool,
    /// A name or an address; IPv6 in brackets.
    pub host: String,
    /// The scheme's own where the URL says none.
    pub port: u16,
}

/// A URL that names no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// A password would stand in every report.
    #[error("a url with a user or password is not accepted; send a header, e.g. authorization")]
    Credentials,
    /// Not a URL of a web server.
    #[error("url `{url}` is not accepted; use http://host:port or https://host:port")]
    NotAUrl {
        /// What was given.
        url: String,
    },
    /// Its path or query cannot be sent.
    #[error("url `{url}` is not accepted: {cause}")]
    Target {
        /// What was given.
        url: String,
        /// What is wrong with it.
        cause: TargetError,
    },
}

const PORT_HTTP: u16 = 80;
const PORT_HTTPS: u16 = 443;

impl Origin {
    /// Takes a URL apart: its origin, and its path with the query as they are sent (`/` where it has none). A
    /// fragment is left out: it is never sent.
    ///
    /// # Errors
    /// It is not `http://` or `https://` with a host and at most a port, holds credentials, or has a path that
    /// cannot be sent.
    pub fn parse(url: &str) -> Result<(Self, String), OriginError> {
        let refused = || {
            if url.contains('@') {
                return OriginError::Credentials;
            }
            OriginError::NotAUrl {
                url: withhold::url(url),
            }
        };
        // The authority ends where a path, a query or a fragment begins (RFC 3986 §3.2).
        let (_, after) = url.split_once("://").ok_or_else(refused)?;
        let length = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (named, rest) = url.split_at(url.len() - after.len() + length);
        let uri: Uri = named.parse().map_err(|_| refused())?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refused()),
        };
        let authority = uri.authority().ok_or_else(refused)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port(secure),
            Some(_) => authority
                .port_u16()
                .filter(|port| *port > 0)
                .ok_or_else(refused)?,
            None => return Err(refused()),
        };
        if authority.host().is_empty() {
            return Err(refused());
        }
        let asked = rest.split('#').next().unwrap_or_default();
        let asked = if asked.starts_with('/') {
            target::path(asked)
        } else {
            target::path(&format!("/{asked}"))
        };
        let path = asked.map_err(|cause| OriginError::Target {
            url: withhold::url(url),
            cause,
        })?;
        let origin = Self {
            secure,
            host: authority.host().to_owned(),
            port,
        };
        Ok((origin, path))
    }

    /// What is connected to: `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// As requests name it: without the port that the scheme implies.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == default_port(self.secure) {
            self.host.clone()
        } else {
            self.address()
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { PORT_HTTPS } else { PORT_HTTP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_its_origin_and_its_path() {
        let table = [
            ("http://h:8080", "h:8080", "http://h:8080", "/"),
            ("http://h", "h:80", "http://h", "/"),
            ("https://h/a?b=c", "h:443", "https://h", "/a?b=c"),
            ("https://h:80/", "h:80", "https://h:80", "/"),
            (
                "http://[::1]:8080/x",
                "[::1]:8080",
                "http://[::1]:8080",
                "/x",
            ),
            ("http://h:1?x=1", "h:1", "http://h:1", "/?x=1"),
            ("http://h?x=/", "h:80", "http://h", "/?x=/"),
            ("http://h:1/a?b#c", "h:1", "http://h:1", "/a?b"),
            ("http://h:1#c?d/", "h:1", "http://h:1", "/"),
            ("http://h//a", "h:80", "http://h", "//a"),
            (
                "http://h/\u{f6}?\u{f6}",
                "h:80",
                "http://h",
                "/%C3%B6?%C3%B6",
            ),
            ("HTTP://h/a", "h:80", "http://h", "/a"),
        ];
        for (url, address, shown, path) in table {
            let (origin, rest) = Origin::parse(url).unwrap();
            assert_eq!(origin.address(), address, "{url}");
            assert_eq!(origin.to_string(), shown, "{url}");
            assert_eq!(rest, path, "{url}");
        }
    }

    #[test]
    fn what_names_no_server_is_refused_and_a_password_is_never_repeated() {
        for url in [
            "",
            "h:8080",
            "/a",
            "ftp://h",
            "http://",
            "http://:80",
            "http://h:",
            "http://h:0",
            "http://h:99999",
            "http://a b",
        ] {
            let said = Origin::parse(url).unwrap_err().to_string();
            assert!(said.contains("use http://host:port or https://"), "{said}");
        }
        for url in [
            "http://h/a b",
            "http://h?a b",
            "http://h/a\tb",
            "http://h/a b@c",
        ] {
            let said = Origin::parse(url).unwrap_err().to_string();
            assert!(said.contains("a path cannot hold"), "{url}: {said}");
        }
        for url in ["http://user:s3cret@h", "ftp://user:s3cret@h", "u:s3cret@"] {
            let said = Origin::parse(url).unwrap_err().to_string();
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
