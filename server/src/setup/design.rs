//! What follows from a design: which settings do not go together, and what its parts are to know.

use super::Design;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, JwtAlgorithm, KeyFrom, RefreshKind, SecretFrom};
use crate::decisions::{CacheForm, CacheKey, CacheKind, CacheStore};
use crate::freshness::FreshnessKind;
use crate::https::TlsFrom;
use crate::issuer::{AudienceFrom, IssuerFrom};
use crate::password::PasswordKind;
use crate::policy::PolicyKind;
use crate::sessions::SessionsFrom;
use crate::status_list;
use crate::users::UsersFrom;
use crate::verification::{IntrospectUrl, VerifyKind};

impl Design {
    /// Two settings that do not go together, and what does.
    pub(crate) fn clash(&self) -> Option<&'static str> {
        self.clash_of_places()
            .or_else(|| self.clash_of_basic())
            .or_else(|| self.clash_of_dpop())
            .or_else(|| self.clash_of_mtls())
            .or_else(|| self.clash_of_cedar())
            .or_else(|| self.clash_of_list())
    }

    /// One target can be asked about by two routes: at its own handler, and for a proxy.
    fn clash_of_cedar(&self) -> Option<&'static str> {
        let keeps = self.cache == CacheKind::Decision && self.cache_key != CacheKey::Route;
        (self.policy == PolicyKind::Cedar && keeps).then_some(
            "--policy cedar decides by the route, which a kept decision must not leave out; accepted for --cache-key: route",
        )
    }

    /// Where things are verified and kept.
    fn clash_of_places(&self) -> Option<&'static str> {
        let cached = self.cache != CacheKind::None;
        if cached && self.cache_store.is_shared() {
            if !matches!(self.sessions, SessionsFrom::Redis(_)) {
                return Some(
                    "--cache-store redis and tiered need --sessions redis://…: what one server's memory revokes, others would not know of",
                );
            }
            if self.cache == CacheKind::Token {
                return Some(
                    "--cache-store redis and tiered keep decisions; accepted for --cache token: quick, moka",
                );
            }
        }
        if self.verify == VerifyKind::Local {
            return None;
        }
        if self.introspect_url == IntrospectUrl::Nowhere {
            return Some("--verify introspect needs --introspect-url");
        }
        if !matches!(
            self.credential,
            CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
        ) {
            return Some(
                "--verify introspect asks about tokens; accepted for --credential: jwt, opaque, api-key",
            );
        }
        if !matches!(self.binding, BindingKind::None | BindingKind::Dpop) {
            return Some(
                "--verify introspect leaves the sender to the central server, which is told; accepted for --binding: none, dpop",
            );
        }
        if cached && self.freshness == FreshnessKind::Denylist {
            return Some(
                "--freshness denylist looks at what was revoked here, and --verify introspect leaves that to the central server; accepted: epoch, ttl, exp",
            );
        }
        None
    }

    fn clash_of_basic(&self) -> Option<&'static str> {
        if self.credential != CredentialKind::Basic {
            return None;
        }
        if self.binding != BindingKind::None {
            return Some(
                "--credential basic has no token that could be bound; accepted for --binding: none",
            );
        }
        match (self.cache, self.cache_store, self.freshness) {
            (CacheKind::None, ..) => None,
            (_, CacheStore::Redis | CacheStore::Tiered, _) => Some(
                "--cache-store redis and tiered would keep fast digests of passwords; accepted for --credential basic: quick, moka",
            ),
            (.., FreshnessKind::Exp) => Some(
                "--freshness exp waits for a token's end, and --credential basic has none; accepted: epoch, denylist, ttl",
            ),
            _ => None,
        }
    }

    fn clash_of_dpop(&self) -> Option<&'static str> {
        if self.binding != BindingKind::Dpop {
            return None;
        }
        if self.listen.ip().is_unspecified() && self.issuer == IssuerFrom::Listen {
            return Some(
                "--binding dpop needs --issuer URL where it listens on every address: proofs are made for one",
            );
        }
        match (self.credential, self.cache) {
            (CredentialKind::Session, _) => Some(
                "--binding dpop binds what an Authorization header carries, not the cookie of --credential session; accepted: jwt, opaque, session-jwt",
            ),
            (CredentialKind::ApiKey | CredentialKind::Basic, _) => Some(
                "--binding dpop binds tokens; accepted for --credential: jwt, opaque, session-jwt",
            ),
            (_, CacheKind::Decision) => Some(
                "--cache decision would leave the proofs of --binding dpop unread; accepted: none, token",
            ),
            _ => None,
        }
    }

    fn clash_of_mtls(&self) -> Option<&'static str> {
        if self.binding != BindingKind::Mtls {
            return None;
        }
        if self.tls == TlsFrom::Nowhere {
            return Some(
                "--binding mtls needs --tls CERT,KEY: it binds to the certificate of the client's connection",
            );
        }
        if !self.trusted_proxy.is_empty() {
            return Some(
                "--binding mtls is of the client's own connection, which ends at a --trusted-proxy; accepted: no --trusted-proxy",
            );
        }
        match self.credential {
            CredentialKind::ApiKey | CredentialKind::Basic => Some(
                "--binding mtls binds tokens; accepted for --credential: jwt, opaque, session, session-jwt",
            ),
            _ => None,
        }
    }

    fn clash_of_list(&self) -> Option<&'static str> {
        if self.cache == CacheKind::None || self.freshness != FreshnessKind::StatusList {
            return None;
        }
        if self.cache == CacheKind::Token {
            return Some(
                "--freshness status-list tells of cached decisions, and --cache token asks on each request what was revoked; accepted: decision",
            );
        }
        if self.listen.ip().is_unspecified() && self.issuer == IssuerFrom::Listen {
            return Some(
                "--freshness status-list needs --issuer URL where it listens on every address: tokens say where their list is",
            );
        }
        if self.tls != TlsFrom::Nowhere {
            return Some(
                "--freshness status-list is fetched from this server, whose own certificate it does not know; accepted: no --tls",
            );
        }
        if self.credential != CredentialKind::Jwt || self.verify != VerifyKind::Local {
            return Some(
                "--freshness status-list lists the signed tokens of this server; accepted: --credential jwt with --verify local",
            );
        }
        if self.refresh != RefreshKind::None {
            return Some(
                "--freshness status-list lists tokens, and --refresh rotate ends sessions; accepted: --refresh none",
            );
        }
        if self.sessions != SessionsFrom::Memory {
            return Some(
                "--freshness status-list lists what this server issued, and servers that share sessions do not know each other's tokens; accepted: --sessions memory",
            );
        }
        None
    }

    /// Where its status list is, where its tokens have one.
    pub(crate) fn status_list(&self) -> Option<String> {
        let lists =
            self.cache == CacheKind::Decision && self.freshness == FreshnessKind::StatusList;
        lists.then(|| format!("{}{}", self.issuer(), status_list::PATH))
    }

    /// Whether clients are asked for their certificates.
    pub(crate) fn asks_certificates(&self) -> bool {
        self.binding == BindingKind::Mtls
    }

    /// Who issues its tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        match &self.issuer {
            IssuerFrom::Listen => format!("{}://{}", self.tls.scheme(), self.listen),
            IssuerFrom::Url(url) => url.to_string(),
        }
    }

    /// For whom its tokens are, where that was said.
    pub(crate) fn named_audience(&self) -> Option<&str> {
        match &self.audience {
            AudienceFrom::Issuer => None,
            AudienceFrom::Named(name) => Some(name),
        }
    }

    /// For whom its tokens are.
    #[must_use]
    pub fn audience(&self) -> String {
        match &self.audience {
            AudienceFrom::Issuer => self.issuer(),
            AudienceFrom::Named(name) => name.to_string(),
        }
    }

    /// Whether requests are authorized: under `--policy allow-all` neither binding nor cache is ever consulted.
    pub(crate) fn authorizes(&self) -> bool {
        self.policy != PolicyKind::AllowAll
    }

    /// What is kept of a key.
    pub(crate) fn form(&self) -> CacheForm {
        match self.credential {
            // A password must not lie in memory.
            CredentialKind::Basic => CacheForm::Digest,
            _ => self.cache_form,
        }
    }

    /// Whether an entry may only live for `--cache-ttl`: where that is the rule, and where something that no number tells of
    /// may change what it was made of.
    pub(crate) fn caps_entries(&self) -> bool {
        let unseen = self.verify == VerifyKind::Introspect
            || self.credential == CredentialKind::Basic && self.users.is_written_elsewhere();
        let by_numbers = matches!(
            self.freshness,
            FreshnessKind::Epoch | FreshnessKind::Denylist
        );
        let cached = self.cache != CacheKind::None;
        cached && (self.freshness == FreshnessKind::Ttl || by_numbers && unseen)
    }

    /// Whether decisions are kept here by numbers that are this server's own, while others revoke what they are made of: it hears
    /// of that within `--lease`.
    pub(crate) fn sees_others_revocations_late(&self) -> bool {
        self.cache == CacheKind::Decision
            && self.freshness == FreshnessKind::Epoch
            && self.cache_store != CacheStore::Redis
            && matches!(self.sessions, SessionsFrom::Redis(_))
    }

    /// Whether a verification, a sender's proof apart, takes so long that those who wait for the same are worth one.
    pub(crate) fn flies_together(&self) -> bool {
        let is_slow = self.verify == VerifyKind::Introspect
            || self.binding == BindingKind::Bcrypt
            || self.is_by_secret() && self.hashes_slowly()
            || matches!(self.sessions, SessionsFrom::Redis(_));
        self.cache != CacheKind::None && self.binding != BindingKind::Dpop && is_slow
    }

    /// Whether a verification waits for a hash, so that what was true before may no longer be.
    pub(crate) fn waits(&self) -> bool {
        let here = self.verify == VerifyKind::Local;
        self.binding == BindingKind::Bcrypt || self.is_by_secret() && here
    }

    /// Whether each request shows what is compared with a stored hash.
    fn is_by_secret(&self) -> bool {
        matches!(
            self.credential,
            CredentialKind::ApiKey | CredentialKind::Basic
        )
    }

    /// Whether anything slow is ever hashed: a file or a database may hold slow hashes whatever `--password` says.
    pub(crate) fn hashes_slowly(&self) -> bool {
        if self.verify == VerifyKind::Introspect {
            return false;
        }
        self.password.is_slow()
            || self.binding == BindingKind::Bcrypt
            || self.users.is_written_elsewhere()
    }

    /// Whether `--bcrypt-cost` means anything.
    pub(crate) fn uses_bcrypt(&self) -> bool {
        let password = self.password == PasswordKind::Bcrypt && self.verify == VerifyKind::Local;
        password || self.binding == BindingKind::Bcrypt
    }

    /// Whether tokens are signed here by a key that outlives the process.
    pub(crate) fn has_lasting_key(&self) -> bool {
        let lasting = match self.jwt {
            JwtAlgorithm::HS256 => self.secret_file != SecretFrom::Random,
            _ => self.key_file != KeyFrom::Generated,
        };
        lasting && self.credential.is_signed() && self.verify == VerifyKind::Local
    }

    /// Whether requests depend on a store that is asked over a connection.
    pub(crate) fn has_remote_store(&self) -> bool {
        matches!(self.sessions, SessionsFrom::Redis(_))
            || matches!(self.users, UsersFrom::Postgres(_))
    }

    /// Whether a restart forgets what was revoked of tokens that are older.
    pub(crate) fn forgets_revocations(&self) -> bool {
        self.has_lasting_key() && self.sessions == SessionsFrom::Memory
    }
}
