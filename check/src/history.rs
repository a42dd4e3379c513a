//! What a check does, one operation after the other: who asks for what, and in which form.

use serde::{Deserialize, Serialize};

/// The form in which a request is sent, other than as the contract has it. Two parties may read it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As the contract has it.
    AsIs,
    /// HEAD for GET.
    Head,
    /// The method in lower case.
    LowerMethod,
    /// OPTIONS.
    Options,
    /// A method that does not exist.
    UnknownMethod,
    /// One more query parameter.
    QueryAdded,
    /// The query parameters in reverse order.
    QueryOrder,
    /// The path in upper case.
    UpperCase,
    /// The first letter of the last segment in the other case.
    OtherCase,
    /// With a trailing slash, or without the one that it has.
    TrailingSlash,
    /// `//` before the last segment.
    DoubleSlash,
    /// `/./` at the beginning.
    Dot,
    /// `/x/..` at the beginning.
    DotDot,
    /// `/x/%2e%2e` at the beginning.
    EncodedDotDot,
    /// `/x/%2E%2E` at the beginning.
    UpperEncodedDotDot,
    /// `/x/%c0%ae%c0%ae` at the beginning: two dots, to a reader of UTF-8 that takes more octets than it needs.
    OverlongDotDot,
    /// A letter of the path percent-encoded.
    EncodedLetter,
    /// The hexadecimal digits of the path's percent-encodings in the other case.
    HexCase,
    /// The last `/` of the path as `%2F`.
    EncodedSlash,
    /// A letter of the path percent-encoded twice.
    DoubleEncoded,
    /// `;x=1` after the path.
    Matrix,
    /// `;` after the path.
    Semicolon,
    /// Another `Host`.
    OtherHost,
    /// No `Host`.
    NoHost,
    /// Another `Host` after the request's own.
    TwoHosts,
    /// The names of headers in upper case.
    HeaderCase,
    /// A credential that does not exist after the principal's own.
    SecondCredential,
    /// The same before it.
    FirstCredential,
    /// The credential of the next principal after its own.
    TwoPrincipals,
    /// A token that agrees in its first octets and differs near its end.
    TokenTail,
    /// A token that agrees in its last octets and differs near its beginning.
    TokenHead,
    /// The token without its last octets.
    TokenCut,
    /// The token with thousands of octets after it.
    TokenLong,
    /// No credential.
    NoCredential,
    /// The contract's other tenant.
    OtherTenant,
    /// The contract's other sender.
    OtherSender,
    /// `Cache-Control: no-cache`.
    NoCache,
    /// `Accept: text/plain`.
    Accept,
    /// `Range: bytes=0-0`.
    Range,
    /// `If-None-Match: *`.
    IfNoneMatch,
    /// `X-Forwarded-For` with an address of documentation.
    ForwardedFor,
    /// `X-Forwarded-For: unknown`, as proxies write of a client that they do not name (RFC 7239, section 6.2).
    ForwardedUnknown,
    /// Headers that tell an authorization server of another URI.
    OriginalUri,
    /// Headers that tell an authorization server of another method.
    OriginalMethod,
}

impl Form {
    /// Each form but the plain one.
    pub const VARIED: [Self; 43] = [
        Self::Head,
        Self::LowerMethod,
        Self::Options,
        Self::UnknownMethod,
        Self::QueryAdded,
        Self::QueryOrder,
        Self::UpperCase,
        Self::OtherCase,
        Self::TrailingSlash,
        Self::DoubleSlash,
        Self::Dot,
        Self::DotDot,
        Self::EncodedDotDot,
        Self::UpperEncodedDotDot,
        Self::OverlongDotDot,
        Self::EncodedLetter,
        Self::HexCase,
        Self::EncodedSlash,
        Self::DoubleEncoded,
        Self::Matrix,
        Self::Semicolon,
        Self::OtherHost,
        Self::NoHost,
        Self::TwoHosts,
        Self::HeaderCase,
        Self::SecondCredential,
        Self::FirstCredential,
        Self::TwoPrincipals,
        Self::TokenTail,
        Self::TokenHead,
        Self::TokenCut,
        Self::TokenLong,
        Self::NoCredential,
        Self::OtherTenant,
        Self::OtherSender,
        Self::NoCache,
        Self::Accept,
        Self::Range,
        Self::IfNoneMatch,
        Self::ForwardedFor,
        Self::ForwardedUnknown,
        Self::OriginalUri,
        Self::OriginalMethod,
    ];

    /// As contracts and reports write it.
    #[must_use]
    pub fn label(self) -> String {
        let text = serde_json::to_string(&self).unwrap_or_default();
        text.trim_matches('"').to_owned()
    }

