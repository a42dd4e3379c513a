//! Proxies whose word on who sent a request counts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Addresses of proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Box<[IpNet]>);

/// A text that names no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address of a proxy; accepted: IP or IP/BITS, separated by commas")]
pub struct NotProxies(String);

impl Proxies {
    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this address is one of them; an IPv4 address over an IPv6 socket is the same.
    #[must_use]
    pub fn trust(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|proxies| proxies.contains(&ip))
    }

    /// Who sent what a trusted proxy passes on: the last address of its `X-Forwarded-For` that is none of theirs,
    /// since whatever stands before it may have come from anybody. `None` where that is no address.
    #[must_use]
    pub fn sender(&self, forwarded: &str) -> Option<IpAddr> {
        let mut first = None;
        for part in forwarded.rsplit(',') {
            let ip = address(part.trim())?;
            if !self.trust(ip) {
                return Some(ip);
            }
            first = Some(ip);
        }
        first
    }
}

/// An address as proxies write it: alone, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let socket = || text.parse().map(|socket: std::net::SocketAddr| socket.ip());
    text.parse().or_else(|_| socket()).ok()
}

impl FromStr for Proxies {
    type Err = NotProxies;

    fn from_str(typed: &str) -> Result<Self, NotProxies> {
        let net = |part: &str| {
            let part = part.trim();
            let one = part.parse::<IpAddr>().map(IpNet::from);
            one.or_else(|_| part.parse::<IpNet>())
        };
        let all: Result<Box<[IpNet]>, _> = typed.split(',').map(net).collect();
        all.map(Self).map_err(|_| NotProxies(typed.to_owned()))
    }
}

impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, net) in self.0.iter().enumerate() {
            write!(f, "{}{net}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl<'de> serde::Deserialize<'de> for Proxies {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_is_the_last_address_that_no_proxy_has() {
        let proxies: Proxies = "127.0.0.1, 10.0.0.0/8, ::1".parse().unwrap();
        let sender = |text| proxies.sender(text).map(|ip| ip.to_string());
        assert_eq!(sender("203.0.113.9").as_deref(), Some("203.0.113.9"));
        assert_eq!(
            sender("1.2.3.4, 203.0.113.9, 10.1.2.3").as_deref(),
            Some("203.0.113.9")
        );
        assert_eq!(sender("10.0.0.7, 10.1.2.3").as_deref(), Some("10.0.0.7"));
        assert_eq!(
            sender("203.0.113.9:4711, ::1").as_deref(),
            Some("203.0.113.9")
        );
        assert_eq!(sender("203.0.113.9, unknown"), None);
        assert_eq!(sender(""), None);
        assert!(proxies.trust("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!Proxies::default().trust("127.0.0.1".parse().unwrap()));
        for wrong in ["", "localhost", "10.0.0.0/33", "127.0.0.1,"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
    }
}
