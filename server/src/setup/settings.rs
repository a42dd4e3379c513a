//! The settings, each declared once: as typed and as meant, with its default, environment variable and range, and where it
//! would do nothing.
//!
//! `name: Type = default, "VARIABLE"` is followed by what else there is to say of it:
//! - `in LEAST..=MOST`: the range that is accepted;
//! - `idle [REASONS]`: it is refused where one of these holds, and the first is named; `except VALUE`: but not for a value
//!   that asks for nothing;
//! - `line "name" |design| TEXT`: a line of the pipeline of its own, where it is not the default.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::idle::Idle;
use super::{Preset, SetupError};
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

macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $(#[arg($($arg:tt)+)])?
        $field:ident: $Type:ty = $default:expr, $env:literal
            $(, in $accepted:expr)?
            $(, idle [$($Idle:ident),+] $(except $nothing:expr)?)?
            $(, line $name:literal $line:expr)?;
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
            /// The accepted keys of a file.
            #[must_use]
            pub fn keys() -> Vec<String> {
                ["preset", $( stringify!($field) ),+].into_iter().map(key).collect()
            }

            /// These settings, and below them those.
            pub(super) fn over(self, below: Self) -> Self {
                Self {
                    preset: self.preset.or(below.preset),
                    list_presets: self.list_presets,
                    config: self.config,
                    $( $field: self.$field.or(below.$field), )+
                }
            }

            pub(super) fn over_defaults(self) -> Design {
                let default = Design::default();
                Design { $( $field: self.$field.unwrap_or(default.$field), )+ }
            }

            /// Refuses a setting that was typed at this place and would do nothing in the design: whoever typed it expects
            /// that it does something.
            pub(super) fn refuse_idle(&self, design: &Design, place: &str) -> Result<(), SetupError> {
                $( $(
                    let is_typed = self.$field.is_some() $( && self.$field != Some($nothing) )?;
                    let reasons = [$( Idle::$Idle ),+];
                    let because = reasons.into_iter().find(|reason| reason.holds(design));
                    if let (true, Some(because)) = (is_typed, because) {
                        let place = place.to_owned();
                        return Err(SetupError::Unused { place, key: key(stringify!($field)), because });
                    }
                )? )+
                Ok(())
            }
        }

        impl Design {
            pub(super) fn check_ranges(&self) -> Result<(), SetupError> {
                $( $( in_range(stringify!($field), &self.$field, &$accepted)?; )? )+
                Ok(())
            }

            /// The lines of settings that have one of their own.
            pub(super) fn own_lines(&self) -> Vec<(&'static str, String)> {
                let (usual, mut lines) = (Self::default(), Vec::new());
                $( $(
                    if self.$field != usual.$field {
                        let line: fn(&Self) -> String = $line;
                        lines.push(($name, line(self)));
                    }
                )? )+
                lines
            }
        }
    };
}

