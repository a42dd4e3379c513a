//! What a history is played on: servers with a cache, each beside itself without one, and where their credentials are had.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use authlab_server::{
    App, BindingKind, CacheKey, CacheKind, Clock, Controlled, CredentialKind, Design,
    FreshnessKind, HashOn, JwtAlgorithm, Lab, PolicyKind, RoutesFrom, SecretFrom, Server,
    SessionsFrom, UsersFrom, VerifyKind,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::asked::ROUTES;
use crate::combination::{Combination, Place};
use crate::door::Door;
use crate::history::Setting;
use crate::redis::{Keeps, Redis};

/// What all histories of a test share: files, and a Redis where one is needed.
pub(crate) struct Grounds {
    files: TempDir,
    redis: Option<Redis>,
}

/// What is there for one history.
pub(crate) struct Stand {
    pub(crate) clock: Controlled,
    pub(crate) servers: Vec<Beside>,
    pub(crate) central: Option<Central>,
    /// Among faults: the way of each server to Redis, and last that of the one that says what is true.
    pub(crate) doors: Vec<Door>,
    /// Among faults: the server that says what is true, without a cache.
    witness: Option<App>,
    /// Where its own status list is fetched, as long as this lives.
    lists: Vec<oneshot::Sender<()>>,
    database: u32,
    design: Design,
    secret: Option<PathBuf>,
    secrets: usize,
}

/// A server with a cache, and the same without.
pub(crate) struct Beside {
    pub(crate) lab: Arc<Lab>,
    pub(crate) cached: App,
    pub(crate) oracle: App,
}

/// The server that is asked about tokens, over HTTP. It serves until this is dropped.
pub(crate) struct Central {
    pub(crate) lab: Arc<Lab>,
    pub(crate) app: App,
    _stop: oneshot::Sender<()>,
}

/// Redis throws away by its own clock what ends by ours: ours is ahead, so that it is ours which judges.
const AHEAD: Duration = Duration::from_secs(3600);

impl Grounds {
    /// `None` where there is no Redis and the place needs one, which is said aloud.
    pub(crate) async fn of(place: Place) -> Option<Self> {
        let redis = if place.is_over_redis() {
            let keeps = if place == Place::AmongFaults {
                Keeps::Everything
            } else {
                Keeps::Nothing
            };
            Some(Redis::start(keeps).await?)
        } else {
            None
        };
        // In memory where that is to be had: each history opens a database of accounts.
        let files = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let files = files.unwrap();
        std::fs::write(files.path().join("routes.toml"), ROUTES).unwrap();
        let grounds = Self { files, redis };
        if place.has_accounts_of_several() {
            // Made once, copied for each history.
            let accounts = Lab::open(Design {
                password: authlab_server::PasswordKind::Sha256,
                users: UsersFrom::Sqlite(grounds.file("demo.db")),
                ..Design::default()
            });
            drop(accounts.unwrap());
        }
        Some(grounds)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Where there is one.
    pub(crate) fn redis(&self) -> &Redis {
        self.redis.as_ref().unwrap()
    }
}

impl Stand {
    pub(crate) async fn open(
        grounds: &Grounds,
        combination: &Combination,
        setting: &Setting,
    ) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap() + AHEAD;
        let clock = Controlled::at_seconds(now.as_secs());
        let mut design = in_setting(combination, setting);
        design.routes = RoutesFrom::File(grounds.file("routes.toml"));
        let (mut doors, mut database) = (Vec::new(), 0);
        if let Some(redis) = &grounds.redis {
            redis.flush().await;
            database = redis.next_database();
            design.sessions = address(redis.address(), database);
            if combination.place == Place::AmongFaults {
                for _ in 0..=combination.servers() {
                    doors.push(Door::before(redis.address()).await);
                }
            }
        }
        let mut stand = Self {
            clock,
            servers: Vec::new(),
            central: None,
            witness: None,
            doors,
            lists: Vec::new(),
            database,
            design: Design::default(),
            secret: None,
            secrets: 0,
        };
        if combination.place.has_accounts_of_several() {
            // Several servers have the same accounts and the same secret.
            let (demo, own) = (grounds.file("demo.db"), grounds.file("accounts.db"));
            for beside in ["accounts.db-wal", "accounts.db-shm"] {
                let _ = std::fs::remove_file(grounds.file(beside));
            }
            std::fs::copy(demo, &own).unwrap();
            design.users = UsersFrom::Sqlite(own);
            let secret = grounds.file("secret");
            stand.secret = Some(secret.clone());
            stand.draw_secret();
            design.secret_file = SecretFrom::File(secret);
            design.jwt = JwtAlgorithm::HS256;
        }
        if combination.place.is_central() {
            let (central, address) = Central::serve(&design, stand.clock()).await;
            stand.central = Some(central);
            design.verify = VerifyKind::Introspect;
            design.introspect_url = format!("http://{address}").parse().unwrap();
            // The central server judges it, as it is told who sends.
            design.binding = BindingKind::None;
        }
        let listed =
            design.cache == CacheKind::Decision && design.freshness == FreshnessKind::StatusList;
        let server = if listed {
            let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
            design.issuer = format!("http://{}", server.address()).parse().unwrap();
            Some(server)
        } else {
            None
        };
        stand.design = design;
        if !stand.doors.is_empty() {
            let witness = stand.opened(combination.servers());
            stand.witness = Some(App::new(witness.uncached()));
        }
        for at in 0..combination.servers() {
            let beside = stand.beside(at);
            stand.servers.push(beside);
        }
        if let Some(server) = server {
            let (stop, stopped) = oneshot::channel();
            tokio::spawn(server.run(Arc::clone(&stand.servers[0].lab), async {
                let _ = stopped.await;
            }));
            stand.lists.push(stop);
        }
        stand
    }

