//! What the benchmarks are given: seeded, and built before timing.

pub mod exact;
mod prover;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use authlab_server::{
    Action, CredentialKind, Design, Lab, OpenError, PasswordKind, PoliciesFrom, PolicyKind,
    Presented, Request, Sender,
};
pub use prover::Prover;
use rand::distr::Alphanumeric;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// A User-Agent as a browser sends it.
pub const USER_AGENT: &[u8] = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// The demo user that every token belongs to.
pub const USER: (&str, &str) = ("john", "password123");

const SEED: u64 = 20_261_121;

/// The sender of every request.
#[must_use]
pub fn sender() -> Sender<'static> {
    Sender {
        user_agent: USER_AGENT,
        ip: [127, 0, 0, 1].into(),
        proof: None,
    }
}

/// `GET /items/` with a token.
#[must_use]
pub fn request(token: &str) -> Request<'_> {
    Request {
        method: "GET",
        route: "/items",
        target: "/items/",
        sender: sender(),
        presented: Presented::Bearer(token),
        action: Action::ItemsRead,
    }
}

/// A design with each policy that decides: roles and scopes, and Cedar over the policies of the scenario `policy-cost`.
pub fn policies_of(base: impl Fn() -> Design) -> impl Iterator<Item = (String, Design)> {
    let roles = (PolicyKind::Enforce.label().to_owned(), base());
    let cedar = [10, 100, 1000].map(|policies| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/policy-cost");
        let design = Design {
            policy: PolicyKind::Cedar,
            cedar_policies: PoliciesFrom::File(format!("{folder}/{policies}.cedar").into()),
            ..base()
        };
        (format!("{}-{policies}", PolicyKind::Cedar), design)
    });
    std::iter::once(roles).chain(cedar)
}

/// Opens a design whose sign-in is fast: only the tokens are wanted from it.
///
/// # Errors
/// As [`Lab::open`].
pub fn open(design: Design) -> Result<Arc<Lab>, OpenError> {
    Lab::open(Design {
        password: PasswordKind::Sha256,
        ..design
    })
}

/// `count` tokens of the lab, in seeded random order, so that neighbours in memory are not
/// neighbours in time. Where an account has so many sessions and no more, the same ones again and again.
///
/// # Panics
/// A sign-in is refused.
#[must_use]
pub fn tokens(lab: &Lab, count: usize) -> Vec<String> {
    let runtime = runtime();
    let distinct = match lab.design().credential {
        CredentialKind::SessionJwt => count.min(lab.design().max_sessions.get()),
        _ => count,
    };
    let tokens: Vec<String> = (0..distinct)
        .map_while(|number| {
            let mut sender = sender();
            if lab.design().credential == CredentialKind::SessionJwt {
                // A sign-in from the same address takes the place of the one before.
                sender.ip = std::net::Ipv4Addr::from_bits(0x7f00_0001 + number as u32).into();
            }
            let issued = runtime.block_on(lab.login(USER.0, USER.1, &sender));
            issued.ok().map(|issued| issued.access_token)
        })
        .collect();
    assert_eq!(tokens.len(), distinct, "every sign-in gives a token");
    let mut tokens: Vec<String> = tokens.iter().cycle().take(count).cloned().collect();
    tokens.shuffle(&mut StdRng::seed_from_u64(SEED));
    tokens
}

/// `count` tokens for a cache, which never reads them: a real one with a signature of each one's own,
/// which is what chooses a cache's slot.
#[must_use]
pub fn lookalikes(token: &str, count: usize) -> Vec<String> {
    let signature = token.rfind('.').map_or(0, |dot| dot + 1);
    let (signed, length) = (&token[..signature], token.len() - signature);
    let mut random = StdRng::seed_from_u64(SEED);
    let mut tail = || -> String {
        (0..length)
            .map(|_| char::from(random.sample(Alphanumeric)))
            .collect()
    };
    (0..count).map(|_| signed.to_owned() + &tail()).collect()
}

/// A runtime for what waits: slow hashes on their pool.
///
/// # Panics
/// The system refuses one; a benchmark can do nothing without.
#[must_use]
pub fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread().build();
    built.unwrap_or_else(|error| panic!("no runtime: {error}"))
}

/// The output of a future that does not wait; polling it is all that is timed.
///
/// # Panics
/// It waits after all.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("this path was to answer without waiting"),
    }
}
