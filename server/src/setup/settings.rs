//! The settings, each declared once: as typed and as meant, with its default, environment variable and range, and where it
//! would do nothing.
//!
//! `name: Type = default, "VARIABLE"` is followed by what else there is to say of it:
//! - `in LEAST..=MOST`: the range that is accepted;
//! - `idle [REASONS]`: it is refused where one of these holds, and the first is named; `except VALUE`: but not for a value
//!   that asks for nothing;
//! - `line "name" |design| TEXT`: a line of the pipeline of its own, where it is not the default.
//!
//! They are grouped by the headings under which `authlab serve --help` lists them.

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
use crate::https::TlsFrom;
use crate::issuer::{AudienceFrom, IssuerFrom};
use crate::log::{LogFormat, LogKind};
use crate::password::{
    BCRYPT_COSTS, LEAST_PASSWORD_BYTES, MOST_PASSWORD_BYTES, PasswordKind, PasswordParams,
};
use crate::period::Period;
use crate::policies::PoliciesFrom;
use crate::policy::PolicyKind;
use crate::proxies::Proxies;
use crate::routes::RoutesFrom;
use crate::sessions::SessionsFrom;
use crate::users::UsersFrom;
use crate::verification::{IntrospectClient, IntrospectUrl, VerifyKind};

