//! The flags: one field a setting, as typed ([`Setup`]) and as meant ([`Design`]).
//!
//! clap and serde read the same struct. Settings are layered: defaults < preset < file < environment < flags, in
//! whatever order they are typed, so every field is an `Option` until [`Setup::resolve`].

mod file;
mod pipeline;
mod presets;
mod unused;
mod warnings;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::binding::{BindTo, BindingKind};
use crate::clients::ClientsFrom;
use crate::credential::{CredentialKind, JwtAlgorithm, KeyFrom, RefreshKind, SecretFrom};
use crate::decisions::{CacheForm, CacheKey, CacheKind, CacheStore};
use crate::freshness::FreshnessKind;
use crate::hashing::HashOn;
use crate::issuer::{AudienceFrom, IssuerFrom};
use crate::log::{LogFormat, LogKind};
use crate::password::{BCRYPT_COSTS, LEAST_PASSWORD_BYTES, MOST_PASSWORD_BYTES, PasswordKind};
use crate::period::Period;
use crate::policy::PolicyKind;
use crate::proxies::Proxies;
use crate::routes::RoutesFrom;
use crate::sessions::SessionsFrom;
use crate::users::UsersFrom;
use crate::verification::{IntrospectClient, IntrospectUrl, VerifyKind};
pub use file::SetupFileError;
pub use presets::Preset;
pub use unused::Idle;
pub use warnings::Warning;

/// Declares a setting once: as typed, as meant, its default and its environment variable.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $(#[arg($($arg:tt)+)])?
        $field:ident: $Type:ty = $default:expr, $env:literal;
    )+) => {
        // clap would take a plain doc comment for the description of whatever command these flags are part of.
        #[cfg_attr(doc, doc = "The settings as typed, in flags, environment or a TOML file.")]
        #[cfg_attr(not(doc), allow(missing_docs, reason = "only rustdoc may see it"))]
        #[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct Setup {
            /// a whole design by name; other settings override its parts
            #[arg(long, env = "AUTHLAB_PRESET")]
            pub preset: Option<Preset>,
            /// print the presets and what they set
            #[arg(long)]
            #[serde(skip)]
            pub list_presets: bool,
            /// a TOML file with these settings under the same names
            #[arg(long, env = "AUTHLAB_CONFIG", value_name = "FILE")]
            #[serde(skip)]
            pub config: Option<PathBuf>,
            $(
                $(#[doc = $about])+
                #[arg(long, env = $env $(, $($arg)+)?)]
                pub $field: Option<$Type>,
            )+
        }

        /// The settings as meant: a whole design, every choice made.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Design {
            $( $(#[doc = $about])+ pub $field: $Type, )+
        }

        impl Default for Design {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl Setup {
            const FIELDS: &'static [&'static str] = &["preset", $( stringify!($field) ),+];

            /// These settings, and below them those.
            fn over(self, below: Self) -> Self {
                Self {
                    preset: self.preset.or(below.preset),
                    list_presets: self.list_presets,
                    config: self.config,
                    $( $field: self.$field.or(below.$field), )+
                }
            }

            fn over_defaults(self) -> Design {
                let default = Design::default();
                Design { $( $field: self.$field.unwrap_or(default.$field), )+ }
            }
        }
    };
}

