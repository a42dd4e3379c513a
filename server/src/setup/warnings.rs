//! What a design gives up. Printed at start, and recorded by whoever measures the design.

use super::Design;
use crate::axis::axis;
use crate::binding::BindingKind;
use crate::credential::CredentialKind;
use crate::decisions::{CacheKey, CacheKind};
use crate::freshness::FreshnessKind;
use crate::hashing::HashOn;
use crate::https::TlsFrom;
use crate::issuer::IssuerFrom;
use crate::password::Password;
use crate::sessions::SessionsFrom;
use crate::users::{PostgresUrl, UsersFrom};
use crate::verification::VerifyKind;

axis! {
    /// Something that a design gives up.
    pub enum Warning: "warning" {
        /// --policy allow-all: authorization is skipped, every request passes
        NothingAuthorized = "nothing-authorized",
        /// --cache-key article: on a hit the sender is not checked, a stolen token passes
        StolenTokenPasses = "stolen-token-passes",
        /// --freshness ttl: a revoked token may pass until its cached decisions end, --cache-ttl at most
        RevokedPassesForTtl = "revoked-passes-for-ttl",
        /// --freshness status-list: a revoked token may pass until the list is fetched again, --status-list-ttl at most
        RevokedPassesForList = "revoked-passes-for-list",
        /// --freshness exp: a revoked token may pass until it expires
        RevokedPassesUntilExp = "revoked-passes-until-exp",
        /// --verify introspect beside a cache: what the central server revokes may pass here for --cache-ttl (with exp until it expires), unless this server and the central one share --cache-store redis or tiered
        CentralRevocationsUnseen = "central-revocations-unseen",
        /// --sessions redis with a cache of this server's own: what another server revokes may pass here for --lease at most
        OthersRevocationsUnseen = "others-revocations-unseen",
        /// --credential basic beside a cache: what is changed in the file or database of --users by others may pass for --cache-ttl
        ChangesElsewhereUnseen = "changes-elsewhere-unseen",
        /// --secret-file or --key-file with --sessions memory: a restart forgets what was revoked, so it ends all tokens issued before it
        ChangesForgotten = "changes-forgotten",
        /// --cache-store redis or tiered with a key of this process alone: no other server shares these decisions
        NothingShared = "nothing-shared",
        /// --sessions redis without --issuer: tokens name this server's own address, and another server refuses them
        IssuerOfOneServer = "issuer-of-one-server",
        /// --password md5, sha256 or blake3: stolen hashes are guessed by the billion a second; measurement only
        FastPasswordHash = "fast-password-hash",
        /// --bcrypt-cost below 10, or --password-params below what OWASP asks for: stored passwords are guessed faster
        LowPasswordCost = "low-password-cost",
        /// --binding md5: collisions in MD5 are made at will; measurement only
        BrokenDigest = "broken-digest",
        /// --insecure-cookies: the session's cookie travels in the clear where there is no TLS
        InsecureCookies = "insecure-cookies",
        /// --hash-on inline: each sign-in stops every other request of its thread
        HashesBlockRequests = "hashes-block-requests",
        /// --introspect-url http:// beyond loopback: tokens and the client's secret can be read on the way
        PlainTextCentral = "plain-text-central",
        /// --users postgres:// beyond loopback without sslmode=verify-full: whoever takes the database's place on the way decides who signs in
        UnverifiedDatabase = "unverified-database",
        /// --sessions in Redis beyond loopback without TLS: sessions and the password of Redis can be read and changed on the way
        PlainTextSessions = "plain-text-sessions",
        /// --listen beyond loopback without TLS: tokens and passwords can be read on the way
        PlainTextNetwork = "plain-text-network",
    }
}

impl Design {
    /// What this design gives up, the worst first.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        Warning::ALL
            .iter()
            .copied()
            .filter(|warning| self.gives_up(*warning))
            .collect()
    }

    fn gives_up(&self, warning: Warning) -> bool {
        // Where nothing is authorized, no token is checked that a binding or a cache could weaken. Passwords are.
        let decisions = self.authorizes() && self.cache == CacheKind::Decision;
        match warning {
            Warning::NothingAuthorized => !self.authorizes(),
            Warning::StolenTokenPasses => decisions && self.cache_key == CacheKey::Article,
            Warning::RevokedPassesForTtl => decisions && self.freshness == FreshnessKind::Ttl,
            Warning::RevokedPassesForList => {
                decisions && self.freshness == FreshnessKind::StatusList
            }
            Warning::RevokedPassesUntilExp => decisions && self.freshness == FreshnessKind::Exp,
            Warning::OthersRevocationsUnseen => {
                self.authorizes() && self.sees_others_revocations_late()
            }
            Warning::CentralRevocationsUnseen => {
                let cached = self.authorizes() && self.cache != CacheKind::None;
                cached && self.verify == VerifyKind::Introspect
            }
            Warning::ChangesElsewhereUnseen => {
                let cached = self.authorizes() && self.cache != CacheKind::None;
                let by_password = self.credential == CredentialKind::Basic;
                cached && by_password && self.users.is_written_elsewhere()
            }
            Warning::ChangesForgotten => self.forgets_revocations(),
            Warning::NothingShared => {
                let is_signed = self.credential.is_signed() && self.verify == VerifyKind::Local;
                let drawn = is_signed && !self.has_lasting_key();
                decisions && self.cache_store.is_shared() && drawn
            }
            Warning::IssuerOfOneServer => {
                let shared = matches!(self.sessions, SessionsFrom::Redis(_));
                shared && self.has_lasting_key() && self.issuer == IssuerFrom::Listen
            }
            Warning::PlainTextCentral => {
                self.verify == VerifyKind::Introspect && self.introspect_url.is_in_the_clear()
            }
            Warning::UnverifiedDatabase => {
                let url = match &self.users {
                    UsersFrom::Postgres(url) => Some(url),
                    _ => None,
                };
                self.verify == VerifyKind::Local && url.is_some_and(PostgresUrl::is_unverified)
            }
            Warning::PlainTextSessions => self.sessions.is_in_the_clear(),
            Warning::FastPasswordHash => {
                self.verify == VerifyKind::Local && !self.password.is_slow()
            }
            Warning::LowPasswordCost => {
                let (cost, params) = (self.bcrypt_cost, &self.password_params);
                let password = self.password.open(cost, params);
                self.verify == VerifyKind::Local && password.is_ok_and(Password::is_weak)
            }
            Warning::BrokenDigest => self.authorizes() && self.binding == BindingKind::Md5,
            Warning::InsecureCookies => self.insecure_cookies,
            Warning::HashesBlockRequests => self.hashes_slowly() && self.hash_on == HashOn::Inline,
            Warning::PlainTextNetwork => {
                !self.listen.ip().is_loopback() && self.tls == TlsFrom::Nowhere
            }
        }
    }
}
