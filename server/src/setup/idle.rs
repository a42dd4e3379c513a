//! Why a setting would do nothing, and where.

use super::Design;
use crate::axis::axis;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, JwtAlgorithm, RefreshKind};
use crate::decisions::{CacheKind, CacheStore};
use crate::freshness::FreshnessKind;
use crate::hashing::HashOn;
use crate::log::LogKind;
use crate::policy::PolicyKind;
use crate::sessions::SessionsFrom;
use crate::users::UsersFrom;
use crate::verification::VerifyKind;

axis! {
    /// Why a setting would do nothing.
    pub enum Idle: "idle" {
        /// no password and no binding uses bcrypt
        NoBcrypt = "no-bcrypt",
        /// only --password argon2id, scrypt and pbkdf2 have parameters
        NoParams = "no-params",
        /// nothing is hashed slowly (--password bcrypt, argon2id, scrypt or pbkdf2, --binding bcrypt, --users file, sqlite or postgres)
        NoSlowHash = "no-slow-hash",
        /// --hash-on inline has neither threads nor a queue of its own
        Inline = "inline",
        /// only --credential jwt and session-jwt are signed
        NoJwt = "no-jwt",
        /// only --credential jwt is refreshed
        NoTokens = "no-tokens",
        /// only --credential session sets cookies
        NoCookies = "no-cookies",
        /// --refresh is none
        NoRefresh = "no-refresh",
        /// only --jwt HS256 has a secret
        NoSecret = "no-secret",
        /// --jwt HS256 has a secret and no key pair
        NoPair = "no-pair",
        /// --users file is written by hand: nobody signs up or changes a password here
        NoNewPasswords = "no-new-passwords",
        /// only --users postgres:// has connections
        NoPool = "no-pool",
        /// --binding binds to no sender
        NoBinding = "no-binding",
        /// only --binding dpop has proofs
        NoProofs = "no-proofs",
        /// only --credential session-jwt has sessions by device
        NoDevices = "no-devices",
        /// only --sessions memory holds tokens here: those of --credential opaque, session and api-key, and sessions of --refresh rotate
        NothingHeld = "nothing-held",
        /// only --credential jwt, opaque and api-key are asked for and about by other servers
        NotCentral = "not-central",
        /// --verify introspect keeps no sessions; only --cache-store redis and tiered need a place for decisions
        NoSessions = "no-sessions",
        /// only servers that share --sessions redis change what another decides by
        NoOthers = "no-others",
        /// --verify introspect issues no tokens, and only --binding dpop needs this server's address
        NoIssuer = "no-issuer",
        /// --log is none
        NoLog = "no-log",
        /// only --policy cedar has policies
        NoCedar = "no-cedar",
        /// no --trusted-proxy may ask at /authorize, and only --credential jwt, opaque and api-key with --verify local answer at /access/v1
        NobodyAsks = "nobody-asks",
        /// --verify introspect leaves that to the central server
        Elsewhere = "elsewhere",
        /// --verify is local
        NoCentral = "no-central",
        /// --credential basic shows no token that would end
        NoToken = "no-token",
        /// only --credential jwt has claims to fatten
        NoClaims = "no-claims",
        /// --cache-store redis is as large as that server lets it be, and keeps digests alone
        SharedStore = "shared-store",
        /// --credential basic is kept by digest alone
        NoForm = "no-form",
        /// --negative-capacity is 0
        NoNegative = "no-negative",
        /// only tokens that are verified here have a signature or a form that could never turn right
        NoSignature = "no-signature",
        /// --cache is none
        NoCache = "no-cache",
        /// only --cache decision has a choice of key
        NoDecisions = "no-decisions",
        /// only --freshness status-list reads a list
        NoList = "no-list",
        /// only --freshness ttl has a time cap, and what others may change: see --help
        NoTimeCap = "no-time-cap",
    }
}

impl Idle {
    /// Whether it is so in this design.
    pub(super) fn holds(self, design: &Design) -> bool {
        let kind = design.credential;
        let is_central = design.verify == VerifyKind::Introspect;
        let shares = design.cache != CacheKind::None && design.cache_store.is_shared();
        match self {
            Self::NoBcrypt => !design.uses_bcrypt(),
            Self::NoParams => !design.password.has_params(),
            Self::NoSlowHash => !design.hashes_slowly(),
            Self::Inline => design.hash_on == HashOn::Inline,
            Self::NoJwt => !is_central && !kind.is_signed(),
            Self::NoTokens | Self::NoClaims => kind != CredentialKind::Jwt,
            Self::NoCookies => kind != CredentialKind::Session,
            Self::NoRefresh => design.refresh == RefreshKind::None,
            Self::NoSecret => design.jwt != JwtAlgorithm::HS256,
            Self::NoPair => design.jwt == JwtAlgorithm::HS256,
            Self::NoNewPasswords => matches!(design.users, UsersFrom::File(_)),
            Self::NoPool => !matches!(design.users, UsersFrom::Postgres(_)),
            Self::NoBinding => matches!(
                design.binding,
                BindingKind::None | BindingKind::Dpop | BindingKind::Mtls
            ),
            Self::NoProofs => design.binding != BindingKind::Dpop,
            Self::NoDevices => kind != CredentialKind::SessionJwt,
            Self::NothingHeld => {
                let holds_tokens = match kind {
                    CredentialKind::Opaque | CredentialKind::Session | CredentialKind::ApiKey => {
                        true
                    }
                    CredentialKind::Jwt => design.refresh == RefreshKind::Rotate,
                    CredentialKind::SessionJwt | CredentialKind::Basic => false,
                };
                !holds_tokens || design.sessions != SessionsFrom::Memory
            }
            Self::NotCentral => !matches!(
                kind,
                CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
            ),
            Self::NoSessions => is_central && !shares,
            Self::NoOthers => {
                !matches!(design.sessions, SessionsFrom::Redis(_)) || is_central && !shares
            }
            Self::NoIssuer => is_central && design.binding != BindingKind::Dpop,
            Self::NoLog => design.log == LogKind::None,
            Self::NoCedar => design.policy != PolicyKind::Cedar,
            Self::NobodyAsks => {
                design.trusted_proxy.is_empty() && (is_central || Self::NotCentral.holds(design))
            }
            Self::Elsewhere => is_central,
            Self::NoCentral => !is_central,
            Self::NoToken | Self::NoForm => kind == CredentialKind::Basic,
            Self::SharedStore => design.cache_store == CacheStore::Redis,
            Self::NoNegative => design.negative_capacity == 0,
            Self::NoSignature => is_central || !kind.is_signed(),
            Self::NoCache => design.cache == CacheKind::None,
            Self::NoDecisions => design.cache != CacheKind::Decision,
            Self::NoList => design.freshness != FreshnessKind::StatusList,
            Self::NoTimeCap => !design.caps_entries(),
        }
    }
}
