//! Binding by unsalted digest, as the article's second stage does it: the same sender always gives the same text.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use md5::Digest as _;

use super::BindTo;
use crate::bound::{Bound, Seal, SealedSender};
use crate::denied::Denied;
use crate::request::Sender;

#[derive(Clone, Copy, Debug)]
pub(super) enum Digest {
    Md5,
    Sha256,
    Blake3,
}

#[derive(Debug)]
pub(crate) struct DigestBinding {
    pub(super) with: Digest,
    pub(super) to: BindTo,
}

impl DigestBinding {
    pub(super) fn seal(&self, sender: &Sender<'_>) -> SealedSender {
        SealedSender {
            user_agent: self.with.seal(sender.user_agent),
            ip: match self.to {
                BindTo::UserAgentAndIp => self
                    .with
                    .seal(AddressText::of(sender.canonical_ip()).as_bytes()),
                BindTo::UserAgent => Seal::default(),
            },
        }
    }

    pub(super) fn check(&self, bound: &Bound, sender: &Sender<'_>) -> Result<(), Denied> {
        let bound = bound.sender()?;
        let expected = self.seal(sender);
        let same_user_agent = expected.user_agent.matches(&bound.user_agent);
        let same_ip = match self.to {
            BindTo::UserAgentAndIp => expected.ip.matches(&bound.ip),
            BindTo::UserAgent => true,
        };
        if same_user_agent && same_ip {
            Ok(())
        } else {
            Err(Denied::WrongSender)
        }
    }
}

impl Digest {
    fn seal(self, input: &[u8]) -> Seal {
        match self {
            Self::Md5 => Seal::of_digest::<16>(md5::Md5::digest(input).into()),
            Self::Sha256 => Seal::of_digest::<32>(sha2::Sha256::digest(input).into()),
            Self::Blake3 => Seal::of_digest::<32>(blake3::hash(input).into()),
        }
    }
}

/// The longest address as text: an IPv6 address that ends in an IPv4 one.
const MOST_ADDRESS_BYTES: usize = 45;

/// An address as text, without allocating.
pub(super) struct AddressText {
    bytes: [u8; MOST_ADDRESS_BYTES],
    length: usize,
}

impl AddressText {
    pub(super) fn of(ip: IpAddr) -> Self {
        let mut bytes = [0; MOST_ADDRESS_BYTES];
        if let IpAddr::V4(ip) = ip {
            return Self::of_v4(ip, bytes);
        }
        let mut rest = bytes.as_mut_slice();
        // The buffer fits every address, so this cannot fail.
        let _ = write!(rest, "{ip}");
        let length = MOST_ADDRESS_BYTES - rest.len();
        Self { bytes, length }
    }

    /// As `std` writes it, at a tenth of the cost: this is done for each request whose token is bound to its sender.
    fn of_v4(ip: Ipv4Addr, mut bytes: [u8; MOST_ADDRESS_BYTES]) -> Self {
        let mut length = 0;
        let mut push = |byte: u8| {
            bytes[length] = byte;
            length += 1;
        };
        for (at, octet) in ip.octets().into_iter().enumerate() {
            if at > 0 {
                push(b'.');
            }
            if octet >= 100 {
                push(b'0' + octet / 100);
            }
            if octet >= 10 {
                push(b'0' + octet / 10 % 10);
            }
            push(b'0' + octet % 10);
        }
        Self { bytes, length }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_std_writes_it() {
        for octet in 0..=u8::MAX {
            for ip in [
                [octet, 0, 1, 255],
                [127, octet, 10, octet],
                [9, 99, 100, octet],
            ] {
                let text = AddressText::of(IpAddr::from(ip));
                assert_eq!(text.as_bytes(), IpAddr::from(ip).to_string().as_bytes());
            }
        }
        for ip in ["::1", "2001:db8::1", "::ffff:10.0.0.1"] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(AddressText::of(ip).as_bytes(), ip.to_string().as_bytes());
        }
    }
}
