//! Where a server listens and what it speaks there, ready to be connected to.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::shared::Shared;
use super::tls::{Tls, TlsError};
use crate::origin::Origin;
use crate::protocol::{HttpVersion, Protocol};

/// A server as its users connect to it.
pub(crate) struct Endpoint {
    /// What is connected to: `host:port`.
    pub(crate) address: String,
    /// What is connected to when nothing listens there.
    pub(crate) second: Option<SocketAddr>,
    /// As requests name it; where the certificate has a name of its own, by that.
    pub(crate) origin: Origin,
    pub(crate) http: HttpVersion,
    /// None in the clear.
    pub(crate) tls: Option<Tls>,
    /// Its connections that several users share.
    pub(super) shared: Shared,
}

/// Where commands listen.
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// What the certificate of a command is for, when nothing else is said.
const LOOPBACK_NAME: &str = "localhost";

impl Endpoint {
    /// A server that runs already.
    pub(crate) fn of_url(origin: &Origin, protocol: &Protocol) -> Result<Self, TlsError> {
        Self::new(origin.address(), None, origin.clone(), protocol)
    }

    /// A server started here on `port`, known to itself as `host`.
    pub(crate) fn of_command(
        port: u16,
        host: Option<&str>,
        protocol: &Protocol,
    ) -> Result<Self, TlsError> {
        let loopback = match protocol.tls {
            Some(_) => LOOPBACK_NAME.to_owned(),
            None => LOOPBACK.to_string(),
        };
        let origin = Origin {
            secure: protocol.tls.is_some(),
            host: host.map_or(loopback, str::to_owned),
            port,
        };
        // A command may listen on `localhost`, which is the one or the other.
        let second = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        Self::new(format!("{LOOPBACK}:{port}"), Some(second), origin, protocol)
    }

    fn new(
        address: String,
        second: Option<SocketAddr>,
        origin: Origin,
        protocol: &Protocol,
    ) -> Result<Self, TlsError> {
        let tls = protocol.tls.as_ref();
        Ok(Self {
            tls: tls
                .map(|trust| {
                    let client = protocol.client.as_ref();
                    Tls::new(trust, client, &origin.host, protocol.http)
                })
                .transpose()?,
            http: protocol.http,
            address,
            second,
            origin,
            shared: Shared::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Trust;

    #[test]
    fn a_command_is_reached_on_loopback_and_called_as_its_host_says() {
        let secure = Protocol {
            tls: Some(Trust::Only(Vec::new())),
            ..Protocol::default()
        };
        let table = [
            (Protocol::default(), None, "http://127.0.0.1:8080"),
            (
                Protocol::default(),
                Some("api.example"),
                "http://api.example:8080",
            ),
            (secure.clone(), None, "https://localhost:8080"),
            (secure, Some("api.example"), "https://api.example:8080"),
        ];
        for (protocol, host, shown) in table {
            let endpoint = Endpoint::of_command(8080, host, &protocol).unwrap();
            assert_eq!(endpoint.origin.to_string(), shown);
            assert_eq!(endpoint.address, "127.0.0.1:8080");
            assert_eq!(endpoint.second, "[::1]:8080".parse().ok());
        }
    }
}
