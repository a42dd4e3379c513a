//! Several servers over one Redis tell one truth: what one of them changes holds at the others within the lease, whatever is
//! lost, paused or cut off meanwhile.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authlab_server::{
    Action, CacheKind, CacheStore, CredentialKind, Denied, Design, Lab, Period, Presented, Request,
    Role, Scope, SecretFrom, Sender, UsersFrom,
};

use crate::door::Door;
use crate::harness::{Served, quick};
use crate::redis::Redis;

/// `AUTHLAB_CHANGES` makes so many changes of each kind.
const CHANGES: usize = 25;

/// How many accounts are changed at once, where a change is of one account: what one of them waits for is another's turn.
const AT_ONCE: usize = 8;

/// How many accounts a change is tried with whose server does not answer in time.
const MOST_TRIES: usize = 20;

/// A hundredth of what would be a failure: it only ends a hang.
const HANG: Duration = Duration::from_secs(60);

const STORES: [CacheStore; 3] = [CacheStore::Quick, CacheStore::Redis, CacheStore::Tiered];

fn sender() -> Sender<'static> {
    Sender {
        user_agent: b"test",
        ip: Ipv4Addr::LOCALHOST.into(),
        proof: None,
    }
}

async fn ask(lab: &Lab, token: &str) -> Result<(), Denied> {
    let request = Request {
        method: "GET",
        route: "/items",
        target: "/items/",
        sender: sender(),
        presented: Presented::Bearer(token),
        action: Action::ItemsRead,
    };
    lab.authorize(&request).await.map(|_| ())
}

/// What servers of a test have in common: files, and a Redis.
struct Ground {
    redis: Redis,
    files: tempfile::TempDir,
    secrets: AtomicUsize,
}

impl Ground {
    async fn start() -> Option<Self> {
        let ground = Self {
            redis: Redis::start().await?,
            // In memory where that is to be had: each change writes an account, and each write waits for the disk.
            files: tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .unwrap(),
            secrets: AtomicUsize::new(0),
        };
        ground.draw_secret();
        Some(ground)
    }

    fn secret(&self) -> PathBuf {
        self.files.path().join("secret")
    }

    /// In one step, as whoever runs the servers is told to write it.
    fn draw_secret(&self) {
        let number = self.secrets.fetch_add(1, Ordering::Relaxed);
        let text = format!("secret no. {number} of at least thirty-two bytes");
        let next = self.files.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, self.secret()).unwrap();
    }

    fn design(&self, store: CacheStore) -> Design {
        Design {
            credential: CredentialKind::SessionJwt,
            cache: CacheKind::Decision,
            cache_store: store,
            sessions: self.redis.sessions(),
            secret_file: SecretFrom::File(self.secret()),
            users: UsersFrom::Sqlite(self.files.path().join("accounts.db")),
            issuer: "https://auth.example".parse().unwrap(),
            max_sessions: 1000.try_into().unwrap(),
            ..quick()
        }
    }
}

/// What became of what was changed, as another server is asked without a pause.
#[derive(Debug, Default)]
struct Lags {
    all: Vec<Duration>,
    /// Grants of requests that were sent a lease after the change was answered, or later.
    beyond: usize,
}

impl Lags {
    /// Asks until it is refused.
    async fn measure(&mut self, lab: &Lab, token: &str, lease: Duration) {
        let changed = Instant::now();
        let mut lag = Duration::ZERO;
        loop {
            let sent = changed.elapsed();
            if ask(lab, token).await.is_err() {
                break;
            }
            lag = sent;
            self.beyond += usize::from(sent >= lease);
            assert!(sent < HANG, "it is never refused");
            tokio::task::yield_now().await;
        }
        self.all.push(lag);
    }

    fn add(&mut self, other: Self) {
        self.all.extend(other.all);
        self.beyond += other.beyond;
    }