macro_rules! settings {
    ($($heading:literal {$(
        $(#[doc = $about:literal])+
        $(#[arg($($arg:tt)+)])?
        $field:ident: $Type:ty = $default:expr, $env:literal
            $(, in $accepted:expr)?
            $(, idle [$($Idle:ident),+] $(except $nothing:expr)?)?
            $(, line $name:literal $line:expr)?;
    )+})+) => {
        // clap would take a plain doc comment for the description of whatever command these flags are part of.
        #[cfg_attr(doc, doc = "The settings as typed, in flags, environment or a TOML file.")]
        #[cfg_attr(not(doc), allow(missing_docs, reason = "only rustdoc may see it"))]
        #[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct Setup {
            /// A whole design by name; other settings override its parts
            #[arg(long, env = "AUTHLAB_PRESET", hide_env = true)]
            pub preset: Option<Preset>,
            /// Print the presets and what they set
            #[arg(long)]
            #[serde(skip)]
            pub list_presets: bool,
            /// A TOML file with these settings under the same names
            #[arg(long, env = "AUTHLAB_CONFIG", hide_env = true, value_name = "FILE")]
            #[serde(skip)]
            pub config: Option<PathBuf>,
            $($(
                $(#[doc = $about])+
                #[arg(long, env = $env, hide_env = true, help_heading = $heading $(, $($arg)+)?)]
                pub $field: Option<$Type>,
            )+)+
        }

        /// The settings as meant: a whole design, every choice made.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Design {
            $($( $(#[doc = $about])+ pub $field: $Type, )+)+
        }

        impl Default for Design {
            fn default() -> Self {
                Self { $($( $field: $default, )+)+ }
            }
        }

        impl Setup {
            /// The accepted keys of a file.
            #[must_use]
            pub fn keys() -> Vec<String> {
                ["preset", $($( stringify!($field), )+)+].into_iter().map(key).collect()
            }

            /// These settings, and below them those.
            pub(super) fn over(self, below: Self) -> Self {
                Self {
                    preset: self.preset.or(below.preset),
                    list_presets: self.list_presets,
                    config: self.config,
                    $($( $field: self.$field.or(below.$field), )+)+
                }
            }

            pub(super) fn over_defaults(self) -> Design {
                let default = Design::default();
                Design { $($( $field: self.$field.unwrap_or(default.$field), )+)+ }
            }

            /// Refuses a setting that was given at this place and has no effect in the design.
            pub(super) fn refuse_idle(&self, design: &Design, place: &str) -> Result<(), SetupError> {
                $($( $(
                    let is_typed = self.$field.is_some() $( && self.$field != Some($nothing) )?;
                    let reasons = [$( Idle::$Idle ),+];
                    let because = reasons.into_iter().find(|reason| reason.holds(design));
                    if let (true, Some(because)) = (is_typed, because) {
                        let place = place.to_owned();
                        return Err(SetupError::Unused { place, key: key(stringify!($field)), because });
                    }
                )? )+)+
                Ok(())
            }
        }

        impl Design {
            pub(super) fn check_ranges(&self) -> Result<(), SetupError> {
                $($( $( in_range(stringify!($field), &self.$field, &$accepted)?; )? )+)+
                Ok(())
            }

            /// The lines of settings that have one of their own.
            pub(super) fn own_lines(&self) -> Vec<(&'static str, String)> {
                let (usual, mut lines) = (Self::default(), Vec::new());
                $($( $(
                    if self.$field != usual.$field {
                        let line: fn(&Self) -> String = $line;
                        lines.push(($name, line(self)));
                    }
                )? )+)+
                lines
            }
        }
    };
}

settings! {
    "Credentials" {
    /// What a client sends with each request [default: jwt]
    #[arg(value_name = "KIND")]
    credential: CredentialKind = CredentialKind::Jwt, "AUTHLAB_CREDENTIAL";
    /// How a JWT is signed [default: HS256]
    #[arg(value_name = "ALGORITHM")]
    jwt: JwtAlgorithm = JwtAlgorithm::HS256, "AUTHLAB_JWT",
        idle [Elsewhere, NoJwt];
    /// How long a token is valid [default: 30m]
    #[arg(value_name = "TIME")]
    token_ttl: Period = Period::minutes(30), "AUTHLAB_TOKEN_TTL",
        in Period::seconds(1)..=Period::days(365), idle [Elsewhere, NoToken];
    // A token of 16 kB leaves room in a head of 32.
    /// Size of the group names in each token, as directories add them, in bytes [default: 0]
    #[arg(value_name = "N")]
    claims_bytes: usize = 0, "AUTHLAB_CLAIMS_BYTES",
        in 0..=12_000, idle [Elsewhere, NoClaims] except 0;
    /// What replaces an access token that ends [default: none]
    #[arg(value_name = "KIND")]
    refresh: RefreshKind = RefreshKind::None, "AUTHLAB_REFRESH",
        idle [Elsewhere, NoTokens] except RefreshKind::None;
    /// How long after the sign-in a session may be refreshed [default: 7d]
    #[arg(value_name = "TIME")]
    refresh_ttl: Period = Period::days(7), "AUTHLAB_REFRESH_TTL",
        in Period::seconds(1)..=Period::days(365), idle [NoRefresh];
    /// File with the HMAC secret, at least 256 bits [default: random for each process]
    #[arg(value_name = "FILE")]
    secret_file: SecretFrom = SecretFrom::Random, "AUTHLAB_SECRET_FILE",
        idle [Elsewhere, NoJwt, NoSecret];
    /// PEM file with the private key for --jwt [default: generated for each process]
    #[arg(value_name = "FILE")]
    key_file: KeyFrom = KeyFrom::Generated, "AUTHLAB_KEY_FILE",
        idle [Elsewhere, NoJwt, NoPair];
    /// Issuer of the tokens: http:// or https://, host and port [default: the listening address]
    #[arg(value_name = "URL")]
    issuer: IssuerFrom = IssuerFrom::Listen, "AUTHLAB_ISSUER",
        idle [NoIssuer];
    /// Audience of the tokens [default: the issuer]
    #[arg(value_name = "NAME")]
    audience: AudienceFrom = AudienceFrom::Issuer, "AUTHLAB_AUDIENCE",
        idle [NoJwt];
    /// Set the session's cookie without Secure, so that it is also sent without TLS
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_cookies: bool = false, "AUTHLAB_INSECURE_COOKIES",
        idle [NoCookies] except false;
    }
    "Passwords" {
    /// Stored password hash [default: bcrypt]
    #[arg(value_name = "KIND")]
    password: PasswordKind = PasswordKind::Bcrypt, "AUTHLAB_PASSWORD",
        idle [Elsewhere];
    /// Cost of bcrypt, for passwords and the bcrypt binding: 2^cost rounds, 4 to 15 [default: 12]
    #[arg(value_name = "N")]
    bcrypt_cost: u32 = bcrypt::DEFAULT_COST, "AUTHLAB_BCRYPT_COST",
        in BCRYPT_COSTS, idle [NoBcrypt];
    /// Cost of argon2id (m in KiB, t, p), scrypt (ln, r, p) or pbkdf2 (i) [default: OWASP's first choice]
    ///
    /// As in a stored hash: m=19456,t=2,p=1 or ln=17,r=8,p=1 or i=600000. What is not named is as in the default.
    #[arg(value_name = "NAME=N,…")]
    password_params: PasswordParams = PasswordParams::default(), "AUTHLAB_PASSWORD_PARAMS",
        idle [Elsewhere, NoParams];
    /// Where slow hashes (bcrypt, argon2id, scrypt, pbkdf2) run [default: pool]
    ///
    /// Fast digests always run in place.
    #[arg(value_name = "WHERE")]
    hash_on: HashOn = HashOn::Pool, "AUTHLAB_HASH_ON",
        idle [NoSlowHash];
    /// How many slow hashes run at once [default: the number of cores]
    #[arg(value_name = "N")]
    hash_threads: NonZeroUsize = cores(), "AUTHLAB_HASH_THREADS",
        in count(1)..=count(1024), idle [NoSlowHash, Inline];
    /// How many slow hashes may wait; the next request gets 429 [default: 64]
    #[arg(value_name = "N")]
    hash_queue: NonZeroUsize = count(64), "AUTHLAB_HASH_QUEUE",
        in count(1)..=count(1_000_000), idle [NoSlowHash, Inline];
    /// Minimum length of a new password, 1 to 72 bytes [default: 8]
    #[arg(value_name = "N")]
    min_password_bytes: usize = LEAST_PASSWORD_BYTES, "AUTHLAB_MIN_PASSWORD_BYTES",
        in 1..=MOST_PASSWORD_BYTES, idle [Elsewhere, NoNewPasswords];
    }
    "Sender binding" {
    /// Which sender may use a token [default: none]
    #[arg(value_name = "KIND")]
    binding: BindingKind = BindingKind::None, "AUTHLAB_BINDING";
    /// Properties of the sender that a token is bound to [default: ua+ip]
    #[arg(value_name = "WHAT")]
    bind_to: BindTo = BindTo::UserAgentAndIp, "AUTHLAB_BIND_TO",
        idle [NoBinding];
    /// How often the nonce that DPoP proofs must have changes; 0 asks for none [default: 0]
    ///
    /// A nonce is accepted until the next one has ended (RFC 9449 §8). Every answer has the present one.
    #[arg(value_name = "TIME")]
    dpop_nonce: Period = Period::ZERO, "AUTHLAB_DPOP_NONCE",
        in Period::ZERO..=Period::minutes(60), idle [NoProofs] except Period::ZERO;
    }
    "Verification" {
    /// Where a credential is verified [default: local]
    #[arg(value_name = "WHERE")]
    verify: VerifyKind = VerifyKind::Local, "AUTHLAB_VERIFY";
    /// The central authorization server: another authlab, or the full URL of an introspection endpoint
    #[arg(value_name = "URL")]
    introspect_url: IntrospectUrl = IntrospectUrl::Nowhere, "AUTHLAB_INTROSPECT_URL",
        idle [NoCentral];
    /// File with ID:SECRET for the central server [default: demo-client]
    #[arg(value_name = "FILE")]
    introspect_client: IntrospectClient = IntrospectClient::Demo, "AUTHLAB_INTROSPECT_CLIENT",
        idle [NoCentral];
    /// How long the central server may take; then the request gets 503 [default: 10s]
    #[arg(value_name = "TIME")]
    introspect_timeout: Period = Period::seconds(10), "AUTHLAB_INTROSPECT_TIMEOUT",
        in Period::milliseconds(1)..=Period::days(365), idle [NoCentral];
    /// Artificial delay before each response; simulates network distance [default: 0ms]
    #[arg(value_name = "TIME")]
    answer_delay: Period = Period::ZERO, "AUTHLAB_ANSWER_DELAY",
        in Period::ZERO..=Period::minutes(1),
        line "answer-delay" |design| format!("{} before each answer", design.answer_delay);
    /// Whether requests are authorized at all, and what decides [default: enforce]
    #[arg(value_name = "KIND")]
    policy: PolicyKind = PolicyKind::Enforce, "AUTHLAB_POLICY";
    /// File of Cedar policies, read at the start [default: as roles and scopes decide]
    #[arg(value_name = "FILE")]
    cedar_policies: PoliciesFrom = PoliciesFrom::BuiltIn, "AUTHLAB_CEDAR_POLICIES",
        idle [NoCedar];
    }
    "Cache" {
    /// What is cached between requests [default: none]
    #[arg(value_name = "WHAT")]
    cache: CacheKind = CacheKind::None, "AUTHLAB_CACHE";
    /// Which cache is used [default: quick]
    #[arg(value_name = "STORE")]
    cache_store: CacheStore = CacheStore::Quick, "AUTHLAB_CACHE_STORE",
        idle [NoCache];
    /// What two requests must share to share a decision [default: route]
    #[arg(value_name = "KEY")]
    cache_key: CacheKey = CacheKey::Route, "AUTHLAB_CACHE_KEY",
        idle [NoCache, NoDecisions];
    /// How a key is stored; with --credential basic always as a digest [default: exact]
    #[arg(value_name = "FORM")]
    cache_form: CacheForm = CacheForm::Exact, "AUTHLAB_CACHE_FORM",
        idle [NoCache, SharedStore, NoForm];
    /// Maximum number of cached entries [default: 100000]
    ///
    /// An entry takes about 3 KiB and a token at most. A request whose path and User-Agent are longer than 2 KiB is not cached.
    #[arg(value_name = "N")]
    cache_capacity: NonZeroUsize = count(100_000), "AUTHLAB_CACHE_CAPACITY",
        in count(1)..=count(100_000_000), idle [NoCache, SharedStore];
    /// How long an entry lives at most [default: 60s]
    ///
    /// It applies to --freshness ttl, and where others may change what was cached: with --verify introspect, and with
    /// --credential basic over accounts in a file or database. Each entry gets up to a tenth less, so that entries written
    /// together do not end together.
    #[arg(value_name = "TIME")]
    cache_ttl: Period = Period::seconds(60), "AUTHLAB_CACHE_TTL",
        in Period::milliseconds(1)..=Period::days(365), idle [NoCache, NoTimeCap];
    /// How old what this server knows of other servers' changes may be, with sessions in Redis [default: 1s]
    ///
    /// Beyond it, nothing is decided by what is cached here, nor by the policy and the keys as this server has them: it
    /// asks Redis first, or answers 503.
    #[arg(value_name = "TIME")]
    lease: Period = Period::seconds(1), "AUTHLAB_LEASE",
        in Period::milliseconds(1)..=Period::minutes(60), idle [NoOthers];
    /// Invalidation: what ends a cached grant before its token ends [default: epoch]
    #[arg(value_name = "KIND")]
    freshness: FreshnessKind = FreshnessKind::Epoch, "AUTHLAB_FRESHNESS",
        idle [NoCache];
    /// How long the status list is kept that --freshness status-list reads, and a revoked token may pass [default: 1s]
    ///
    /// It is fetched twice in this time. A list that is older decides nothing: requests get 503 until there is another.
    #[arg(value_name = "TIME")]
    status_list_ttl: Period = Period::seconds(1), "AUTHLAB_STATUS_LIST_TTL",
        in Period::milliseconds(100)..=Period::days(1), idle [NoCache, NoList];
    /// How many permanent refusals are cached: wrong signature, wrong form, expired [default: 0]
    #[arg(value_name = "N")]
    negative_capacity: usize = 0, "AUTHLAB_NEGATIVE_CAPACITY",
        in 0..=100_000_000, idle [NoSignature] except 0;
    /// How long a refusal is cached [default: 60s]
    #[arg(value_name = "TIME")]
    negative_ttl: Period = Period::seconds(60), "AUTHLAB_NEGATIVE_TTL",
        in Period::milliseconds(1)..=Period::days(365), idle [NoNegative];
    }
    "Stores" {
    /// Accounts: `memory`, `file:PATH`, `sqlite:PATH`, or `postgres://NAME[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=MODE]` [default: memory]
    #[arg(value_name = "STORE")]
    users: UsersFrom = UsersFrom::Memory, "AUTHLAB_USERS",
        idle [Elsewhere];
    /// Connections to the PostgreSQL database of --users, at most [default: 10]
    #[arg(value_name = "N")]
    users_connections: NonZeroUsize = count(10), "AUTHLAB_USERS_CONNECTIONS",
        in count(1)..=count(1000), idle [Elsewhere, NoPool];
    /// Sessions and revocations: `memory`, or an address of Redis: `redis[s]://[NAME:PASSWORD@]HOST[:PORT][/DB]`,
    /// `redis+unix:///PATH`, `redis[s]-sentinel://HOST[:PORT],…/MASTER[/DB]`, or `redis[s]-cluster://HOST[:PORT],…` [default: memory]
    #[arg(value_name = "STORE")]
    sessions: SessionsFrom = SessionsFrom::Memory, "AUTHLAB_SESSIONS",
        idle [NoSessions];
    /// JSON file of the clients of the OAuth endpoints [default: demo-client, only with --users memory]
    #[arg(value_name = "FILE")]
    clients: ClientsFrom = ClientsFrom::Demo, "AUTHLAB_CLIENTS",
        idle [Elsewhere, NotCentral];
    /// Proxies whose X-Forwarded-For counts and that may use /authorize [default: none]
    #[arg(value_name = "IP[/BITS],…")]
    trusted_proxy: Proxies = Proxies::default(), "AUTHLAB_TRUSTED_PROXY";
    /// TOML file with the scopes that paths of other servers need [default: being signed in is enough]
    #[arg(value_name = "FILE")]
    routes: RoutesFrom = RoutesFrom::Nowhere, "AUTHLAB_ROUTES",
        idle [NobodyAsks];
    }
    "Limits" {
    /// Devices that an account may be signed in from; one more signs out the oldest [default: 10]
    #[arg(value_name = "N")]
    max_sessions: NonZeroUsize = count(10), "AUTHLAB_MAX_SESSIONS",
        in count(1)..=count(1000), idle [NoDevices];
    /// Tokens or refreshed sessions in memory for each user or client; one more ends the oldest [default: 10000]
    #[arg(value_name = "N")]
    max_tokens_per_subject: NonZeroUsize = count(10_000), "AUTHLAB_MAX_TOKENS_PER_SUBJECT",
        in count(1)..=count(1_000_000), idle [Elsewhere, NothingHeld];
    /// Open connections, fewer where the limit of open files is lower [default: 10000]
    ///
    /// When all are taken, the connection whose client has kept the server waiting for the longest is closed.
    #[arg(value_name = "N")]
    max_connections: NonZeroUsize = count(10_000), "AUTHLAB_MAX_CONNECTIONS",
        in count(1)..=count(1_000_000),
        line "connections" |design| format!("at most {}", design.max_connections);
    }
    "Operations" {
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(value_name = "ADDRESS")]
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), "AUTHLAB_LISTEN";
    /// Serve HTTPS: two PEM files, the certificate with its chain and its private key [default: none]
    #[arg(value_name = "CERT,KEY")]
    tls: TlsFrom = TlsFrom::Nowhere, "AUTHLAB_TLS",
        line "tls" |design| design.tls.to_string();
    /// Worker threads [default: the number of cores]
    #[arg(value_name = "N")]
    threads: NonZeroUsize = cores(), "AUTHLAB_THREADS",
        in count(1)..=count(1024);
    // An hour is longer than any supervisor waits.
    /// How long requests may continue after SIGTERM, SIGINT or SIGHUP (see --tls) [default: 5s]
    ///
    /// Then they are answered 503. A second signal ends the wait at once.
    #[arg(value_name = "TIME")]
    shutdown_timeout: Period = Period::seconds(5), "AUTHLAB_SHUTDOWN_TIMEOUT",
        in Period::ZERO..=Period::minutes(60),
        line "shutdown" |design| format!("within {}", design.shutdown_timeout);
    /// Publish counts of requests, latencies and cache hits at /metrics; each request pays for it
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    metrics: bool = false, "AUTHLAB_METRICS",
        line "metrics" |_| "at /metrics".to_owned();
    /// What is logged to standard error [default: none]
    #[arg(value_name = "WHAT")]
    log: LogKind = LogKind::None, "AUTHLAB_LOG",
        line "log" |design| format!("{}, {}", design.log, design.log_format);
    /// Format of the log [default: text]
    #[arg(value_name = "FORMAT")]
    log_format: LogFormat = LogFormat::Text, "AUTHLAB_LOG_FORMAT",
        idle [NoLog];
    /// Send a Server-Timing header with the time of each stage of authorization
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    server_timing: bool = false, "AUTHLAB_SERVER_TIMING",
        line "server-timing" |_| "on".to_owned();
    }
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