settings! {
    /// stored password hash
    password: PasswordKind = PasswordKind::Bcrypt, "AUTHLAB_PASSWORD",
        idle [Elsewhere];
    /// bcrypt's cost, of passwords and of the bcrypt binding: 2^cost rounds, 4 to 15 [default: 12]
    bcrypt_cost: u32 = bcrypt::DEFAULT_COST, "AUTHLAB_BCRYPT_COST",
        in BCRYPT_COSTS, idle [NoBcrypt];
    /// where slow hashes (bcrypt, argon2id) run; fast digests always run in place
    hash_on: HashOn = HashOn::Pool, "AUTHLAB_HASH_ON",
        idle [NoSlowHash];
    /// how many slow hashes run at once [default: the cores]
    hash_threads: NonZeroUsize = cores(), "AUTHLAB_HASH_THREADS",
        in count(1)..=count(1024), idle [NoSlowHash, Inline];
    /// how many slow hashes may wait; beyond it 429 is answered [default: 64]
    hash_queue: NonZeroUsize = count(64), "AUTHLAB_HASH_QUEUE",
        in count(1)..=count(1_000_000), idle [NoSlowHash, Inline];
    /// what a client shows on each request
    credential: CredentialKind = CredentialKind::Jwt, "AUTHLAB_CREDENTIAL";
    /// how a JWT is signed
    jwt: JwtAlgorithm = JwtAlgorithm::HS256, "AUTHLAB_JWT",
        idle [Elsewhere, NoJwt];
    /// how long a token is valid [default: 30m]
    token_ttl: Period = Period::minutes(30), "AUTHLAB_TOKEN_TTL",
        in Period::seconds(1)..=Period::days(365), idle [Elsewhere, NoToken];
    // A token of 16 kB leaves room in a head of 32.
    /// so many bytes of group names in each token, as directories put them there [default: 0]
    #[arg(value_name = "N")]
    claims_bytes: usize = 0, "AUTHLAB_CLAIMS_BYTES",
        in 0..=12_000, idle [Elsewhere, NoClaims] except 0;
    /// what follows an access token that ends
    refresh: RefreshKind = RefreshKind::None, "AUTHLAB_REFRESH",
        idle [Elsewhere, NoTokens] except RefreshKind::None;
    /// how long a session may be refreshed, from its sign-in on [default: 7d]
    refresh_ttl: Period = Period::days(7), "AUTHLAB_REFRESH_TTL",
        in Period::seconds(1)..=Period::days(365), idle [NoRefresh];
    /// a file with the HMAC secret, at least 256 bits [default: random per process]
    #[arg(value_name = "FILE")]
    secret_file: SecretFrom = SecretFrom::Random, "AUTHLAB_SECRET_FILE",
        idle [Elsewhere, NoJwt, NoSecret];
    /// a PEM file with the private key that --jwt asks for [default: generated per process]
    #[arg(value_name = "FILE")]
    key_file: KeyFrom = KeyFrom::Generated, "AUTHLAB_KEY_FILE",
        idle [Elsewhere, NoJwt, NoPair];
    /// who issues tokens: http:// or https://, host and port [default: the address that is listened on]
    #[arg(value_name = "URL")]
    issuer: IssuerFrom = IssuerFrom::Listen, "AUTHLAB_ISSUER",
        idle [NoIssuer];
    /// for whom tokens are [default: the issuer]
    #[arg(value_name = "NAME")]
    audience: AudienceFrom = AudienceFrom::Issuer, "AUTHLAB_AUDIENCE",
        idle [NoJwt];
    /// set the session's cookie without Secure: it then travels without TLS too
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_cookies: bool = false, "AUTHLAB_INSECURE_COOKIES",
        idle [NoCookies] except false;
    /// where a credential is verified
    verify: VerifyKind = VerifyKind::Local, "AUTHLAB_VERIFY";
    /// the central authorization server: another authlab, or the whole address of anybody's introspection endpoint
    #[arg(value_name = "URL")]
    introspect_url: IntrospectUrl = IntrospectUrl::Nowhere, "AUTHLAB_INTROSPECT_URL",
        idle [NoCentral];
    /// a file with ID:SECRET, as whom the central server is asked [default: demo-client]
    #[arg(value_name = "FILE")]
    introspect_client: IntrospectClient = IntrospectClient::Demo, "AUTHLAB_INTROSPECT_CLIENT",
        idle [NoCentral];
    /// how long the central server may take to answer; then 503 is answered [default: 10s]
    introspect_timeout: Period = Period::seconds(10), "AUTHLAB_INTROSPECT_TIMEOUT",
        in Period::milliseconds(1)..=Period::days(365), idle [NoCentral];
    /// wait so long before each answer, as if this server were so far away [default: 0ms]
    answer_delay: Period = Period::ZERO, "AUTHLAB_ANSWER_DELAY",
        in Period::ZERO..=Period::minutes(1),
        line "answer-delay" |design| format!("{} before each answer", design.answer_delay);
    /// who may use a token
    binding: BindingKind = BindingKind::None, "AUTHLAB_BINDING";
    /// what of the sender a token is bound to
    bind_to: BindTo = BindTo::UserAgentAndIp, "AUTHLAB_BIND_TO",
        idle [NoBinding];
    /// what is remembered between requests
    cache: CacheKind = CacheKind::None, "AUTHLAB_CACHE";
    /// which cache remembers
    cache_store: CacheStore = CacheStore::Quick, "AUTHLAB_CACHE_STORE",
        idle [NoCache];
    /// what two requests must share to share a decision
    cache_key: CacheKey = CacheKey::Route, "AUTHLAB_CACHE_KEY",
        idle [NoCache, NoDecisions];
    /// what is kept of a key; of --credential basic always a digest
    cache_form: CacheForm = CacheForm::Exact, "AUTHLAB_CACHE_FORM",
        idle [NoCache, SharedStore, NoForm];
    /// how many entries are remembered, of about 3 KiB and a token at most: a request whose path and User-Agent are longer than
    /// 2 KiB is decided anew each time [default: 100000]
    cache_capacity: NonZeroUsize = count(100_000), "AUTHLAB_CACHE_CAPACITY",
        in count(1)..=count(100_000_000), idle [NoCache, SharedStore];
    /// how long an entry lives with --freshness ttl, and wherever something else changes facts unseen; up to a tenth less,
    /// so that what was written together does not end together [default: 60s]
    cache_ttl: Period = Period::seconds(60), "AUTHLAB_CACHE_TTL",
        in Period::milliseconds(1)..=Period::days(365), idle [NoCache, NoTimeCap];
    /// how many denials are remembered that can never turn: wrong signature, wrong form, expired [default: 0]
    #[arg(value_name = "N")]
    negative_capacity: usize = 0, "AUTHLAB_NEGATIVE_CAPACITY",
        in 0..=100_000_000, idle [NoSignature] except 0;
    /// for how long [default: 60s]
    negative_ttl: Period = Period::seconds(60), "AUTHLAB_NEGATIVE_TTL",
        in Period::milliseconds(1)..=Period::days(365), idle [NoNegative];
    /// what makes a cached grant stale
    freshness: FreshnessKind = FreshnessKind::Epoch, "AUTHLAB_FRESHNESS",
        idle [NoCache];
    /// where accounts are kept: `memory`, `file:PATH` or `sqlite:PATH` [default: memory]
    users: UsersFrom = UsersFrom::Memory, "AUTHLAB_USERS",
        idle [Elsewhere];
    /// how many bytes a new password has at least, at a sign-up and a change: 1 to 72 [default: 8]
    #[arg(value_name = "N")]
    min_password_bytes: usize = LEAST_PASSWORD_BYTES, "AUTHLAB_MIN_PASSWORD_BYTES",
        in 1..=MOST_PASSWORD_BYTES, idle [Elsewhere, NoNewPasswords];
    /// where sessions and revocations are kept: `memory`, or `redis://[NAME:PASSWORD@]HOST[:PORT][/DB]` [default: memory]
    #[arg(hide_env_values = true)]
    sessions: SessionsFrom = SessionsFrom::Memory, "AUTHLAB_SESSIONS",
        idle [NoSessions];
    /// how many devices an account may be signed in from; one more signs the oldest out [default: 10]
    max_sessions: NonZeroUsize = count(10), "AUTHLAB_MAX_SESSIONS",
        in count(1)..=count(1000), idle [NoDevices];
    /// how many tokens, or sessions that are refreshed, one user or client may have; one more ends its oldest. With
    /// --sessions memory, where they are held [default: 10000]
    #[arg(value_name = "N")]
    max_tokens_per_subject: NonZeroUsize = count(10_000), "AUTHLAB_MAX_TOKENS_PER_SUBJECT",
        in count(1)..=count(1_000_000), idle [Elsewhere, NothingHeld];
    /// a JSON file of the servers that may ask for tokens and about them [default: demo-client, demo-secret, with --users memory alone]
    #[arg(value_name = "FILE")]
    clients: ClientsFrom = ClientsFrom::Demo, "AUTHLAB_CLIENTS",
        idle [Elsewhere, NotCentral];
    /// addresses of proxies, separated by commas, whose X-Forwarded-For counts and who may ask at /authorize [default: none]
    #[arg(value_name = "IP[/BITS],…")]
    trusted_proxy: Proxies = Proxies::default(), "AUTHLAB_TRUSTED_PROXY";
    /// a TOML file of what the paths behind a proxy need [default: any is for whoever is signed in]
    #[arg(value_name = "FILE")]
    routes: RoutesFrom = RoutesFrom::Nowhere, "AUTHLAB_ROUTES",
        idle [NoProxy];
    /// whether requests are authorized at all
    policy: PolicyKind = PolicyKind::Enforce, "AUTHLAB_POLICY";
    /// worker threads [default: the cores]
    threads: NonZeroUsize = cores(), "AUTHLAB_THREADS",
        in count(1)..=count(1024);
    /// address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), "AUTHLAB_LISTEN";
    /// how many connections may be open, and fewer where the limit of open files is lower; when all are taken, the one whose
    /// client has kept the server waiting for the longest is closed [default: 10000]
    #[arg(value_name = "N")]
    max_connections: NonZeroUsize = count(10_000), "AUTHLAB_MAX_CONNECTIONS",
        in count(1)..=count(1_000_000),
        line "connections" |design| format!("at most {}", design.max_connections);
    // An hour is longer than any supervisor waits.
    /// how long SIGTERM, SIGINT or SIGHUP lets requests under way go on; then they are answered 503, and at once after a
    /// second signal [default: 5s]
    shutdown_timeout: Period = Period::seconds(5), "AUTHLAB_SHUTDOWN_TIMEOUT",
        in Period::ZERO..=Period::minutes(60),
        line "shutdown" |design| format!("within {}", design.shutdown_timeout);
    /// count requests, latencies and cache hits, and tell them at /metrics; each request pays for its count
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    metrics: bool = false, "AUTHLAB_METRICS",
        line "metrics" |_| "at /metrics".to_owned();
    /// what is told on stderr of what happens
    log: LogKind = LogKind::None, "AUTHLAB_LOG",
        line "log" |design| format!("{}, {}", design.log, design.log_format);
    /// how it is written
    log_format: LogFormat = LogFormat::Text, "AUTHLAB_LOG_FORMAT",
        idle [NoLog];
    /// answer with a Server-Timing header: what each stage of authorization took
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    server_timing: bool = false, "AUTHLAB_SERVER_TIMING",
        line "server-timing" |_| "on".to_owned();
}

/// A setting as flags and files spell it.
fn key(field: &str) -> String {
    field.replace('_', "-")
}

fn in_range<T>(field: &str, value: &T, accepted: &RangeInclusive<T>) -> Result<(), SetupError>
where
    T: PartialOrd + std::fmt::Display,
{
    if accepted.contains(value) {
        return Ok(());
    }
    Err(SetupError::OutOfRange {
        key: key(field),
        value: value.to_string(),
        accepted: format!("{} to {}", accepted.start(), accepted.end()),
    })
}

/// A number that is never 0.
const fn count(number: usize) -> NonZeroUsize {
    match NonZeroUsize::new(number) {
        Some(number) => number,
        None => NonZeroUsize::MIN,
    }
}

/// The cores that this process may use.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
