//! The reference auth server of authlab: every design choice is a flag, so that two designs differ by one flag and
//! nothing else. It knows nothing of being measured.
//!
//! A map, from the top to the bottom; a module imports only what stands in its own line or below:
//! - [`bare`]: a server of axum alone, the control for what all this costs
//! - [`serve`]: the listener, its limits and its end
//! - `http`: the routes; [`App`] is the server without a listener; [`mod@layer`] the same for a service of one's own
//! - [`lab`]: [`Lab`], a design that runs; [`Lab::authorize`] is the life of a request on one page
//! - `open`: the parts of a design, opened; [`parts`]: each part alone, for benchmarks
//! - [`setup`]: the settings; [`Setup`] as typed, [`Design`] as meant
//! - [`decisions`]: what is cached
//! - [`credential`], [`verification`], [`binding`]: what a request is checked by
//! - [`sessions`], [`users`], [`clients`], [`routes`]: what is kept
//! - [`freshness`], `status_list`: what makes a cached fact stale
//! - [`hashing`]: where slow hashes run
//! - [`request`], `grant`, `bound`, [`policy`], [`denied`], [`clock`], [`password`]: what is asked, known, permitted, refused
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use authlab_server::{Action, Design, Lab, PasswordKind, Presented, Request, Sender};
//!
//! let lab = Lab::open(Design { password: PasswordKind::Sha256, ..Design::default() }).unwrap();
//! let sender = Sender { user_agent: b"curl/8.5.0", ip: [127, 0, 0, 1].into(), proof: None };
//! let token = lab.login("john", "password123", &sender).await.unwrap();
//! let presented = Presented::Bearer(&token.access_token);
//! let (route, action) = ("/items", Action::ItemsRead);
//! let request = Request { method: "GET", route, target: "/items/", sender, presented, action };
//! let grant = lab.authorize(&request).await.unwrap();
//! assert_eq!(&*lab.name(&grant), "john");
//! # });
//! ```

#![deny(clippy::print_stdout, clippy::print_stderr)] // They panic when they cannot write.

mod allowance;
mod axis;
pub mod bare;
pub mod binding;
mod bound;
mod bounded;
mod bytes;
mod cause;
pub mod clients;
pub mod clock;
pub mod credential;
pub mod decisions;
pub mod denied;
mod files;
pub mod freshness;
mod grant;
pub mod hashing;
mod http;
pub mod https;
pub mod issuer;
mod jwk;
pub mod lab;
pub mod layer;
mod log;
mod members;
mod open;
pub mod parts;
pub mod password;
mod path;
pub mod period;
pub mod policies;
pub mod policy;
pub mod proxies;
pub mod request;
pub mod routes;
pub mod serve;
pub mod sessions;
pub mod setup;
mod shares;
mod stages;
mod status_list;
mod subjects;
mod tls;
pub mod users;
pub mod verification;

pub use axis::UnknownLabel;
pub use binding::{BindTo, BindingKind};
pub use clients::ClientsFrom;
pub use clock::{Clock, Controlled};
pub use credential::{CredentialKind, JwtAlgorithm, KeyFrom, RefreshKind, SecretFrom};
pub use decisions::{CacheForm, CacheKey, CacheKind, CacheStore};
pub use denied::Denied;
pub use freshness::FreshnessKind;
pub use grant::{Grant, IssuedToken};
pub use hashing::HashOn;
pub use http::App;
pub use https::TlsFrom;
pub use issuer::{AudienceFrom, IssuerFrom};
pub use lab::Lab;
pub use layer::{Authorize, Authorized, layer};
pub use log::{LogFormat, LogKind};
pub use open::OpenError;
pub use password::{PasswordKind, PasswordParams, WrongParams};
pub use period::Period;
pub use policies::PoliciesFrom;
pub use policy::{Action, PolicyKind, Role, Roles, Scope, Scopes};
pub use proxies::Proxies;
pub use request::{DpopProof, Presented, Proof, Request, Sender};
pub use routes::RoutesFrom;
pub use serve::{ServeError, Server, run};
pub use sessions::{SessionsFrom, WrongSessions};
pub use setup::{Design, Preset, Setup, SetupError, Warning};
pub use stages::StageTimes;
pub use subjects::Subject;
pub use users::{PostgresUrl, UsersFrom};
pub use verification::{IntrospectClient, IntrospectUrl, VerifyKind};
