//! Every combination of credential, cache, store, key, form, freshness and place of verification that a server opens with.

use std::time::Duration;

use authlab_server::{
    CacheForm, CacheKey, CacheKind, CacheStore, CredentialKind, Design, FreshnessKind, HashOn, Lab,
    OpenError, PasswordKind, Period, RefreshKind, VerifyKind,
};

/// How long an entry lives that is capped, and a status list.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(60);

/// What clients show: the axis, and JWTs that are refreshed beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) kind: CredentialKind,
    pub(crate) refresh: RefreshKind,
}

impl Credential {
    pub(crate) const fn of(kind: CredentialKind) -> Self {
        Self {
            kind,
            refresh: RefreshKind::None,
        }
    }

    pub(crate) const REFRESHED: Self = Self {
        kind: CredentialKind::Jwt,
        refresh: RefreshKind::Rotate,
    };

    pub(crate) fn all() -> Vec<Self> {
        let kinds = CredentialKind::ALL.iter().copied().map(Self::of);
        kinds.chain([Self::REFRESHED]).collect()
    }
}

/// Where credentials are verified, and sessions kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here, in memory.
    Here,
    /// Here, with sessions in Redis: where decisions are shared or looked after there, by two servers.
    HereOverRedis,
    /// The same by three servers, among faults of Redis, of the way to it, of clocks and of servers.
    AmongFaults,
    /// At a central server with sessions in memory.
    Central,
    /// At one with sessions in Redis, where two servers that ask it keep their decisions.
    CentralOverRedis,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::Here,
        Self::HereOverRedis,
        Self::AmongFaults,
        Self::Central,
        Self::CentralOverRedis,
    ];

    pub(crate) const fn is_over_redis(self) -> bool {
        self.has_accounts_of_several() || matches!(self, Self::CentralOverRedis)
    }

    /// Whether several servers have the same accounts, keys and policy.
    pub(crate) const fn has_accounts_of_several(self) -> bool {
        matches!(self, Self::HereOverRedis | Self::AmongFaults)
    }

    pub(crate) const fn is_central(self) -> bool {
        matches!(self, Self::Central | Self::CentralOverRedis)
    }

    /// How many histories a combination has in CI: those that pass through other processes and sockets cost more.
    pub(crate) const fn histories(self) -> usize {
        match self {
            Self::Here => 22,
            Self::HereOverRedis => 4,
            Self::AmongFaults => 2,
            Self::Central | Self::CentralOverRedis => 3,
        }
    }
}

impl Place {
    /// How many combinations are played at once: among faults most of the time is waited.
    pub(crate) const fn lanes(self) -> usize {
        match self {
            Self::AmongFaults => 16,
            _ => 1,
        }
    }

    /// How often a history that fails is tried again with less.
    pub(crate) const fn most_shrinks(self) -> u32 {
        match self {
            Self::AmongFaults => 200,
            _ => 5000,
        }
    }
}

/// A design that is tested, without what a history's setting says.
#[derive(Clone, Debug)]
pub(crate) struct Combination {
    pub(crate) place: Place,
    pub(crate) design: Design,
}

impl Combination {
    /// In the words of the flags.
    pub(crate) fn label(&self) -> String {
        let Design {
            credential,
            refresh,
            cache,
            cache_store,
            cache_key,
            cache_form,
            freshness,
            ..
        } = &self.design;
        format!(
            "{:?}: --credential {credential} --refresh {refresh} --cache {cache} --cache-store {cache_store} --cache-key {cache_key} --cache-form {cache_form} --freshness {freshness}",
            self.place
        )
    }

    /// What of the sender's requests shares an entry without being the sender's.
    pub(crate) fn is_articles(&self) -> bool {
        self.design.cache == CacheKind::Decision && self.design.cache_key == CacheKey::Article
    }

    /// How many servers are asked: several, where each is to know what another was told.
    pub(crate) fn servers(&self) -> usize {
        match self.place {
            Place::AmongFaults => 3,
            Place::HereOverRedis | Place::CentralOverRedis => 2,
            Place::Here | Place::Central => 1,
        }
    }
}

/// Those of a credential at a place. It needs a runtime: an address of Redis is opened on one.
pub(crate) fn combinations(credential: Credential, place: Place) -> Vec<Combination> {
    let mut all = Vec::new();
    for cache in [CacheKind::Token, CacheKind::Decision] {
        for cache_store in CacheStore::ALL.iter().copied() {
            for cache_key in CacheKey::ALL.iter().copied() {
                for cache_form in CacheForm::ALL.iter().copied() {
                    for freshness in FreshnessKind::ALL.iter().copied() {
                        let design = Design {
                            cache,
                            cache_store,
                            cache_key,
                            cache_form,
                            freshness,
                            ..base(credential, place)
                        };
                        let combination = Combination { place, design };
                        if !combination.is_another() && combination.opens() {
                            all.push(combination);
                        }
                    }
                }
            }
        }
    }
    all
}

fn base(credential: Credential, place: Place) -> Design {
    let mut design = Design {
        password: PasswordKind::Sha256,
        bcrypt_cost: 4,
        hash_on: HashOn::Inline,
        credential: credential.kind,
        refresh: credential.refresh,
        token_ttl: Period(Duration::from_secs(600)),
        refresh_ttl: Period(Duration::from_secs(1200)),
        cache_ttl: Period(CACHE_TTL),
        status_list_ttl: Period(CACHE_TTL),
        negative_ttl: Period(CACHE_TTL),
        issuer: "https://auth.example".parse().unwrap(),
        trusted_proxy: "10.9.8.7".parse().unwrap(),
        max_sessions: 2.try_into().unwrap(),
        ..Design::default()
    };
    if place.is_over_redis() {
        design.sessions = "redis://127.0.0.1:1".parse().unwrap();
    }
    if place.is_central() {
        design.verify = VerifyKind::Introspect;
        design.introspect_url = "http://127.0.0.1:1".parse().unwrap();
    }
    design
}

impl Combination {
    /// Whether it only repeats another, as one of its settings would do nothing; and, over Redis, all that does not depend
    /// on where sessions are: there every cache in Redis is tested, and of the others one form of one store.
    fn is_another(&self) -> bool {
        let design = &self.design;
        let plain_key = design.cache_key == CacheKey::Route;
        let plain_form = design.cache_form == CacheForm::Exact;
        let keeps_decisions = design.cache == CacheKind::Decision;
        let in_redis = design.cache_store == CacheStore::Redis;
        let is_tiered = design.cache_store == CacheStore::Tiered;
        let by_digest = design.credential == CredentialKind::Basic || in_redis;
        let tells = matches!(
            design.freshness,
            FreshnessKind::Epoch | FreshnessKind::Denylist
        );
        let is_idle = !keeps_decisions && !plain_key || by_digest && !plain_form;
        let is_said = match self.place {
            Place::Here | Place::Central => false,
            Place::HereOverRedis => {
                let is_one = design.cache_store == CacheStore::Quick && tells || is_tiered;
                !(in_redis || is_one && plain_form)
            }
            // Those that promise the lease.
            Place::AmongFaults => {
                let is_one = in_redis || is_tiered || design.cache_store == CacheStore::Quick;
                !(is_one && tells && plain_key && plain_form)
            }
            Place::CentralOverRedis => !(in_redis || is_tiered && plain_form),
        };
        is_idle || is_said
    }

    fn opens(&self) -> bool {
        match Lab::open(self.design.clone()) {
            Ok(_) => true,
            Err(OpenError::Clash(_)) => false,
            Err(other) => panic!("{}: {other}", self.label()),
        }
    }
}
