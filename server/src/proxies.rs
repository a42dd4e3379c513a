//! Proxies whose word on who sent a request counts.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Addresses of proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Box<[IpNet]>);

/// A text that names no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProxies {
    /// It is none.
    #[error("`{0}` is not an address of a proxy; accepted: IP or IP/BITS, separated by commas")]
    NotAddress(String),
    /// An IPv4 address inside of an IPv6 one, whose prefix ends before it: a network of IPv6, in which no IPv4 address is.
    #[error("`{typed}` holds no IPv4 address: {reason}; accepted here: {accepted}")]
    NotIpv4 {
        /// The network.
        typed: String,
        /// Why not.
        reason: &'static str,
        /// What was perhaps meant.
        accepted: String,
    },
}

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
        self.sender_of(std::iter::once(forwarded.as_bytes()))
    }

    /// The same for all fields of that name: they are one list, in their order (RFC 9110 §5.3). Empty members are skipped
    /// (§5.6.1.2). Members to the left of the sender are not read, whatever octets they hold.
    pub(crate) fn sender_of<'a>(
        &self,
        fields: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let mut first = None;
        let members = fields
            .rev()
            .flat_map(|field| field.rsplit(|byte| *byte == b','));
        for member in members
            .map(without_blanks)
            .filter(|member| !member.is_empty())
        {
            let ip = address(member)?;
            if !self.trust(ip) {
                return Some(ip);
            }
            first = Some(ip);
        }
        first
    }
}

/// Without the blanks that may surround a member of a list (RFC 9110 §5.6.3).
pub(crate) fn without_blanks(member: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let from = member.iter().position(|byte| !is_blank(byte));
    let to = member.iter().rposition(|byte| !is_blank(byte));
    from.zip(to)
        .and_then(|(from, to)| member.get(from..=to))
        .unwrap_or_default()
}

/// An address as proxies write it: alone, with a port, or in the brackets of IPv6.
fn address(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?;
    let socket = || text.parse().map(|socket: SocketAddr| socket.ip()).ok();
    let in_brackets = || {
        let ip = text.strip_prefix('[')?.strip_suffix(']')?;
        ip.parse::<Ipv6Addr>().ok().map(IpAddr::from)
    };
    text.parse().ok().or_else(socket).or_else(in_brackets)
}

/// The bits before the IPv4 address in an IPv4-mapped one (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// A network in its one form, in which an address of a peer is looked for: without host bits, and IPv4 as IPv4.
fn canonical(typed: &str, net: IpNet) -> Result<IpNet, NotProxies> {
    let IpNet::V6(inner) = net else {
        return Ok(net.trunc());
    };
    let bits = inner.prefix_len();
    let refuse = |reason, accepted| NotProxies::NotIpv4 {
        typed: typed.to_owned(),
        reason,
        accepted,
    };
    if let Some(ip) = inner.addr().to_ipv4_mapped() {
        let as_ipv4 = bits.checked_sub(MAPPED_BITS);
        let as_ipv4 = as_ipv4.and_then(|bits| Ipv4Net::new(ip, bits).ok());
        return match as_ipv4 {
            Some(net) => Ok(IpNet::from(net).trunc()),
            // The bits of IPv4 after an address of IPv6.
            None if bits <= 32 => {
                let whole = MAPPED_BITS + bits;
                let accepted = format!("`{ip}/{bits}` or `::ffff:{ip}/{whole}`");
                Err(refuse(SHORT, accepted))
            }
            None => {
                let accepted = format!("`{ip}/0` to `{ip}/32`, or `::ffff:{ip}/96` to `/128`");
                Err(refuse(SHORT, accepted))
            }
        };
    }
    let is_compatible = typed.contains('.') && inner.addr().segments()[..6] == [0; 6];
    if is_compatible && let Some(ip) = inner.addr().to_ipv4() {
        return Err(refuse(COMPATIBLE, format!("`{ip}` or `::ffff:{ip}`")));
    }
    Ok(net.trunc())
}

const SHORT: &str = "the first 96 bits of an IPv4-mapped address come before it";
const COMPATIBLE: &str =
    "an IPv4-compatible address (RFC 4291 §2.5.5.1) is none that a peer can have";

impl FromStr for Proxies {
    type Err = NotProxies;

