//! A setting that would do nothing is refused: whoever typed it expects that it does something.

use super::{Design, LogKind, Setup, SetupError};
use crate::axis::axis;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, JwtAlgorithm, RefreshKind};
use crate::decisions::CacheKind;
use crate::freshness::FreshnessKind;
use crate::hashing::HashOn;

axis! {
    /// Why a setting would do nothing.
    pub enum Idle: "idle" {
        /// no password and no binding uses bcrypt
        NoBcrypt = "no-bcrypt",
        /// nothing is hashed slowly (--password bcrypt or argon2id, --binding bcrypt, --users file or sqlite)
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
        /// --binding binds to no sender
        NoBinding = "no-binding",
        /// only --credential session-jwt has sessions by device
        NoDevices = "no-devices",
        /// only --credential jwt and opaque are asked for and about by other servers
        NotCentral = "not-central",
        /// --log is none
        NoLog = "no-log",
        /// no --trusted-proxy may ask at /authorize
        NoProxy = "no-proxy",
        /// --cache is none
        NoCache = "no-cache",
        /// only --cache decision has a choice of key
        NoDecisions = "no-decisions",
        /// only --freshness ttl has a time cap
        NoTimeCap = "no-time-cap",
    }
}

/// Refuses the settings that were typed but mean nothing in the design.
pub(super) fn refuse(typed: &Setup, design: &Design, place: &str) -> Result<(), SetupError> {
    let cached = design.cache != CacheKind::None;
    let no_slow_hash = (!design.hashes_slowly()).then_some(Idle::NoSlowHash);
    let no_queue = no_slow_hash.or((design.hash_on == HashOn::Inline).then_some(Idle::Inline));
    let no_cache = (!cached).then_some(Idle::NoCache);
    let no_decisions =
        no_cache.or((design.cache != CacheKind::Decision).then_some(Idle::NoDecisions));
    let no_cap = no_cache.or((design.freshness != FreshnessKind::Ttl).then_some(Idle::NoTimeCap));
    let no_jwt = (!design.credential.is_signed()).then_some(Idle::NoJwt);
    let no_refresh = (design.credential != CredentialKind::Jwt).then_some(Idle::NoTokens);
    let not_central = !matches!(
        design.credential,
        CredentialKind::Jwt | CredentialKind::Opaque
    );
    let settings = [
        (
            "bcrypt-cost",
            typed.bcrypt_cost.is_some(),
            (!design.uses_bcrypt()).then_some(Idle::NoBcrypt),
        ),
        ("hash-on", typed.hash_on.is_some(), no_slow_hash),
        ("hash-threads", typed.hash_threads.is_some(), no_queue),
        ("hash-queue", typed.hash_queue.is_some(), no_queue),
        ("jwt", typed.jwt.is_some(), no_jwt),
        (
            "insecure-cookies",
            typed.insecure_cookies == Some(true),
            (design.credential != CredentialKind::Session).then_some(Idle::NoCookies),
        ),
        (
            "refresh",
            typed.refresh.is_some_and(|kind| kind != RefreshKind::None),
            no_refresh,
        ),
        (
            "refresh-ttl",
            typed.refresh_ttl.is_some(),
            (design.refresh == RefreshKind::None).then_some(Idle::NoRefresh),
        ),
        (
            "secret-file",
            typed.secret_file.is_some(),
            no_jwt.or((design.jwt != JwtAlgorithm::HS256).then_some(Idle::NoSecret)),
        ),
        (
            "key-file",
            typed.key_file.is_some(),
            no_jwt.or((design.jwt == JwtAlgorithm::HS256).then_some(Idle::NoPair)),
        ),
        (
            "bind-to",
            typed.bind_to.is_some(),
            matches!(design.binding, BindingKind::None | BindingKind::Dpop)
                .then_some(Idle::NoBinding),
        ),
        ("audience", typed.audience.is_some(), no_jwt),
        (
            "max-sessions",
            typed.max_sessions.is_some(),
            (design.credential != CredentialKind::SessionJwt).then_some(Idle::NoDevices),
        ),
        (
            "clients",
            typed.clients.is_some(),
            not_central.then_some(Idle::NotCentral),
        ),
        (
            "log-format",
            typed.log_format.is_some(),
            (design.log == LogKind::None).then_some(Idle::NoLog),
        ),
        (
            "routes",
            typed.routes.is_some(),
            design.trusted_proxy.is_empty().then_some(Idle::NoProxy),
        ),
        ("cache-store", typed.cache_store.is_some(), no_cache),
        ("cache-capacity", typed.cache_capacity.is_some(), no_cache),
        ("cache-key", typed.cache_key.is_some(), no_decisions),
        ("cache-ttl", typed.cache_ttl.is_some(), no_cap),
        ("freshness", typed.freshness.is_some(), no_cache),
    ];
    for (key, is_typed, idle) in settings {
        if let (true, Some(idle)) = (is_typed, idle) {
            return Err(SetupError::Unused {
                place: place.to_owned(),
                key,
                because: idle,
            });
        }
    }
    Ok(())
}
