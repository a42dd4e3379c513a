//! Why a request was refused: small, `Copy`, no strings. HTTP's words for it are methods.

use std::borrow::Cow;

use crate::password::MOST_PASSWORD_BYTES;
use crate::policy::Action;

/// A refusal. It knows its HTTP status and its OAuth error code (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No credentials of the accepted kind came.
    NoCredentials,
    /// More than one `Authorization` header came: guessing which one counts is how checks are bypassed.
    AmbiguousCredentials,
    /// A trusted proxy's `X-Forwarded-For` names no sender.
    BadForwarded,
    /// The token is not one of ours in form: segments, encoding, header, claims.
    Malformed,
    /// The token's signature does not fit.
    BadSignature,
    /// The token's `exp` has come.
    Expired,
    /// The token's `nbf` is still ahead.
    NotYetValid,
    /// The token was revoked.
    Revoked,
    /// The token stands for nothing here: it never did, has ended, or was signed out.
    Unknown,
    /// The token is bound to another sender.
    WrongSender,
    /// The proof of a key is missing, wrong, late, for something else, or was used before.
    BadProof,
    /// The proof of a key lacks a nonce that the server gave lately (RFC 9449 §8).
    NeedsNonce,
    /// The client's connection has no certificate, to which a token is or would be bound.
    NoCertificate,
    /// The subject may not do this.
    Insufficient(Action),
    /// A request that changes something came with a cookie, and does not show that it is from the same origin.
    CrossSite,
    /// The account's name is taken.
    Taken,
    /// The name cannot be an account's.
    Unfit,
    /// The password cannot be an account's.
    UnfitPassword {
        /// What `--min-password-bytes` asks for.
        least_bytes: u8,
    },
    /// Accounts are not made here.
    ReadOnly,
    /// What a device calls itself cannot be kept.
    UnfitDevice,
    /// The account has no such device.
    NoDevice,
    /// The file of the key holds the one that is in use.
    SameKey,
    /// There is no account of that name.
    NoAccount,
    /// No such client, or not this secret: never which of them.
    BadClient,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// This server has no such grant.
    UnsupportedGrant,
    /// A scope that does not exist, or goes beyond what the client or the session was granted.
    BadScope,
    /// No route is known for the path that another server asks about.
    NoRoute,
    /// The refresh token is none of ours, has ended, or was used before.
    BadRefresh,
    /// No such user, or not this password: never which of them.
    BadLogin,
    /// The queue before the slow hashes is full.
    Busy,
    /// A store that decides cannot be read now.
    Unavailable,
}

/// How long a refused client is told to wait before it asks a full queue again.
pub(crate) const RETRY_AFTER_SECONDS: &str = "1";

