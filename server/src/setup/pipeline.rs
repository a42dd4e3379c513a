//! A design in words: what a server prints at its start.

use std::fmt::Write as _;

use super::Design;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, JwtAlgorithm, RefreshKind};
use crate::decisions::{CacheKind, CacheStore};
use crate::freshness::FreshnessKind;
use crate::hashing::HashOn;
use crate::password::{Password, PasswordKind, PasswordParams};
use crate::period::Period;
use crate::policy::PolicyKind;
use crate::sessions::SessionsFrom;
use crate::verification::VerifyKind;

impl Design {
    /// The pipeline, an axis a line: name and choice. What would do nothing is left out, and where nothing is
    /// authorized, binding and cache are said to be none, whatever was typed.
    #[must_use]
    pub fn pipeline(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let is_local = self.verify == VerifyKind::Local;
        if is_local {
            lines.push(("password", self.password_line()));
        }
        if self.hashes_slowly() {
            lines.push(("hash-on", self.hashing_line()));
        }
        lines.push(("credential", self.credential_line()));
        if let VerifyKind::Introspect = self.verify {
            let (url, within) = (&self.introspect_url, self.introspect_timeout);
            lines.push(("verify", format!("introspect at {url}, within {within}")));
        }
        if self.refresh == RefreshKind::Rotate {
            let ttl = self.refresh_ttl;
            lines.push(("refresh", format!("{}, for {ttl}", self.refresh)));
        }
        if self.authorizes() {
            lines.push(("binding", self.binding_line()));
            lines.push(("cache", self.cache_line()));
            if self.cache != CacheKind::None {
                lines.push(("freshness", self.freshness_line()));
            }
        } else {
            for axis in ["binding", "cache"] {
                lines.push((axis, "none (nothing is authorized)".to_owned()));
            }
        }
        if is_local {
            lines.push(("users", self.users.to_string()));
        }
        lines.push(("sessions", self.sessions_line()));
        lines.push(("policy", self.policy_line()));
        if !self.trusted_proxy.is_empty() {
            lines.push(("proxies", self.trusted_proxy.to_string()));
        }
        lines.push(("threads", self.threads.to_string()));
        lines.extend(self.own_lines());
        lines
    }

    fn password_line(&self) -> String {
        match self.password {
            PasswordKind::Bcrypt => format!("bcrypt, cost {}", self.bcrypt_cost),
            other if other.has_params() => self.memory_hard_line(),
            other => other.to_string(),
        }
    }

    /// Parameters that are not the usual ones, and the memory of as many hashes as may run at once.
    fn memory_hard_line(&self) -> String {
        let mut line = self.password.to_string();
        if self.password_params != PasswordParams::default() {
            line = format!("{line}, {}", self.password_params);
        }
        let password = self.password.open(self.bcrypt_cost, &self.password_params);
        let one = password.map_or(0, Password::memory_bytes);
        if one == 0 {
            return line;
        }
        let (mib, at_once) = (one.div_ceil(1 << 20), self.hash_threads);
        match self.hash_on {
            HashOn::Pool | HashOn::Blocking => {
                format!("{line}, {mib} MiB each, {at_once} at once")
            }
            HashOn::Inline => format!("{line}, {mib} MiB each"),
        }
    }

    fn hashing_line(&self) -> String {
        let (at_once, waiting) = (self.hash_threads, self.hash_queue);
        match self.hash_on {
            HashOn::Inline => HashOn::Inline.to_string(),
            place => format!("{place}, {at_once} at once, {waiting} waiting"),
        }
    }

    fn credential_line(&self) -> String {
        let (kind, algorithm, ttl) = (self.credential, self.jwt, self.token_ttl);
        if self.verify == VerifyKind::Introspect {
            return kind.to_string();
        }
        let fat = match self.claims_bytes {
            0 => String::new(),
            bytes => format!(", {bytes} bytes of groups"),
        };
        match kind {
            CredentialKind::Jwt | CredentialKind::SessionJwt
                if algorithm == JwtAlgorithm::HS256 =>
            {
                format!(
                    "{kind} {algorithm}, valid {ttl}, secret {}{fat}",
                    self.secret_file
                )
            }
            CredentialKind::Jwt | CredentialKind::SessionJwt => {
                format!(
                    "{kind} {algorithm}, valid {ttl}, key {}{fat}",
                    self.key_file
                )
            }
            CredentialKind::Opaque => format!("{kind}, 256 random bits, valid {ttl}"),
            CredentialKind::ApiKey => {
                let hash = self.password_line();
                format!("{kind}, 256 random bits kept by {hash}, valid {ttl}")
            }
            CredentialKind::Basic => format!("{kind}: name and password on each request"),
            CredentialKind::Session => {
                let secure = if self.insecure_cookies {
                    ""
                } else {
                    ", Secure"
                };
                format!(
                    "{kind} cookie, 256 random bits, valid {ttl}, HttpOnly, SameSite=Lax{secure}"
                )
            }
        }
    }

    fn policy_line(&self) -> String {
        match self.policy {
            PolicyKind::Cedar => format!("{}, policies: {}", self.policy, self.cedar_policies),
            other => other.to_string(),
        }
    }

    fn sessions_line(&self) -> String {
        let mut line = self.sessions.to_string();
        if matches!(self.sessions, SessionsFrom::Redis(_)) {
            let _ = write!(line, ", lease of {}", self.lease);
        }
        if self.credential == CredentialKind::SessionJwt {
            let _ = write!(line, ", {} devices an account", self.max_sessions);
        }
        line
    }

    fn binding_line(&self) -> String {
        let to = self.bind_to;
        match self.binding {
            BindingKind::None => BindingKind::None.to_string(),
            BindingKind::Bcrypt => format!("bcrypt, cost {}, of {to}", self.bcrypt_cost),
            BindingKind::Dpop => {
                let nonce = match self.dpop_nonce {
                    Period::ZERO => String::new(),
                    period => format!(", with a nonce that changes each {period}"),
                };
                format!("dpop: a proof of the token's key on each request{nonce}")
            }
            BindingKind::Mtls => "mtls: the certificate of the client's connection".to_owned(),
            digest => format!("{digest} of {to}"),
        }
    }

    fn cache_line(&self) -> String {
        let (store, key, form) = (self.cache_store, self.cache_key, self.form());
        let size = match store {
            CacheStore::Redis => "bounded by Redis".to_owned(),
            CacheStore::Quick | CacheStore::Moka => {
                format!("{form} form, {} entries", self.cache_capacity)
            }
            CacheStore::Tiered => format!(
                "{form} form, {} entries, in front of Redis",
                self.cache_capacity
            ),
        };
        let negative = match self.negative_capacity {
            0 => String::new(),
            entries => format!("; {entries} denials for {}", self.negative_ttl),
        };
        match self.cache {
            CacheKind::None => format!("{}{negative}", CacheKind::None),
            CacheKind::Token => format!("token on {store}, {size}{negative}"),
            CacheKind::Decision => format!("decision on {store}, {key} key, {size}{negative}"),
        }
    }

    fn freshness_line(&self) -> String {
        match self.freshness {
            FreshnessKind::Ttl => format!("ttl of {}", self.cache_ttl),
            FreshnessKind::StatusList => format!("status-list of {}", self.status_list_ttl),
            other if self.caps_entries() => format!("{other}, and a ttl of {}", self.cache_ttl),
            other => other.to_string(),
        }
    }
}