    fn told(&mut self) -> String {
        self.all.sort();
        let at = |share: f64| self.all[((self.all.len() - 1) as f64 * share) as usize];
        let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
        let (changes, beyond) = (self.all.len(), self.beyond);
        format!(
            "{changes} changes, p50 {p50:?}, p99 {p99:?}, largest {most:?}, beyond the lease {beyond}"
        )
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Policy,
    Key,
    Roles,
    Password,
    SignOut,
    SignOutEverywhere,
    Removal,
}

const EVERY_CHANGE: [Change; 7] = [
    Change::Policy,
    Change::Key,
    Change::Roles,
    Change::Password,
    Change::SignOut,
    Change::SignOutEverywhere,
    Change::Removal,
];

/// Another account each time, so that none has sessions of before.
async fn newcomer(lab: &Lab, name: &str) -> String {
    try_newcomer(lab, name).await.unwrap()
}

async fn try_newcomer(lab: &Lab, name: &str) -> Result<String, Denied> {
    lab.sign_up(name, "the first password").await?;
    try_sign_in(lab, name).await
}

async fn sign_in(lab: &Lab, name: &str) -> String {
    try_sign_in(lab, name).await.unwrap()
}

async fn try_sign_in(lab: &Lab, name: &str) -> Result<String, Denied> {
    let issued = lab.login(name, "the first password", &sender()).await;
    issued.map(|issued| issued.access_token)
}

async fn granted(lab: &Lab, token: &str) {
    let begun = Instant::now();
    while ask(lab, token).await.is_err() {
        assert!(begun.elapsed() < HANG, "it is not granted");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Once more: from the cache, where there is one.
    let _ = ask(lab, token).await;
}

impl Change {
    /// Whether it leaves other accounts alone.
    fn is_of_one_account(self) -> bool {
        !matches!(self, Self::Policy | Self::Key)
    }

    async fn make(
        self,
        at: &Served,
        ground: &Ground,
        name: &str,
        token: &str,
    ) -> Result<(), Denied> {
        let lab = &at.lab;
        let scopes = |scopes: &[Scope]| [(Role::User, scopes.to_vec())].into();
        match self {
            Self::Policy => lab.replace_policy(&scopes(&[])).await,
            Self::Key => {
                ground.draw_secret();
                lab.rotate_keys().await.map(drop)
            }
            Self::Roles => {
                let roles = [Role::Admin].into_iter().collect();
                lab.set_roles(name, roles).await.map(drop)
            }
            Self::Password => {
                let (before, after) = ("the first password", "the second password");
                lab.change_password(name, before, after).await.map(drop)
            }
            Self::SignOut => signed_out(at, "/logout", token).await,
            Self::SignOutEverywhere => signed_out(at, "/logout/all", token).await,
            Self::Removal => lab.remove_account(name).await.map(drop),
        }
    }

    async fn take_back(self, lab: &Lab) {
        if matches!(self, Self::Policy) {
            let carried = [(Role::User, vec![Scope::ItemsRead])].into();
            while lab.replace_policy(&carried).await == Err(Denied::Unavailable) {}
        }
    }
}

async fn signed_out(at: &Served, path: &str, token: &str) -> Result<(), Denied> {
    let answer = at.client().ask("POST", path, token).await;
    match answer.status.as_u16() {
        503 => Err(Denied::Unavailable),
        status => {
            assert!(answer.status.is_success(), "{status}: {}", answer.text);
            Ok(())
        }
    }
}

/// Two servers: what is changed here is asked there.
struct Two {
    ground: Ground,
    here: Served,
    there: Served,
    lease: Duration,
}

impl Two {
    async fn start(store: CacheStore) -> Option<Self> {
        let ground = Ground::start().await?;
        let design = ground.design(store);
        Some(Self {
            lease: design.lease.0,
            here: Served::start(design.clone()).await,
            there: Served::start(design).await,
            ground,
        })
    }

    /// Makes changes one after another, each of another account.
    async fn change(&self, change: Change, numbers: impl Iterator<Item = usize>) -> Lags {
        let mut lags = Lags::default();
        for number in numbers {
            let mut tries = 0;
            loop {
                let name = format!("{change:?}-{number}-{tries}").to_lowercase();
                match self.change_one(change, &name, &mut lags).await {
                    Ok(()) => break,
                    // A machine that is busy with other things does not answer in time: another account is changed instead.
                    Err(Denied::Unavailable) if tries < MOST_TRIES => tries += 1,
                    Err(denied) => panic!("{name}: {denied:?}"),
                }
            }
        }
        lags
    }

    async fn change_one(&self, change: Change, name: &str, lags: &mut Lags) -> Result<(), Denied> {
        let (here, there) = (&self.here, &self.there);
        let token = try_newcomer(&here.lab, name).await?;
        granted(&there.lab, &token).await;
        let made = change.make(here, &self.ground, name, &token).await;
        if made.is_ok() {
            lags.measure(&there.lab, &token, self.lease).await;
            assert!(ask(&here.lab, &token).await.is_err(), "{change:?}");
        }
        change.take_back(&here.lab).await;
        made
    }
}

/// Whatever is changed at one server, another grants nothing of it to a request that is sent a lease later.
async fn refused_within_the_lease(store: CacheStore) {
    let changes = std::env::var("AUTHLAB_CHANGES");
    let changes = changes.map_or(CHANGES, |text| text.parse().unwrap());
    let Some(two) = Two::start(store).await else {
        return;
    };
    let two = Arc::new(two);
    for change in EVERY_CHANGE {
        let at_once = if change.is_of_one_account() {
            AT_ONCE
        } else {
            1
        };
        let begun = Instant::now();
        let workers = (0..at_once).map(|worker| {
            let (two, numbers) = (Arc::clone(&two), (worker..changes).step_by(at_once));
            tokio::spawn(async move { two.change(change, numbers).await })
        });
        let workers: Vec<_> = workers.collect();
        let mut lags = Lags::default();
        for worker in workers {
            lags.add(worker.await.unwrap());
        }
        let took = begun.elapsed().as_secs_f32();
        println!("{store} {change:?}: {} in {took:.1} s", lags.told());
        assert_eq!(lags.all.len(), changes, "{store} {change:?}");
        assert_eq!(lags.beyond, 0, "{store} {change:?}: {lags:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_server_changes_another_with_its_own_cache_refuses_within_the_lease() {
    refused_within_the_lease(CacheStore::Quick).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_server_changes_another_with_its_cache_in_redis_refuses_within_the_lease() {
    refused_within_the_lease(CacheStore::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_server_changes_another_with_tiered_caches_refuses_within_the_lease() {
    refused_within_the_lease(CacheStore::Tiered).await;
}

/// A server that starts begins with the policy and the keys of now; one whose key has ended grants nothing by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_begins_with_the_policy_and_the_keys_of_now() {
    let Some(ground) = Ground::start().await else {
        return;
    };
    let design = ground.design(CacheStore::Quick);
    let here = Lab::open(design.clone()).unwrap();
    let stale = std::fs::read(ground.secret()).unwrap();
    let before = newcomer(&here, "before").await;
    granted(&here, &before).await;
    ground.draw_secret();
    here.rotate_keys().await.unwrap();
    let token = newcomer(&here, "after").await;

    let there = Lab::open(design.clone()).unwrap();
    assert_eq!(ask(&there, &before).await, Err(Denied::BadSignature));
    assert_eq!(ask(&there, &token).await, Ok(()));
    let nothing = [(Role::User, vec![])].into();
    there.replace_policy(&nothing).await.unwrap();
    let third = Lab::open(design.clone()).unwrap();
    let refused = Err(Denied::Insufficient(Action::ItemsRead));
    assert_eq!(ask(&third, &token).await, refused);

    // What Redis loses whoever knows it says again. The tokens are gone with the rest.
    ground.redis.flush().await;
    let begun = Instant::now();
    while !ground
        .redis
        .keys()
        .await
        .contains(&"{authlab}:common".to_owned())
    {
        assert!(begun.elapsed() < HANG, "it is not said again");
        let _ = ask(&third, &token).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let fourth = Lab::open(design.clone()).unwrap();
    let token = sign_in(&fourth, "after").await;
    assert_eq!(ask(&fourth, &token).await, refused);

    // Its file was not written anew: the key that it holds has ended.
    std::fs::write(ground.files.path().join("stale"), stale).unwrap();
    let late = Lab::open(Design {
        secret_file: SecretFrom::File(ground.files.path().join("stale")),
        ..design
    });
    let late = late.unwrap();
    assert_eq!(ask(&late, &before).await, Err(Denied::Unavailable));
    let login = late.login("after", "the first password", &sender()).await;
    assert_eq!(login.unwrap_err(), Denied::Unavailable);
    std::fs::copy(ground.secret(), ground.files.path().join("stale")).unwrap();
    assert_eq!(ask(&late, &token).await, refused);
}

/// Cut off from Redis, a server grants from its cache for the lease and no longer; then it refuses, and afterwards knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_cut_off_grants_from_its_cache_for_the_lease_and_no_longer() {
    for store in STORES {
        for lease in [300, 1000].map(Duration::from_millis) {
            let Some(ground) = Ground::start().await else {
                return;
            };
            let door = Door::before(ground.redis.address()).await;
            let design = Design {
                lease: Period(lease),
                ..ground.design(store)
            };
            let here = Lab::open(design.clone()).unwrap();
            let there = Lab::open(Design {
                sessions: format!("redis://{}", door.address).parse().unwrap(),
                ..design
            });
            let there = there.unwrap();
            let name = "newcomer";
            let token = newcomer(&here, name).await;
            let other = Sender {
                user_agent: b"another device",
                ..sender()
            };
            let other = here.login(name, "the first password", &other).await;
            let other = other.unwrap().access_token;
            for token in [&token, &other] {
                granted(&there, token).await;
            }
            door.close(true);
            here.set_roles(name, [Role::User].into_iter().collect())
                .await
                .unwrap();
            let mut lags = Lags::default();
            for token in [&token, &other] {
                lags.measure(&there, token, lease).await;
            }
            println!("{store}, lease {lease:?}, cut off: {}", lags.told());
            assert_eq!(lags.beyond, 0, "{store} {lags:?}");
            assert_eq!(ask(&there, &token).await, Err(Denied::Unavailable));
            door.close(false);
            let begun = Instant::now();
            while ask(&there, &token).await == Err(Denied::Unavailable) {
                assert!(begun.elapsed() < HANG, "it does not recover");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(ask(&there, &token).await, Err(Denied::Unknown));
            let next = sign_in(&there, name).await;
            granted(&there, &next).await;
        }
    }
}

/// Redis stands still, forgets everything, or closes all connections again and again.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_redis_nothing_is_granted_beyond_the_lease() {
    for store in STORES {
        let Some(ground) = Ground::start().await else {
            return;
        };
        let design = ground.design(store);
        let lease = design.lease.0;
        let (here, there) = (
            Lab::open(design.clone()).unwrap(),
            Lab::open(design).unwrap(),
        );

        // A flush ends every token.
        let token = newcomer(&here, "flushed").await;
        granted(&there, &token).await;
        ground.redis.flush().await;
        let mut lags = Lags::default();
        lags.measure(&there, &token, lease).await;
        println!("{store}, flushed: {}", lags.told());
        assert_eq!(lags.beyond, 0, "{store} flushed {lags:?}");

        // Without a connection for long, and so without a bell.
        let mut lags = Lags::default();
        for number in 0..10 {
            let name = format!("killed-{number}");
            let token = newcomer(&here, &name).await;
            granted(&there, &token).await;
            ground.redis.kill_clients().await;
            let begun = Instant::now();
            while here
                .set_roles(&name, [Role::Admin].into_iter().collect())
                .await
                .is_err()
            {
                assert!(begun.elapsed() < HANG, "roles cannot be changed");
            }
            ground.redis.kill_clients().await;
            lags.measure(&there, &token, lease).await;
        }
        println!("{store}, connections killed: {}", lags.told());
        assert_eq!(lags.beyond, 0, "{store} killed {lags:?}");

        // Stopped, it tells nothing: a lease later nothing is granted, and then it goes on.
        let token = newcomer(&here, "stopped").await;
        granted(&there, &token).await;
        ground.redis.signal(rustix::process::Signal::STOP);
        let mut lags = Lags::default();
        lags.measure(&there, &token, lease).await;
        println!("{store}, stopped: {}", lags.told());
        assert_eq!(lags.beyond, 0, "{store} stopped {lags:?}");
        ground.redis.signal(rustix::process::Signal::CONT);
        granted(&there, &token).await;
    }
}