    fn from_str(typed: &str) -> Result<Self, NotProxies> {
        let net = |part: &str| {
            let part = part.trim();
            let one = part.parse::<IpAddr>().map(IpNet::from);
            let net = one.or_else(|_| part.parse::<IpNet>());
            let net = net.map_err(|_| NotProxies::NotAddress(typed.to_owned()))?;
            canonical(part, net)
        };
        let all: Result<Vec<IpNet>, _> = typed.split(',').map(net).collect();
        let mut all = all?;
        let mut known = HashSet::new();
        all.retain(|net| known.insert(*net));
        Ok(Self(all.into()))
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
    #[test]
    fn a_network_is_trusted_however_it_is_written() {
        for (typed, shown, ip) in [
            ("::ffff:127.0.0.1", "127.0.0.1/32", "127.0.0.1"),
            ("::ffff:7f00:1", "127.0.0.1/32", "::ffff:127.0.0.1"),
            ("::ffff:127.0.0.1/128", "127.0.0.1/32", "127.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8", "10.9.9.9"),
            ("::ffff:0:0/96", "0.0.0.0/0", "203.0.113.9"),
            ("10.1.2.3/8", "10.0.0.0/8", "10.9.9.9"),
            ("2001:db8::7/32", "2001:db8::/32", "2001:db8:1::1"),
            (
                "10.0.0.0/8,10.1.2.3/8, ::ffff:10.0.0.0/104",
                "10.0.0.0/8",
                "10.0.0.1",
            ),
        ] {
            let proxies: Proxies = typed.parse().unwrap();
            assert_eq!(proxies.to_string(), shown, "{typed}");
            assert!(proxies.trust(ip.parse().unwrap()), "{typed}");
        }
        let local: Proxies = "::ffff:127.0.0.1".parse().unwrap();
        assert!(!local.trust("127.0.0.2".parse().unwrap()));
        assert!(!local.trust("::1".parse().unwrap()));
    }

    #[test]
    fn a_network_of_ipv6_that_was_meant_as_ipv4_is_refused_with_what_is_meant() {
        for (typed, meant) in [
            (
                "::ffff:127.0.0.1/32",
                "`127.0.0.1/32` or `::ffff:127.0.0.1/128`",
            ),
            (
                "::ffff:7f00:1/32",
                "`127.0.0.1/32` or `::ffff:127.0.0.1/128`",
            ),
            (
                "::ffff:127.0.0.0/8",
                "`127.0.0.0/8` or `::ffff:127.0.0.0/104`",
            ),
            ("::ffff:0:0/0", "`0.0.0.0/0` or `::ffff:0.0.0.0/96`"),
            (
                "::ffff:0:0/95",
                "`0.0.0.0/0` to `0.0.0.0/32`, or `::ffff:0.0.0.0/96` to `/128`",
            ),
            (
                "::ffff:10.0.0.1/33",
                "`10.0.0.1/0` to `10.0.0.1/32`, or `::ffff:10.0.0.1/96` to `/128`",
            ),
            (
                "10.0.0.0/8, ::ffff:127.0.0.1/24",
                "`127.0.0.1/24` or `::ffff:127.0.0.1/120`",
            ),
            ("::127.0.0.1", "`127.0.0.1` or `::ffff:127.0.0.1`"),
            ("::10.0.0.0/104", "`10.0.0.0` or `::ffff:10.0.0.0`"),
        ] {
            let refused = typed.parse::<Proxies>().unwrap_err().to_string();
            assert!(
                refused.ends_with(&format!("; accepted here: {meant}")),
                "{typed}: {refused}"
            );
        }
        for fine in [
            "::/0",
            "::1",
            "::",
            "64:ff9b::10.0.0.1",
            "fe80::/10",
            "::ffff:0:0:0/32",
        ] {
            assert!(fine.parse::<Proxies>().is_ok(), "{fine}");
        }
    }

    #[test]
    fn several_fields_are_one_list_whose_empty_members_are_skipped() {
        let proxies: Proxies = "10.0.0.0/8".parse().unwrap();
        let sender = |fields: &[&[u8]]| {
            let sender = proxies.sender_of(fields.iter().copied());
            sender.map(|ip| ip.to_string())
        };
        let table: [(&[&[u8]], Option<&str>); 12] = [
            (&[b"203.0.113.9", b"10.1.2.3"], Some("203.0.113.9")),
            (&[b"1.2.3.4", b"203.0.113.9"], Some("203.0.113.9")),
            (
                &[b"1.2.3.4, 203.0.113.9", b"10.1.1.1, 10.2.2.2"],
                Some("203.0.113.9"),
            ),
            (
                &[b"203.0.113.9,,", b"", b" , \t,10.1.2.3"],
                Some("203.0.113.9"),
            ),
            (&[b"\xfc, 203.0.113.9"], Some("203.0.113.9")),
            (&[b"\xfc", b"203.0.113.9"], Some("203.0.113.9")),
            (&[b"[2001:db8::1]"], Some("2001:db8::1")),
            (&[b"203.0.113.9", b"\xfc"], None),
            (&[b"203.0.113.9\xa0"], None),
            (&[b"203.0.113.9 10.1.2.3"], None),
            (&[b"203.0.113.9", b"unknown"], None),
            (&[b"", b","], None),
        ];
        for (fields, expected) in table {
            assert_eq!(sender(fields).as_deref(), expected, "{fields:?}");
        }
    }
}
