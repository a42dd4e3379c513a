//! A setting that would do nothing is refused: whoever typed it expects that it does something.

use super::{Design, Setup, SetupError};
use crate::axis::axis;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, JwtAlgorithm, RefreshKind};
use crate::decisions::{CacheKind, CacheStore};
use crate::hashing::HashOn;
use crate::log::LogKind;
use crate::sessions::SessionsFrom;
use crate::users::UsersFrom;
use crate::verification::VerifyKind;

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
        /// --users file is written by hand: nobody signs up or changes a password here
        NoNewPasswords = "no-new-passwords",
        /// --binding binds to no sender
        NoBinding = "no-binding",
        /// only --credential session-jwt has sessions by device
        NoDevices = "no-devices",
        /// only --sessions memory holds tokens here: those of --credential opaque, session and api-key, and sessions of --refresh rotate
        NothingHeld = "nothing-held",
        /// only --credential jwt, opaque and api-key are asked for and about by other servers
        NotCentral = "not-central",
        /// --verify introspect keeps no sessions; only --cache-store redis needs a place for decisions
        NoSessions = "no-sessions",
        /// --verify introspect issues no tokens, and only --binding dpop needs this server's address
        NoIssuer = "no-issuer",
        /// --log is none
        NoLog = "no-log",
        /// no --trusted-proxy may ask at /authorize
        NoProxy = "no-proxy",
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
        /// only --freshness ttl has a time cap, and what else may change unseen
        NoTimeCap = "no-time-cap",
    }
}