    /// What an answer to a request of this form says of the gate.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Self::AsIs | Self::HeaderCase | Self::NoCache => Meaning::Same,
            Self::Head
            | Self::QueryAdded
            | Self::QueryOrder
            | Self::Accept
            | Self::Range
            | Self::IfNoneMatch
            | Self::ForwardedFor
            | Self::ForwardedUnknown => Meaning::SameOrRefused,
            Self::SecondCredential | Self::FirstCredential | Self::TwoPrincipals => Meaning::Mixed,
            Self::NoHost | Self::TwoHosts => Meaning::Refused("it does not name one host"),
            Self::TokenTail
            | Self::TokenHead
            | Self::TokenCut
            | Self::TokenLong
            | Self::NoCredential
            | Self::OtherTenant
            | Self::OtherSender => Meaning::Refused("its credential is not valid"),
            Self::LowerMethod
            | Self::Options
            | Self::UnknownMethod
            | Self::UpperCase
            | Self::OtherCase
            | Self::TrailingSlash
            | Self::DoubleSlash
            | Self::Dot
            | Self::DotDot
            | Self::EncodedDotDot
            | Self::UpperEncodedDotDot
            | Self::OverlongDotDot
            | Self::EncodedLetter
            | Self::HexCase
            | Self::EncodedSlash
            | Self::DoubleEncoded
            | Self::Matrix
            | Self::Semicolon
            | Self::OtherHost
            | Self::OriginalUri
            | Self::OriginalMethod => Meaning::Elsewhere,
        }
    }

    /// In a sentence, after the request.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AsIs => "",
            Self::Head => "as HEAD",
            Self::LowerMethod => "with its method in lower case",
            Self::Options => "as OPTIONS",
            Self::UnknownMethod => "with an unknown method",
            Self::QueryAdded => "with one more query parameter",
            Self::QueryOrder => "with its query in another order",
            Self::UpperCase => "in upper case",
            Self::OtherCase => "with one letter in the other case",
            Self::TrailingSlash => "with its trailing slash changed",
            Self::DoubleSlash => "with a double slash",
            Self::Dot => "with a `/.` segment",
            Self::DotDot => "with a `..` segment",
            Self::EncodedDotDot => "with a `%2e%2e` segment",
            Self::UpperEncodedDotDot => "with a `%2E%2E` segment",
            Self::OverlongDotDot => "with a `%c0%ae%c0%ae` segment",
            Self::EncodedLetter => "with a letter percent-encoded",
            Self::HexCase => "with the hexadecimal digits in the other case",
            Self::EncodedSlash => "with a slash percent-encoded",
            Self::DoubleEncoded => "with a letter percent-encoded twice",
            Self::Matrix => "with a matrix parameter",
            Self::Semicolon => "with a semicolon",
            Self::OtherHost => "with another Host",
            Self::NoHost => "without Host",
            Self::TwoHosts => "with two Hosts",
            Self::HeaderCase => "with header names in upper case",
            Self::SecondCredential => "with an invalid second credential",
            Self::FirstCredential => "with an invalid first credential",
            Self::TwoPrincipals => "with the credentials of two principals",
            Self::TokenTail => "with a token that differs near its end",
            Self::TokenHead => "with a token that differs near its beginning",
            Self::TokenCut => "with a token without its last octets",
            Self::TokenLong => "with a token of thousands of octets",
            Self::NoCredential => "without a credential",
            Self::OtherTenant => "of another tenant",
            Self::OtherSender => "from another sender",
            Self::NoCache => "with Cache-Control: no-cache",
            Self::Accept => "with Accept: text/plain",
            Self::Range => "with a Range",
            Self::IfNoneMatch => "with If-None-Match",
            Self::ForwardedFor => "with X-Forwarded-For",
            Self::ForwardedUnknown => "with an unknown X-Forwarded-For",
            Self::OriginalUri => "with headers that name another URI",
            Self::OriginalMethod => "with headers that name another method",
        }
    }
}

/// How a form relates to the request that it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is the same request: permitted or refused alike.
    Same,
    /// It is the same request, which a gate may also refuse.
    SameOrRefused,
    /// It carries two credentials: it is permitted at most where one of them is.
    Mixed,
    /// It is refused, for this reason.
    Refused(&'static str),
    /// It may be another resource: it must not bring the protected one without the right to it.
    Elsewhere,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Asks for a route.
    Use {
        /// The route's place in the contract.
        route: usize,
        /// The principal's way to present its credential.
        way: usize,
        /// The form.
        form: Form,
    },
    /// Makes a change of the contract.
    Change(usize),
    /// Waits until the credential has expired.
    Expire,
    /// Waits until everything that was promised for the changes so far is due.
    Wait,
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op {
    /// The principal's place in the contract.
    pub who: usize,
    /// Which of its credentials.
    pub credential: usize,
    /// The connection on which it asks.
    pub client: usize,
    /// Whether it is sent together with the next one.
    pub at_once: bool,
    /// What it does.
    pub act: Act,
}

/// An operation as a contract's `[[history]]` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpText {
    /// The principal's name.
    pub who: String,
    /// Which of its credentials, from 1.
    #[serde(default = "one")]
    pub credential: usize,
    /// The connection, from 1.
    #[serde(default = "one")]
    pub client: usize,
    /// Whether it is sent together with the next one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
    /// A route's request, a change's name, `expire` or `wait`.
    #[serde(rename = "do")]
    pub act: String,
    /// The form of a request.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub form: Option<Form>,
    /// Which way of presenting the credential, from 1.
    #[serde(default = "one")]
    pub way: usize,
}

fn one() -> usize {
    1
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde's signature"
)]
fn is_plain(form: &Option<Form>) -> bool {
    form.is_none_or(|form| form == Form::AsIs)
}
