//! An address of accounts: a URL as libpq takes it. It is parsed when the database is opened, and shown without its password.

use std::fmt;
use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::tls::Trust;

/// The form of an address, for messages.
pub(crate) const FORM: &str =
    "postgres://NAME[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=disable|prefer|require|verify-full]";

/// Where a `PostgreSQL` server is, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    shown: String,
}

impl Address {
    /// The parts of a URL, or what is wrong with it, without any part that may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(format!("not an address of accounts; accepted: {FORM}"));
        }
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots) = (None, None);
        let mut left = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(value),
                // Libpq knows it and this client does not: a writable server is what accounts need.
                Some(("target_session_attrs", "read-write" | "primary")) => {}
                Some(("target_session_attrs", _)) => {
                    return Err("target_session_attrs: accounts are written, so only read-write is accepted".to_owned());
                }
                _ => left.push(pair),
            }
        }
        let (ssl_mode, verified) = match mode {
            None | Some("prefer") => (SslMode::Prefer, false),
            Some("disable") => (SslMode::Disable, false),
            Some("require") => (SslMode::Require, false),
            Some("verify-full") => (SslMode::Require, true),
            // The value is not shown: it may be anything that was typed there.
            Some(_) => {
                return Err(
                    "sslmode is none of those accepted: disable, prefer, require, verify-full"
                        .to_owned(),
                );
            }
        };
        let trust = match (verified, roots) {
            (true, None | Some("system")) => Trust::System,
            (true, Some(file)) => Trust::File(decoded(file).into()),
            (false, None) => Trust::Any,
            (false, Some(_)) => {
                return Err("sslrootcert needs sslmode=verify-full".to_owned());
            }
        };
        let text = if left.is_empty() {
            place.to_owned()
        } else {
            format!("{place}?{}", left.join("&"))
        };
        let mut config: Config = text.parse().map_err(|error| wrong(&error))?;
        check(&config)?;
        config
            .ssl_mode(ssl_mode)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .application_name("authlab");
        let shown = shown(&config);
        Ok(Self {
            config,
            trust,
            shown,
        })
    }

    /// Whether somebody between here and another machine could take the server's place.
    pub(super) fn is_unverified(&self) -> bool {
        let is_near = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        };
        let hosts = self.config.get_hosts().iter().all(is_near);
        let addresses = self.config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        self.trust == Trust::Any && !(hosts && addresses)
    }
}

/// What is wrong with a URL. The parser names options and never their values.
fn wrong(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    let why = error
        .source()
        .map(|source| format!(" ({source})"))
        .unwrap_or_default();
    format!("not an address of accounts{why}; accepted: {FORM}")
}

fn check(config: &Config) -> Result<(), String> {
    let of_password = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
    if config.get_hosts().iter().any(of_password) {
        return Err("a name or a password with an @ in it is written with %40".to_owned());
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(format!("the address has no host; accepted: {FORM}"));
    }
    if config.get_user().is_none() {
        return Err(format!(
            "the address has no name to sign in as; accepted: {FORM}"
        ));
    }
    if config.get_dbname().is_none() {
        return Err(format!("the address names no database; accepted: {FORM}"));
    }
    Ok(())
}

/// Hosts, ports and database.
fn shown(config: &Config) -> String {
    let mut ports = config.get_ports().iter().copied();
    let mut port = || ports.next().unwrap_or(5432);
    let mut places: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", port()),
            Host::Tcp(name) => format!("{name}:{}", port()),
            Host::Unix(path) => format!("{}:{}", path.display(), port()),
        })
        .collect();
    if places.is_empty() {
        let addresses = config.get_hostaddrs().iter();
        places = addresses.map(ToString::to_string).collect();
    }
    let database = config.get_dbname().unwrap_or_default();
    format!("postgres://{}/{database}", places.join(","))
}

fn decoded(text: &str) -> String {
    // A pair of a query, whose `+` is a plus.
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    /// Its configuration holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_name_and_password_whatever_is_wrong_with_it() {
        for (url, expected) in [
            (
                "postgres://ann:hunter2@db/accounts",
                "postgres://db:5432/accounts",
            ),
            (
                "postgresql://ann:hunter2@[::1]:5433/a",
                "postgres://[::1]:5433/a",
            ),
            (
                "postgres://ann:hunter2@%2Frun%2Fpg/a",
                "postgres:///run/pg:5432/a",
            ),
            (
                "postgres://ann:hunter2@one,two:6/a",
                "postgres://one:5432,two:6/a",
            ),
            (
                "postgres://ann@db/a?password=hunter2",
                "postgres://db:5432/a",
            ),
            (
                "postgres://ann:hunter2@db/a?sslmode=require",
                "postgres://db:5432/a",
            ),
            (
                "postgres://ann:p@hunter2@db/a",
                "a name or a password with an @",
            ),
            (
                "postgres://ann:hunter2@db/a?sslmode=hunter2",
                "sslmode is none of",
            ),
            (
                "postgres://ann:hunter2@db/a?sslrootcert=/x",
                "sslrootcert needs sslmode",
            ),
            (
                "postgres://ann:hunter2@db:hunter2/a",
                "not an address of accounts (invalid value for option `port`)",
            ),
            (
                "postgres://hunter2",
                "the address has no name to sign in as",
            ),
            ("postgres://ann:hunter2@db", "the address names no database"),
            ("postgres://ann:hunter2@/a", "the address has no host"),
            (
                "postgres://ann:hunter2@db/a?target_session_attrs=any",
                "target_session_attrs: ",
            ),
            (
                "redis://ann:hunter2@db/a",
                "not an address of accounts; accepted: postgres://",
            ),
        ] {
            let said = match Address::parse(url) {
                Ok(address) => {
                    let debug = format!("{address:?} {:?}", address.config);
                    assert!(!debug.contains("hunter2"), "{url}: {debug}");
                    address.to_string()
                }
                Err(problem) => problem,
            };
            assert!(said.starts_with(expected), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{url}: {said}");
        }
    }

    #[test]
    fn the_modes_of_tls_are_those_of_libpq() {
        for (query, mode, trust) in [
            ("", SslMode::Prefer, Trust::Any),
            ("?sslmode=disable", SslMode::Disable, Trust::Any),
            ("?sslmode=prefer", SslMode::Prefer, Trust::Any),
            (
                "?connect_timeout=3&sslmode=require",
                SslMode::Require,
                Trust::Any,
            ),
            ("?sslmode=verify-full", SslMode::Require, Trust::System),
            (
                "?sslmode=verify-full&sslrootcert=system",
                SslMode::Require,
                Trust::System,
            ),
            (
                "?sslrootcert=%2Fetc%2Fa+b.pem&sslmode=verify-full",
                SslMode::Require,
                Trust::File("/etc/a+b.pem".into()),
            ),
        ] {
            let address = Address::parse(&format!("postgres://ann@db/a{query}")).unwrap();
            assert_eq!(address.config.get_ssl_mode(), mode, "{query}");
            assert_eq!(address.trust, trust, "{query}");
        }
    }
}