settings! {
    /// stored password hash
    password: PasswordKind = PasswordKind::Bcrypt, "AUTHLAB_PASSWORD";
    /// bcrypt's cost, of passwords and of the bcrypt binding: 2^cost rounds, 4 to 15 [default: 12]
    bcrypt_cost: u32 = bcrypt::DEFAULT_COST, "AUTHLAB_BCRYPT_COST";
    /// where slow hashes (bcrypt, argon2id) run; fast digests always run in place
    hash_on: HashOn = HashOn::Pool, "AUTHLAB_HASH_ON";
    /// how many slow hashes run at once [default: the cores]
    hash_threads: NonZeroUsize = cores(), "AUTHLAB_HASH_THREADS";
    /// how many slow hashes may wait; beyond it 429 is answered [default: 64]
    hash_queue: NonZeroUsize = const { NonZeroUsize::new(64).unwrap() }, "AUTHLAB_HASH_QUEUE";
    /// what a client shows on each request
    credential: CredentialKind = CredentialKind::Jwt, "AUTHLAB_CREDENTIAL";
    /// how a JWT is signed
    jwt: JwtAlgorithm = JwtAlgorithm::HS256, "AUTHLAB_JWT";
    /// how long a token is valid [default: 30m]
    token_ttl: Period = Period(Duration::from_secs(30 * 60)), "AUTHLAB_TOKEN_TTL";
    /// so many bytes of group names in each token, as directories put them there [default: 0]
    #[arg(value_name = "N")]
    claims_bytes: usize = 0, "AUTHLAB_CLAIMS_BYTES";
    /// what follows an access token that ends
    refresh: RefreshKind = RefreshKind::None, "AUTHLAB_REFRESH";
    /// how long a session may be refreshed, from its sign-in on [default: 7d]
    refresh_ttl: Period = Period(Duration::from_secs(7 * 24 * 60 * 60)), "AUTHLAB_REFRESH_TTL";
    /// a file with the HMAC secret, at least 256 bits [default: random per process]
    #[arg(value_name = "FILE")]
    secret_file: SecretFrom = SecretFrom::Random, "AUTHLAB_SECRET_FILE";
    /// a PEM file with the private key that --jwt asks for [default: generated per process]
    #[arg(value_name = "FILE")]
    key_file: KeyFrom = KeyFrom::Generated, "AUTHLAB_KEY_FILE";
    /// who issues tokens: http:// or https://, host and port [default: the address that is listened on]
    #[arg(value_name = "URL")]
    issuer: IssuerFrom = IssuerFrom::Listen, "AUTHLAB_ISSUER";
    /// for whom tokens are [default: the issuer]
    #[arg(value_name = "NAME")]
    audience: AudienceFrom = AudienceFrom::Issuer, "AUTHLAB_AUDIENCE";
    /// set the session's cookie without Secure: it then travels without TLS too
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_cookies: bool = false, "AUTHLAB_INSECURE_COOKIES";
    /// where a credential is verified
    verify: VerifyKind = VerifyKind::Local, "AUTHLAB_VERIFY";
    /// the central authorization server: another authlab, or the whole address of anybody's introspection endpoint
    #[arg(value_name = "URL")]
    introspect_url: IntrospectUrl = IntrospectUrl::Nowhere, "AUTHLAB_INTROSPECT_URL";
    /// a file with ID:SECRET, as whom the central server is asked [default: demo-client]
    #[arg(value_name = "FILE")]
    introspect_client: IntrospectClient = IntrospectClient::Demo, "AUTHLAB_INTROSPECT_CLIENT";
    /// how long the central server may take to answer; then 503 is answered [default: 10s]
    introspect_timeout: Period = Period(Duration::from_secs(10)), "AUTHLAB_INTROSPECT_TIMEOUT";
    /// wait so long before each answer, as if this server were so far away [default: 0ms]
    answer_delay: Period = Period(Duration::ZERO), "AUTHLAB_ANSWER_DELAY";
    /// who may use a token
    binding: BindingKind = BindingKind::None, "AUTHLAB_BINDING";
    /// what of the sender a token is bound to
    bind_to: BindTo = BindTo::UserAgentAndIp, "AUTHLAB_BIND_TO";
    /// what is remembered between requests
    cache: CacheKind = CacheKind::None, "AUTHLAB_CACHE";
    /// which cache remembers
    cache_store: CacheStore = CacheStore::Quick, "AUTHLAB_CACHE_STORE";
    /// what two requests must share to share a decision
    cache_key: CacheKey = CacheKey::Route, "AUTHLAB_CACHE_KEY";
    /// what is kept of a key; of --credential basic always a digest
    cache_form: CacheForm = CacheForm::Exact, "AUTHLAB_CACHE_FORM";
    /// how many entries are remembered, of about 3 KiB and a token at most: a request whose path and User-Agent are longer than
    /// 2 KiB is decided anew each time [default: 100000]
    cache_capacity: NonZeroUsize = const { NonZeroUsize::new(100_000).unwrap() }, "AUTHLAB_CACHE_CAPACITY";
    /// how long an entry lives with --freshness ttl, and wherever something else changes facts unseen; up to a tenth less,
    /// so that what was written together does not end together [default: 60s]
    cache_ttl: Period = Period(Duration::from_secs(60)), "AUTHLAB_CACHE_TTL";
    /// how many denials are remembered that can never turn: wrong signature, wrong form, expired [default: 0]
    #[arg(value_name = "N")]
    negative_capacity: usize = 0, "AUTHLAB_NEGATIVE_CAPACITY";
    /// for how long [default: 60s]
    negative_ttl: Period = Period(Duration::from_secs(60)), "AUTHLAB_NEGATIVE_TTL";
    /// what makes a cached grant stale
    freshness: FreshnessKind = FreshnessKind::Epoch, "AUTHLAB_FRESHNESS";
    /// where accounts are kept: `memory`, `file:PATH` or `sqlite:PATH` [default: memory]
    users: UsersFrom = UsersFrom::Memory, "AUTHLAB_USERS";
    /// how many bytes a new password has at least, at a sign-up and a change: 1 to 72 [default: 8]
    #[arg(value_name = "N")]
    min_password_bytes: usize = LEAST_PASSWORD_BYTES, "AUTHLAB_MIN_PASSWORD_BYTES";
    /// where sessions and revocations are kept: `memory`, or `redis://[NAME:PASSWORD@]HOST[:PORT][/DB]` [default: memory]
    #[arg(hide_env_values = true)]
    sessions: SessionsFrom = SessionsFrom::Memory, "AUTHLAB_SESSIONS";
    /// how many devices an account may be signed in from; one more signs the oldest out [default: 10]
    max_sessions: NonZeroUsize = const { NonZeroUsize::new(10).unwrap() }, "AUTHLAB_MAX_SESSIONS";
    /// how many tokens, or sessions that are refreshed, one user or client may have; one more ends its oldest. With
    /// --sessions memory, where they are held [default: 10000]
    #[arg(value_name = "N")]
    max_tokens_per_subject: NonZeroUsize = const { NonZeroUsize::new(10_000).unwrap() }, "AUTHLAB_MAX_TOKENS_PER_SUBJECT";
    /// a JSON file of the servers that may ask for tokens and about them [default: demo-client, demo-secret, with --users memory alone]
    #[arg(value_name = "FILE")]
    clients: ClientsFrom = ClientsFrom::Demo, "AUTHLAB_CLIENTS";
    /// addresses of proxies, separated by commas, whose X-Forwarded-For counts and who may ask at /authorize [default: none]
    #[arg(value_name = "IP[/BITS],…")]
    trusted_proxy: Proxies = Proxies::default(), "AUTHLAB_TRUSTED_PROXY";
    /// a TOML file of what the paths behind a proxy need [default: any is for whoever is signed in]
    #[arg(value_name = "FILE")]
    routes: RoutesFrom = RoutesFrom::Nowhere, "AUTHLAB_ROUTES";
    /// whether requests are authorized at all
    policy: PolicyKind = PolicyKind::Enforce, "AUTHLAB_POLICY";
    /// worker threads [default: the cores]
    threads: NonZeroUsize = cores(), "AUTHLAB_THREADS";
    /// address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), "AUTHLAB_LISTEN";
    /// how many connections may be open, and fewer where the limit of open files is lower; when all are taken, the one whose
    /// client has kept the server waiting for the longest is closed [default: 10000]
    #[arg(value_name = "N")]
    max_connections: NonZeroUsize = const { NonZeroUsize::new(10_000).unwrap() }, "AUTHLAB_MAX_CONNECTIONS";
    /// how long SIGTERM, SIGINT or SIGHUP lets requests under way go on; then they are answered 503, and at once after a
    /// second signal [default: 5s]
    shutdown_timeout: Period = Period(Duration::from_secs(5)), "AUTHLAB_SHUTDOWN_TIMEOUT";
    /// count requests, latencies and cache hits, and tell them at /metrics; each request pays for its count
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    metrics: bool = false, "AUTHLAB_METRICS";
    /// what is told on stderr of what happens
    log: LogKind = LogKind::None, "AUTHLAB_LOG";
    /// how it is written
    log_format: LogFormat = LogFormat::Text, "AUTHLAB_LOG_FORMAT";
    /// answer with a Server-Timing header: what each stage of authorization took
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    server_timing: bool = false, "AUTHLAB_SERVER_TIMING";
}

