//! Who issues tokens, and for whom.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// Who issues tokens: the address that `--issuer` names, or the one that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerFrom {
    /// `http://`, or `https://` with TLS, and the address that is listened on.
    Listen,
    /// This address, to the letter (RFC 8414 §2).
    Url(Box<str>),
}

/// For whom tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceFrom {
    /// Whoever issues them.
    Issuer,
    /// This text.
    Named(Box<str>),
}

/// A text that is no issuer or audience.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNamed {
    /// It is no address of a server. The message does not repeat it: an address may hold a password.
    #[error("not an issuer; accepted: http:// or https://, a host, maybe a port, and no path")]
    Issuer,
    /// It is empty, or longer than a claim should be.
    #[error("an audience has 1 to 255 characters")]
    Audience,
}

impl FromStr for IssuerFrom {
    type Err = NotNamed;

    fn from_str(typed: &str) -> Result<Self, NotNamed> {
        let url = Url::parse(typed).map_err(|_| NotNamed::Issuer)?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            // RFC 8414 §3.1 would look for what it has elsewhere.
            && url.path() == "/"
            && !typed.ends_with('/')
            && typed.is_ascii();
        if fits {
            Ok(Self::Url(typed.into()))
        } else {
            Err(NotNamed::Issuer)
        }
    }
}

impl FromStr for AudienceFrom {
    type Err = NotNamed;

    fn from_str(typed: &str) -> Result<Self, NotNamed> {
        if (1..=255).contains(&typed.chars().count()) {
            Ok(Self::Named(typed.into()))
        } else {
            Err(NotNamed::Audience)
        }
    }
}

impl fmt::Display for IssuerFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen => f.write_str("the address that is listened on"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl<'de> serde::Deserialize<'de> for IssuerFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> serde::Deserialize<'de> for AudienceFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}
