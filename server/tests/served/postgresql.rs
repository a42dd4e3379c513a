//! A real PostgreSQL of a test's own. It needs no driver, so that tests of other crates start one too.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Far longer than anything here takes on a loaded machine: it only ends a hang.
const AT_MOST: Duration = Duration::from_secs(60);

/// A server that ends with the test, and its data with it.
pub(crate) struct PostgreSql {
    pub(crate) port: u16,
    programs: PathBuf,
    place: tempfile::TempDir,
    settings: Vec<String>,
    child: Child,
}

impl PostgreSql {
    /// `None` where there is none, which is said aloud.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "needed in CI for accounts in PostgreSQL: apt-get install postgresql"
            );
            eprintln!("NOT TESTED: accounts in PostgreSQL: apt-get install postgresql");
            return None;
        };
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            // It refuses to run as root.
            for path in [place.path(), &data] {
                let given = Command::new("chown").arg("postgres").arg(path).status();
                assert!(given.unwrap().success());
            }
        }
        let made = as_itself(&programs.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync", "--no-instructions"])
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let child = serve(&programs, place.path(), port, &settings);
        let mut server = Self {
            port,
            programs,
            place,
            settings,
            child,
        };
        server.wait();
        Some(server)
    }

    /// The address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it keeps its files and its socket.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// What holds from its next start on.
    pub(crate) fn set(&mut self, setting: String) {
        self.settings.push(setting);
    }

    /// A file that is its own, as it asks of a key.
    pub(crate) fn give(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place().join(name);
        std::fs::write(&path, text).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).unwrap();
        if is_root() {
            let given = Command::new("chown").arg("postgres").arg(&path).status();
            assert!(given.unwrap().success());
        }
        path
    }

    /// Runs statements: the first column of their rows, a line each.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        let output = self.psql(database, statement);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{statement}: {error}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// The same by another role, whatever comes of it.
    pub(crate) fn try_as(&self, role: &str, statement: &str) {
        drop(self.psql_as(role, "postgres", statement));
    }

    fn psql(&self, database: &str, statement: &str) -> std::process::Output {
        self.psql_as("postgres", database, statement)
    }

    fn psql_as(&self, role: &str, database: &str, statement: &str) -> std::process::Output {
        Command::new(self.programs.join("psql"))
            .args(["-h", "127.0.0.1", "-U", role, "-qAtX"])
            .args(["-v", "ON_ERROR_STOP=1", "-p", &self.port.to_string()])
            .args(["-d", database, "-c", statement])
            .output()
            .unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// To the process of each connection too.
    pub(crate) fn signal_all(&self, signal: Signal) {
        self.signal(signal);
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        for child in children.unwrap().split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            // One may have ended meanwhile.
            let _ = kill_process(child, signal);
        }
    }

    /// As if the machine had lost it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does who does not wait for clients.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::INT);
        self.child.wait().unwrap();
    }

    /// Starts it again, at the same place.
    pub(crate) fn again(&mut self) {
        self.child = serve(&self.programs, self.place.path(), self.port, &self.settings);
        self.wait();
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(begun.elapsed() < AT_MOST, "postgres did not start");
            std::thread::sleep(Duration::from_millis(20));
            // What a killed one left behind has to end first.
            if self.child.try_wait().unwrap().is_some() {
                self.child = serve(&self.programs, self.place.path(), self.port, &self.settings);
            }
        }
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        // Its own children end with it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

fn serve(programs: &Path, place: &Path, port: u16, settings: &[String]) -> Child {
    as_itself(&programs.join("postgres"))
        .arg("-D")
        .arg(place.join("data"))
        .arg("-k")
        .arg(place)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-F"])
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn as_itself(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// Where its programs are: beside the latest version of Debian's packages, or as `pg_config` says.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let versions = versions.into_iter().flatten().flatten();
    let packaged = versions.map(|version| version.path().join("bin")).max();
    let told = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        Some(PathBuf::from(path.trim()))
    };
    packaged
        .or_else(told)
        .filter(|programs| programs.join("initdb").exists())
}