const THREADS: RangeInclusive<usize> = 1..=1024;
const QUEUE: RangeInclusive<usize> = 1..=1_000_000;
const ENTRIES: RangeInclusive<usize> = 1..=100_000_000;
const SESSIONS: RangeInclusive<usize> = 1..=1000;
const TOKENS: RangeInclusive<usize> = 1..=1_000_000;
const NEGATIVES: RangeInclusive<usize> = 0..=100_000_000;
/// A token of 16 kB leaves room in a head of 32.
const CLAIMS_BYTES: RangeInclusive<usize> = 0..=12_000;
const PASSWORD_BYTES: RangeInclusive<usize> = 1..=MOST_PASSWORD_BYTES;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
/// Longer than any supervisor waits.
const MOST_SHUTDOWN: Period = Period(Duration::from_secs(60 * 60));
const MOST_DELAY: Period = Period(Duration::from_secs(60));
const LEAST_TOKEN_TTL: Period = Period(Duration::from_secs(1));
const LEAST_CACHE_TTL: Period = Period(Duration::from_millis(1));
const MOST_TTL: Period = Period(Duration::from_secs(365 * 24 * 60 * 60));

/// What is wrong with the settings, in one line.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] SetupFileError),
    /// A value is out of range.
    #[error("--{key} {value} is out of range; accepted: {accepted}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// Two settings do not go together.
    #[error("{0}")]
    Clash(&'static str),
    /// A setting would do nothing beside another.
    #[error("{place}{key} would do nothing: {}", because.help())]
    Unused {
        /// `--` for a flag, or the file that it is in.
        place: String,
        /// The setting.
        key: &'static str,
        /// The choice that makes it idle.
        because: Idle,
    },
}