    /// A server with a cache, and the same without; where there is a witness, that.
    pub(crate) fn beside(&self, at: usize) -> Beside {
        let lab = self.opened(at);
        let oracle = self.witness.clone();
        Beside {
            cached: App::new(Arc::clone(&lab)),
            oracle: oracle.unwrap_or_else(|| App::new(lab.uncached())),
            lab,
        }
    }

    /// Over Redis, and through its own door where it has one.
    fn opened(&self, at: usize) -> Arc<Lab> {
        let mut design = self.design.clone();
        if let Some(door) = self.doors.get(at) {
            design.sessions = address(door.address, self.database);
        }
        Lab::open_at(design, self.clock()).unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::Controlled(self.clock.clone())
    }

    pub(crate) fn now_seconds(&self) -> u64 {
        self.clock().now().seconds()
    }

    /// Where credentials are had, refreshed and ended, and accounts kept.
    pub(crate) fn desk(&self, at: usize) -> &App {
        match &self.central {
            Some(central) => &central.app,
            None => &self.servers[at].cached,
        }
    }

    /// The same without HTTP.
    pub(crate) fn desk_lab(&self, at: usize) -> &Lab {
        match &self.central {
            Some(central) => &central.lab,
            None => &self.servers[at].lab,
        }
    }

    /// Whoever runs the servers writes another secret; each takes it when its keys are rotated.
    pub(crate) fn draw_secret(&mut self) {
        self.secrets += 1;
        self.write_secret();
    }

    /// No server took it: one that starts has the secret that the others have.
    pub(crate) fn take_secret_back(&mut self) {
        self.secrets -= 1;
        self.write_secret();
    }

    fn write_secret(&self) {
        if let Some(path) = &self.secret {
            let text = format!("secret no. {} of at least thirty-two bytes", self.secrets);
            std::fs::write(path, text).unwrap();
        }
    }
}

impl Central {
    async fn serve(design: &Design, clock: Clock) -> (Self, SocketAddr) {
        let design = Design {
            verify: VerifyKind::Local,
            cache: CacheKind::None,
            metrics: false,
            ..design.clone()
        };
        let lab = Lab::open_at(design, clock).unwrap();
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let run = server.run(Arc::clone(&lab), async {
            let _ = stopped.await;
        });
        tokio::spawn(run);
        let central = Self {
            app: App::new(Arc::clone(&lab)),
            lab,
            _stop: stop,
        };
        (central, address)
    }
}

fn address(of: SocketAddr, database: u32) -> SessionsFrom {
    format!("redis://{of}/{database}").parse().unwrap()
}

/// The combination's design, as the setting completes it.
fn in_setting(combination: &Combination, setting: &Setting) -> Design {
    // Policies know the route, which other keys leave out: the two are refused together.
    let keeps_without = combination.design.cache == CacheKind::Decision
        && combination.design.cache_key != CacheKey::Route;
    let mut design = Design {
        binding: setting.binding,
        bind_to: setting.bind_to,
        jwt: setting.jwt,
        cache_capacity: setting.capacity.try_into().unwrap(),
        negative_capacity: setting.denials,
        metrics: setting.is_counted,
        policy: if keeps_without {
            PolicyKind::Enforce
        } else {
            setting.policy
        },
        ..combination.design.clone()
    };
    if setting.binding == BindingKind::Bcrypt {
        // So that something may happen while it is hashed.
        design.hash_on = HashOn::Pool;
        design.hash_threads = 1.try_into().unwrap();
    }
    if design.credential == CredentialKind::Basic {
        design.binding = BindingKind::None;
    }
    design
}
