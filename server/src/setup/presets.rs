//! Whole designs by name: published ones, and the article's three stages.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::Setup;
use crate::axis::axis;
use crate::binding::BindingKind;
use crate::credential::{CredentialKind, RefreshKind};
use crate::decisions::{CacheKey, CacheKind, CacheStore};
use crate::freshness::FreshnessKind;
use crate::period::Period;

axis! {
    /// A whole design by name.
    pub enum Preset: "preset" {
        /// random tokens, kept by their digest in front of a file of users: the token is looked up on every request
        OpaqueCache = "opaque-cache",
        /// JWTs of 30 minutes with rotating refresh tokens, a denylist of the revoked, and roles
        Jwt = "jwt",
        /// sessions by device, looked up on each request; any device signs any other out
        DeviceSessions = "device-sessions",
        /// a session's cookie after a Basic login; accounts sign themselves up
        CookieSession = "cookie-session",
        /// tokens bound to User-Agent and IP by bcrypt, verified on every request: where the article began
        BoundTokenSlow = "bound-token-slow",
        /// the same by MD5: its first change
        BoundTokenFast = "bound-token-fast",
        /// the same with decisions cached by method, URI and token until exp: its second. UNSAFE: a stolen token passes
        BoundTokenCached = "bound-token-cached",
    }
}

impl Preset {
    /// What the preset sets.
    #[must_use]
    pub fn setup(self) -> Setup {
        let uncached = |binding| Setup {
            binding: Some(binding),
            cache: Some(CacheKind::None),
            ..Setup::default()
        };
        match self {
            Self::OpaqueCache => Setup {
                credential: Some(CredentialKind::Opaque),
                cache: Some(CacheKind::None),
                ..Setup::default()
            },
            Self::Jwt => Setup {
                credential: Some(CredentialKind::Jwt),
                token_ttl: Some(Period(Duration::from_secs(30 * 60))),
                refresh: Some(RefreshKind::Rotate),
                cache: Some(CacheKind::None),
                ..Setup::default()
            },
            Self::DeviceSessions => Setup {
                credential: Some(CredentialKind::SessionJwt),
                max_sessions: NonZeroUsize::new(10),
                cache: Some(CacheKind::None),
                ..Setup::default()
            },
            Self::CookieSession => Setup {
                credential: Some(CredentialKind::Session),
                cache: Some(CacheKind::None),
                ..Setup::default()
            },
            Self::BoundTokenSlow => Setup {
                bcrypt_cost: Some(12),
                ..uncached(BindingKind::Bcrypt)
            },
            Self::BoundTokenFast => uncached(BindingKind::Md5),
            Self::BoundTokenCached => Setup {
                binding: Some(BindingKind::Md5),
                cache: Some(CacheKind::Decision),
                cache_store: Some(CacheStore::Moka),
                cache_key: Some(CacheKey::Article),
                freshness: Some(FreshnessKind::Exp),
                ..Setup::default()
            },
        }
    }

    /// All presets with what they mean and the flags they stand for, for `--list-presets`.
    #[must_use]
    pub fn list() -> String {
        let mut text = String::new();
        for preset in Self::ALL {
            let _ = write!(
                text,
                "{preset}\n    {}\n    {}\n",
                preset.help(),
                preset.flags().join(" ")
            );
        }
        text
    }

    fn flags(self) -> Vec<String> {
        let setup = self.setup();
        let flag =
            |name: &str, value: Option<String>| value.map(|value| format!("--{name} {value}"));
        [
            flag(
                "credential",
                setup.credential.map(|value| value.to_string()),
            ),
            flag("token-ttl", setup.token_ttl.map(|value| value.to_string())),
            flag("refresh", setup.refresh.map(|value| value.to_string())),
            flag(
                "max-sessions",
                setup.max_sessions.map(|value| value.to_string()),
            ),
            flag("binding", setup.binding.map(|value| value.to_string())),
            flag(
                "bcrypt-cost",
                setup.bcrypt_cost.map(|value| value.to_string()),
            ),
            flag("cache", setup.cache.map(|value| value.to_string())),
            flag(
                "cache-store",
                setup.cache_store.map(|value| value.to_string()),
            ),
            flag("cache-key", setup.cache_key.map(|value| value.to_string())),
            flag("freshness", setup.freshness.map(|value| value.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
