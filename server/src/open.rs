//! Opens the parts of a [`Design`]: the one place where settings become what runs. Each part takes the few values that it
//! needs, and none knows the design.

use crate::binding::Binding;
use crate::clients::{Clients, ClientsError};
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind, KeySource, SecretError, SignedBy};
use crate::decisions::{Cache, CacheKind, CacheStore, Keys, Negative, Shared, Store};
use crate::freshness::Freshness;
use crate::hashing::Hashing;
use crate::password::{Password, WrongParams};
use crate::policies::PoliciesError;
use crate::routes::RoutesError;
use crate::sessions::{NotSessions, Sessions, SessionsFrom};
use crate::setup::Design;
use crate::status_list::Source;
use crate::users::{Users, UsersError};
use crate::verification::{
    IntrospectError, IntrospectUrl, Introspection, Verification, VerifyKind,
};

/// Why a design could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no accounts.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// The password hash cannot cost that.
    #[error(transparent)]
    Password(#[from] WrongParams),
    /// There is no HMAC secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Two settings do not go together.
    #[error("{0}")]
    Clash(&'static str),
    /// There is no place for sessions.
    #[error("--sessions: {0}")]
    Sessions(#[from] NotSessions),
    /// There are no clients.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// There are no routes.
    #[error(transparent)]
    Routes(#[from] RoutesError),
    /// There are no policies.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// The central server cannot be asked.
    #[error(transparent)]
    Introspect(#[from] IntrospectError),
    /// The status list cannot be fetched.
    #[error("the status list cannot be made ready to be fetched: {0}")]
    StatusList(reqwest::Error),
    /// There is no key for nonces.
    #[error("the system gives no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
    /// The hash pool's threads could not be started.
    #[error("--hash-threads {threads}: {error}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        error: std::io::Error,
    },
}

pub(crate) fn verification(design: &Design) -> Result<Verification, IntrospectError> {
    match (design.verify, &design.introspect_url) {
        (VerifyKind::Introspect, IntrospectUrl::Url(url)) => {
            let central = Introspection::open(
                url,
                &design.introspect_client,
                design.introspect_timeout.0,
                design.named_audience(),
            )?;
            Ok(Verification::Introspect(Box::new(central)))
        }
        _ => Ok(Verification::Local),
    }
}

pub(crate) fn password(design: &Design) -> Result<Password, WrongParams> {
    let (cost, params) = (design.bcrypt_cost, &design.password_params);
    design.password.open(cost, params)
}

pub(crate) fn users(design: &Design) -> Result<Users, OpenError> {
    let password = password(design)?;
    match design.verify {
        VerifyKind::Local => {
            let connections = design.users_connections.get();
            Ok(Users::open(&design.users, connections, password)?)
        }
        // Nobody signs in here, so nobody's password is hashed for it.
        VerifyKind::Introspect => Ok(Users::elsewhere(password)),
    }
}

pub(crate) fn clients(design: &Design) -> Result<Clients, ClientsError> {
    Clients::open(&design.clients, design.users.is_written_elsewhere())
}

pub(crate) fn hashing(design: &Design) -> Result<Hashing, OpenError> {
    let (threads, queue) = (design.hash_threads.get(), design.hash_queue.get());
    Hashing::open(design.hash_on, threads, queue)
        .map_err(|error| OpenError::Threads { threads, error })
}

pub(crate) fn credential(design: &Design) -> Result<Credential, SecretError> {
    let kind = match (design.credential, design.verify) {
        // The central server has the keys, and a token is text here.
        (CredentialKind::Jwt, VerifyKind::Introspect) => CredentialKind::Opaque,
        (kind, _) => kind,
    };
    let signed = SignedBy {
        source: KeySource {
            algorithm: design.jwt,
            secret: design.secret_file.clone(),
            pair: design.key_file.clone(),
        },
        issuer: design.issuer(),
        audience: design.audience(),
        claims_bytes: design.claims_bytes,
        status_list: design.status_list(),
    };
    Credential::open(kind, signed)
}

/// Sessions that begin now. Only a key that outlives the process can have signed what is older than a store in memory.
pub(crate) fn sessions(design: &Design, now: Timestamp) -> Result<Sessions, NotSessions> {
    match &design.sessions {
        SessionsFrom::Memory => {
            let share = design.max_tokens_per_subject.get();
            Ok(Sessions::memory(
                share,
                since(now, design.has_lasting_key()),
            ))
        }
        SessionsFrom::Redis(url) => {
            Sessions::redis(url, design.token_ttl.0.max(design.refresh_ttl.0))
        }
    }
}

/// A binding that begins now. Where tokens may be older than that, proofs that are older are refused: whether one was used is
/// not known.
///
/// # Errors
/// The system gives no randomness.
pub(crate) fn binding(design: &Design, now: Timestamp) -> Result<Binding, OpenError> {
    let outlived = design.verify == VerifyKind::Introspect
        || matches!(design.sessions, SessionsFrom::Redis(_));
    Ok(Binding::open(
        design.binding,
        design.bind_to,
        design.bcrypt_cost,
        &design.issuer(),
        since(now, outlived),
        design.dpop_nonce.0,
    )?)
}

/// Now, where something may be older; otherwise the beginning of time.
fn since(now: Timestamp, may_be_older: bool) -> Timestamp {
    if may_be_older {
        now
    } else {
        Timestamp::from_seconds(0)
    }
}

pub(crate) fn cache(design: &Design) -> Cache {
    match design.cache {
        CacheKind::None => Cache::None,
        CacheKind::Token => Cache::Token(Box::new(store(design))),
        CacheKind::Decision => {
            let shared = || Box::new(Shared::open(design.freshness, described(design)));
            match design.cache_store {
                CacheStore::Quick | CacheStore::Moka => {
                    Cache::Decision(Box::new(store(design)), None)
                }
                CacheStore::Redis => Cache::Shared(shared(), keys(design)),
                CacheStore::Tiered => Cache::Decision(Box::new(store(design)), Some(shared())),
            }
        }
    }
}

/// The store of a cache in this process, whatever `--cache` says.
pub(crate) fn store<V: Copy + Send + Sync + 'static>(design: &Design) -> Store<V> {
    let capacity = design.cache_capacity.get();
    Store::open(design.cache_store, design.form(), capacity, keys(design))
}

fn keys(design: &Design) -> Keys {
    Keys::new(design.cache_key, design.verify == VerifyKind::Introspect)
}

pub(crate) fn negative(design: &Design) -> Option<Negative> {
    let capacity = design.negative_capacity;
    (capacity > 0).then(|| Negative::open(capacity, design.negative_ttl.0))
}

pub(crate) fn freshness(design: &Design) -> Freshness {
    Freshness::open(design.freshness, design.cache_ttl.0, design.caps_entries())
}

/// Where the issuer's status list is, where there is one.
pub(crate) fn list_source(design: &Design) -> Result<Option<Source>, OpenError> {
    let Some(uri) = design.status_list() else {
        return Ok(None);
    };
    // Whoever names an issuer names a URL, so its list has one.
    let uri = uri.parse().map_err(|_| {
        OpenError::Clash("--freshness status-list needs an issuer whose address is a URL")
    })?;
    Source::open(uri).map(Some).map_err(OpenError::StatusList)
}

/// Every choice that a shared decision depends on, and where entries come from.
fn described(design: &Design) -> String {
    // Of what is only looked up nobody asks who issued it.
    let signed_here = design.credential.is_signed() && design.verify == VerifyKind::Local;
    let issuer = if signed_here {
        design.issuer()
    } else {
        String::new()
    };
    format!(
        "{} {} {} {} {} {} {} {} {} {}",
        design.credential,
        design.jwt,
        design.verify,
        design.introspect_url,
        design.binding,
        design.bind_to,
        design.cache_key,
        design.freshness,
        issuer,
        design.audience(),
    )
}