impl Denied {
    /// The HTTP status code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::AmbiguousCredentials
            | Self::BadForwarded
            | Self::BadRefresh
            | Self::UnauthorizedClient
            | Self::UnsupportedGrant
            | Self::BadScope => 400,
            Self::NoDevice | Self::NoAccount => 404,
            Self::Taken | Self::SameKey => 409,
            Self::Unfit | Self::UnfitPassword { .. } | Self::UnfitDevice => 422,
            Self::NoCredentials
            | Self::Malformed
            | Self::BadSignature
            | Self::Expired
            | Self::NotYetValid
            | Self::Revoked
            | Self::Unknown
            | Self::WrongSender
            | Self::BadProof
            | Self::NeedsNonce
            | Self::NoCertificate
            | Self::BadClient
            | Self::BadLogin => 401,
            Self::Insufficient(_) | Self::CrossSite | Self::ReadOnly | Self::NoRoute => 403,
            Self::Busy => 429,
            Self::Unavailable => 503,
        }
    }

    /// The error code of the JSON body.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::AmbiguousCredentials
            | Self::BadForwarded
            | Self::Unfit
            | Self::UnfitPassword { .. }
            | Self::UnfitDevice => "invalid_request",
            Self::Malformed
            | Self::BadSignature
            | Self::Expired
            | Self::NotYetValid
            | Self::Revoked
            | Self::Unknown
            | Self::WrongSender
            | Self::NoCertificate => "invalid_token",
            Self::BadProof => "invalid_dpop_proof",
            Self::NeedsNonce => "use_dpop_nonce",
            Self::BadClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrant => "unsupported_grant_type",
            Self::BadScope => "invalid_scope",
            Self::NoDevice | Self::NoAccount => "not_found",
            Self::Insufficient(_) => "insufficient_scope",
            Self::BadLogin | Self::BadRefresh => "invalid_grant",
            Self::CrossSite => "cross_site",
            Self::Taken => "taken",
            Self::SameKey => "unchanged",
            Self::ReadOnly | Self::NoRoute => "access_denied",
            Self::Busy | Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// The challenge of the `WWW-Authenticate` header, where one belongs: without an error code when no
    /// credentials came (RFC 6750 §3.1).
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::NoCredentials | Self::BadLogin => Some("Bearer"),
            Self::AmbiguousCredentials => Some("Bearer error=\"invalid_request\""),
            Self::Malformed
            | Self::BadSignature
            | Self::Expired
            | Self::NotYetValid
            | Self::Revoked
            | Self::Unknown
            | Self::WrongSender
            | Self::BadProof
            | Self::NeedsNonce
            | Self::NoCertificate => Some("Bearer error=\"invalid_token\""),
            Self::Insufficient(Action::ItemsRead) => {
                Some("Bearer error=\"insufficient_scope\", scope=\"items:read\"")
            }
            Self::Insufficient(Action::ItemsWrite) => {
                Some("Bearer error=\"insufficient_scope\", scope=\"items:write\"")
            }
            Self::Insufficient(
                Action::OwnAccount | Action::TodosRead | Action::SecureData | Action::Administer,
            ) => Some("Bearer error=\"insufficient_scope\""),
            Self::BadClient => Some("Basic realm=\"authlab\", charset=\"UTF-8\""),
            Self::BadForwarded
            | Self::BadRefresh
            | Self::UnauthorizedClient
            | Self::UnsupportedGrant
            | Self::BadScope
            | Self::UnfitDevice
            | Self::NoDevice
            | Self::NoAccount
            | Self::SameKey
            | Self::NoRoute
            | Self::CrossSite
            | Self::Taken
            | Self::Unfit
            | Self::UnfitPassword { .. }
            | Self::ReadOnly
            | Self::Busy
            | Self::Unavailable => None,
        }
    }

    /// The sentence of the JSON body.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NoCredentials => "A bearer token is required",
            Self::AmbiguousCredentials => "More than one Authorization header",
            Self::BadForwarded => "X-Forwarded-For is not a list of IP addresses",
            Self::Malformed => "The token is malformed",
            Self::BadSignature => "The token's signature is not valid",
            Self::Expired => "The token has expired",
            Self::NotYetValid => "The token is not valid yet",
            Self::Revoked => "The token was revoked",
            Self::Unknown => "The token is unknown, has ended or was signed out",
            Self::WrongSender => "The token is bound to another sender",
            Self::BadProof => {
                "A DPoP proof for this method, address and token is required, not a minute old and used once"
            }
            Self::NeedsNonce => "The DPoP proof needs the nonce of this answer's DPoP-Nonce header",
            Self::NoCertificate => "A connection with the client's TLS certificate is required",
            Self::UnfitDevice => {
                "device_name and device_id have 1 to 128 bytes and no control character; a device_id no invisible character and none of / \\ ; % ? # either, and is not . or .."
            }
            Self::NoDevice => "No such device is signed in",
            Self::NoAccount => "No such account",
            Self::BadClient => "No such client, or not its secret",
            Self::UnauthorizedClient => "The client may not use this grant",
            Self::UnsupportedGrant => {
                "No such grant here; accepted: client_credentials, and refresh_token where --refresh rotate"
            }
            Self::BadScope => "A scope does not exist, or goes beyond what was granted",
            Self::NoRoute => "No route is known for this path",
            Self::Insufficient(_) => "Insufficient privileges",
            Self::CrossSite => {
                "A cookie was sent without proof of the same origin: Sec-Fetch-Site or Origin"
            }
            Self::Taken => "The name is taken",
            Self::SameKey => {
                "The key's file holds the key that is in use: write another into it first"
            }
            Self::Unfit => {
                "A name has 1 to 64 characters: letters, digits and visible ASCII, none of / \\ : ; % ? #, single spaces between words, nothing that cannot be seen; it is not . or .."
            }
            Self::UnfitPassword { .. } => {
                "The password is shorter than --min-password-bytes, longer than 72 bytes, or has a NUL"
            }
            Self::ReadOnly => "Accounts are kept in a file, and neither made nor changed here",
            Self::BadRefresh => "The refresh token is not valid, has ended or was used before",
            Self::BadLogin => "Incorrect username or password",
            Self::Busy => "Too much at once; try again",
            Self::Unavailable => "A store is not available; try again",
        }
    }

    /// The sentence of the JSON body, with the numbers that depend on settings.
    #[must_use]
    pub fn explanation(self) -> Cow<'static, str> {
        match self {
            Self::UnfitPassword { least_bytes } => format!(
                "A password has {least_bytes} to {MOST_PASSWORD_BYTES} bytes, none of them NUL"
            )
            .into(),
            other => other.description().into(),
        }
    }
}