/// A setting, whether it was typed, and why it would do nothing.
type Checked = (&'static str, bool, Option<Idle>);

/// Refuses the settings that were typed but mean nothing in the design.
pub(super) fn refuse(typed: &Setup, design: &Design, place: &str) -> Result<(), SetupError> {
    let settings = hashes(typed, design)
        .into_iter()
        .chain(tokens(typed, design))
        .chain(servers(typed, design))
        .chain(caches(typed, design));
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

fn elsewhere(design: &Design) -> Option<Idle> {
    (design.verify == VerifyKind::Introspect).then_some(Idle::Elsewhere)
}

fn unsigned(design: &Design) -> Option<Idle> {
    elsewhere(design).or((!design.credential.is_signed()).then_some(Idle::NoJwt))
}

fn hashes(typed: &Setup, design: &Design) -> Vec<Checked> {
    let no_slow_hash = (!design.hashes_slowly()).then_some(Idle::NoSlowHash);
    let no_queue = no_slow_hash.or((design.hash_on == HashOn::Inline).then_some(Idle::Inline));
    let by_hand = matches!(design.users, UsersFrom::File(_)).then_some(Idle::NoNewPasswords);
    let no_bcrypt = (!design.uses_bcrypt()).then_some(Idle::NoBcrypt);
    vec![
        ("password", typed.password.is_some(), elsewhere(design)),
        ("users", typed.users.is_some(), elsewhere(design)),
        (
            "min-password-bytes",
            typed.min_password_bytes.is_some(),
            elsewhere(design).or(by_hand),
        ),
        ("bcrypt-cost", typed.bcrypt_cost.is_some(), no_bcrypt),
        ("hash-on", typed.hash_on.is_some(), no_slow_hash),
        ("hash-threads", typed.hash_threads.is_some(), no_queue),
        ("hash-queue", typed.hash_queue.is_some(), no_queue),
    ]
}

/// Whether tokens, or sessions that are refreshed, are held in this server's memory, however many one subject has.
fn holds_tokens(design: &Design) -> bool {
    let kinds = match design.credential {
        CredentialKind::Opaque | CredentialKind::Session | CredentialKind::ApiKey => true,
        CredentialKind::Jwt => design.refresh == RefreshKind::Rotate,
        CredentialKind::SessionJwt | CredentialKind::Basic => false,
    };
    kinds && design.sessions == SessionsFrom::Memory
}

fn tokens(typed: &Setup, design: &Design) -> Vec<Checked> {
    let kind = design.credential;
    let elsewhere = elsewhere(design);
    let not_signed = unsigned(design);
    let not_shown = (kind == CredentialKind::Basic).then_some(Idle::NoToken);
    let not_jwt = |idle| elsewhere.or((kind != CredentialKind::Jwt).then_some(idle));
    let wants_refresh = typed.refresh.is_some_and(|kind| kind != RefreshKind::None);
    let by_secret = (design.jwt != JwtAlgorithm::HS256).then_some(Idle::NoSecret);
    let by_pair = (design.jwt == JwtAlgorithm::HS256).then_some(Idle::NoPair);
    let not_refreshed = (design.refresh == RefreshKind::None).then_some(Idle::NoRefresh);
    let no_cookies = (kind != CredentialKind::Session).then_some(Idle::NoCookies);
    let no_devices = (kind != CredentialKind::SessionJwt).then_some(Idle::NoDevices);
    let to_nobody =
        matches!(design.binding, BindingKind::None | BindingKind::Dpop).then_some(Idle::NoBinding);
    vec![
        ("jwt", typed.jwt.is_some(), not_signed),
        (
            "token-ttl",
            typed.token_ttl.is_some(),
            elsewhere.or(not_shown),
        ),
        (
            "claims-bytes",
            typed.claims_bytes.is_some_and(|bytes| bytes > 0),
            not_jwt(Idle::NoClaims),
        ),
        (
            "insecure-cookies",
            typed.insecure_cookies == Some(true),
            no_cookies,
        ),
        ("refresh", wants_refresh, not_jwt(Idle::NoTokens)),
        ("refresh-ttl", typed.refresh_ttl.is_some(), not_refreshed),
        (
            "secret-file",
            typed.secret_file.is_some(),
            not_signed.or(by_secret),
        ),
        ("key-file", typed.key_file.is_some(), not_signed.or(by_pair)),
        ("bind-to", typed.bind_to.is_some(), to_nobody),
        (
            "audience",
            typed.audience.is_some(),
            not_signed.filter(|_| elsewhere.is_none()),
        ),
        ("max-sessions", typed.max_sessions.is_some(), no_devices),
        (
            "max-tokens-per-subject",
            typed.max_tokens_per_subject.is_some(),
            elsewhere.or((!holds_tokens(design)).then_some(Idle::NothingHeld)),
        ),
    ]
}

fn servers(typed: &Setup, design: &Design) -> Vec<Checked> {
    let no_central = (design.verify == VerifyKind::Local).then_some(Idle::NoCentral);
    let is_central = matches!(
        design.credential,
        CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
    );
    let not_asked = elsewhere(design).or((!is_central).then_some(Idle::NotCentral));
    let no_log = (design.log == LogKind::None).then_some(Idle::NoLog);
    let no_proxy = design.trusted_proxy.is_empty().then_some(Idle::NoProxy);
    let asks = design.verify == VerifyKind::Introspect;
    let shares = design.cache != CacheKind::None && design.cache_store == CacheStore::Redis;
    let no_sessions = (asks && !shares).then_some(Idle::NoSessions);
    let no_issuer = (asks && design.binding != BindingKind::Dpop).then_some(Idle::NoIssuer);
    vec![
        ("sessions", typed.sessions.is_some(), no_sessions),
        ("issuer", typed.issuer.is_some(), no_issuer),
        ("introspect-url", typed.introspect_url.is_some(), no_central),
        (
            "introspect-client",
            typed.introspect_client.is_some(),
            no_central,
        ),
        (
            "introspect-timeout",
            typed.introspect_timeout.is_some(),
            no_central,
        ),
        ("clients", typed.clients.is_some(), not_asked),
        ("log-format", typed.log_format.is_some(), no_log),
        ("routes", typed.routes.is_some(), no_proxy),
    ]
}

fn caches(typed: &Setup, design: &Design) -> Vec<Checked> {
    let no_cache = (design.cache == CacheKind::None).then_some(Idle::NoCache);
    let no_decisions =
        no_cache.or((design.cache != CacheKind::Decision).then_some(Idle::NoDecisions));
    let no_cap = no_cache.or((!design.caps_entries()).then_some(Idle::NoTimeCap));
    let is_shared = design.cache_store == CacheStore::Redis;
    let shared = no_cache.or(is_shared.then_some(Idle::SharedStore));
    let no_form = (design.credential == CredentialKind::Basic).then_some(Idle::NoForm);
    let no_negative = (design.negative_capacity == 0).then_some(Idle::NoNegative);
    let wants_negative = typed.negative_capacity.is_some_and(|entries| entries > 0);
    let no_signature = unsigned(design).map(|_| Idle::NoSignature);
    vec![
        ("cache-store", typed.cache_store.is_some(), no_cache),
        ("cache-form", typed.cache_form.is_some(), shared.or(no_form)),
        ("cache-capacity", typed.cache_capacity.is_some(), shared),
        ("cache-key", typed.cache_key.is_some(), no_decisions),
        ("cache-ttl", typed.cache_ttl.is_some(), no_cap),
        ("freshness", typed.freshness.is_some(), no_cache),
        ("negative-capacity", wants_negative, no_signature),
        ("negative-ttl", typed.negative_ttl.is_some(), no_negative),
    ]
}