impl Setup {
    /// The design that is meant: preset, file and defaults below what was typed.
    ///
    /// # Errors
    /// One line that says what is wrong, where, and what is accepted.
    pub fn resolve(self) -> Result<Design, SetupError> {
        let typed = self;
        let file = match &typed.config {
            Some(path) => file::read(path)?,
            None => Self::default(),
        };
        let preset = typed
            .preset
            .or(file.preset)
            .map(Preset::setup)
            .unwrap_or_default();
        let below = file.clone().over(preset);
        if let Some(path) = &typed.config {
            // Judged by what the file itself says: a flag may make its settings idle, they are not wrong for that.
            unused::refuse(
                &file,
                &below.clone().over_defaults(),
                &format!("{}: ", path.display()),
            )?;
        }
        let mut design = typed.clone().over(below).over_defaults();
        if design.credential != CredentialKind::Jwt || design.verify == VerifyKind::Introspect {
            // A preset's, beside another credential that was typed, or where no token is issued.
            design.refresh = RefreshKind::None;
        }
        design.check_ranges()?;
        if let Some(clash) = design.clash() {
            return Err(SetupError::Clash(clash));
        }
        unused::refuse(&typed, &design, "--")?;
        Ok(design)
    }

    /// The accepted keys of a file.
    #[must_use]
    pub fn keys() -> Vec<String> {
        Self::FIELDS
            .iter()
            .map(|field| field.replace('_', "-"))
            .collect()
    }
}

impl Design {
    fn check_ranges(&self) -> Result<(), SetupError> {
        in_range("bcrypt-cost", self.bcrypt_cost, &BCRYPT_COSTS)?;
        in_range("hash-threads", self.hash_threads.get(), &THREADS)?;
        in_range("hash-queue", self.hash_queue.get(), &QUEUE)?;
        in_range("threads", self.threads.get(), &THREADS)?;
        in_range("cache-capacity", self.cache_capacity.get(), &ENTRIES)?;
        in_range("max-sessions", self.max_sessions.get(), &SESSIONS)?;
        in_range(
            "min-password-bytes",
            self.min_password_bytes,
            &PASSWORD_BYTES,
        )?;
        in_range(
            "max-tokens-per-subject",
            self.max_tokens_per_subject.get(),
            &TOKENS,
        )?;
        period_in_range("token-ttl", self.token_ttl, LEAST_TOKEN_TTL)?;
        period_in_range("refresh-ttl", self.refresh_ttl, LEAST_TOKEN_TTL)?;
        period_in_range("cache-ttl", self.cache_ttl, LEAST_CACHE_TTL)?;
        in_range("negative-capacity", self.negative_capacity, &NEGATIVES)?;
        in_range("claims-bytes", self.claims_bytes, &CLAIMS_BYTES)?;
        period_in_range("negative-ttl", self.negative_ttl, LEAST_CACHE_TTL)?;
        period_in_range(
            "introspect-timeout",
            self.introspect_timeout,
            LEAST_CACHE_TTL,
        )?;
        in_range("max-connections", self.max_connections.get(), &CONNECTIONS)?;
        at_most("shutdown-timeout", self.shutdown_timeout, MOST_SHUTDOWN)?;
        at_most("answer-delay", self.answer_delay, MOST_DELAY)
    }

    /// Two settings that do not go together, and what does.
    pub(crate) fn clash(&self) -> Option<&'static str> {
        self.clash_of_places()
            .or_else(|| self.clash_of_basic())
            .or_else(|| self.clash_of_dpop())
    }

    /// Where things are verified and kept.
    fn clash_of_places(&self) -> Option<&'static str> {
        let cached = self.cache != CacheKind::None;
        if cached && self.cache_store == CacheStore::Redis {
            if !matches!(self.sessions, SessionsFrom::Redis(_)) {
                return Some(
                    "--cache-store redis needs --sessions redis://…: what one server's memory revokes, others would not know of",
                );
            }
            if self.cache == CacheKind::Token {
                return Some(
                    "--cache-store redis keeps decisions; accepted for --cache token: quick, moka",
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
            (_, CacheStore::Redis, _) => Some(
                "--cache-store redis would keep fast digests of passwords; accepted for --credential basic: quick, moka",
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

    /// Who issues its tokens.
    #[must_use]
    pub fn issuer(&self) -> String {
        match &self.issuer {
            IssuerFrom::Listen => format!("http://{}", self.listen),
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
        self.policy == PolicyKind::Enforce
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

    /// Whether anything slow is ever hashed: a users file may hold slow hashes whatever `--password` says.
    pub(crate) fn hashes_slowly(&self) -> bool {
        if self.verify == VerifyKind::Introspect {
            return false;
        }
        self.password.is_slow()
            || self.binding == BindingKind::Bcrypt
            || matches!(self.users, UsersFrom::File(_) | UsersFrom::Sqlite(_))
    }

    /// Whether `--bcrypt-cost` means anything.
    pub(crate) fn uses_bcrypt(&self) -> bool {
        let password = self.password == PasswordKind::Bcrypt && self.verify == VerifyKind::Local;
        password || self.binding == BindingKind::Bcrypt
    }
}

fn in_range<T>(key: &'static str, value: T, accepted: &RangeInclusive<T>) -> Result<(), SetupError>
where
    T: Copy + PartialOrd + std::fmt::Display,
{
    if accepted.contains(&value) {
        return Ok(());
    }
    let accepted = format!("{} to {}", accepted.start(), accepted.end());
    Err(SetupError::OutOfRange {
        key,
        value: value.to_string(),
        accepted,
    })
}

fn period_in_range(key: &'static str, value: Period, least: Period) -> Result<(), SetupError> {
    if (least.0..=MOST_TTL.0).contains(&value.0) {
        return Ok(());
    }
    Err(SetupError::OutOfRange {
        key,
        value: value.to_string(),
        accepted: format!("{least} to {MOST_TTL}"),
    })
}

fn at_most(key: &'static str, value: Period, most: Period) -> Result<(), SetupError> {
    if value.0 <= most.0 {
        return Ok(());
    }
    Err(SetupError::OutOfRange {
        key,
        value: value.to_string(),
        accepted: format!("0ms to {most}"),
    })
}

/// The cores that this process may use.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
