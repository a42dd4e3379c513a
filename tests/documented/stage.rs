//! A folder as the reader of an example has it: the command in the path and where a release build puts it, a scenario, two
//! builds of a server, servers that run, runs that were made.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::benchmarks::binary;
use crate::command::{Place, stderr};
use crate::pages::{Block, ROOT, commands};
use crate::table::{NOT_RUN, SHORTENED};

pub(crate) const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");

/// As README has it, but for its sizes.
const MINE: &str = r#"
name = "mine"
question = "?"
variant = [
  { name = "old", command = ["./server-old", "--port", "{port}"] },
  { name = "new", command = ["./server-new", "--port", "{port}"] },
]
step = [{ name = "get", request = "GET /things/1" }]
[[load]]
name = "one-user"
users = 1
journey = ["get"]
profile.quick = { blocks = 2, slice = "10ms", warm_up = "10ms" }
profile.full = { blocks = 3, slice = "10ms", warm_up = "10ms" }
"#;

/// A server that ends with the stage.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Stage {
    pub(crate) place: Place,
    running: Vec<Running>,
    /// What takes the place of the ports 8080 and 8081.
    ports: [u16; 2],
}

impl Stage {
    /// With everything but servers that run.
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let folder = |name: &str| std::fs::create_dir_all(place.path().join(name)).unwrap();
        for name in ["bin", "target/release", "scenarios", "reports/published"] {
            folder(name);
        }
        for name in ["bin/authlab", "target/release/authlab"] {
            symlink(AUTHLAB, place.path().join(name)).unwrap();
        }
        for name in ["server-old", "server-new"] {
            place.write(
                name,
                "#!/bin/sh\nexec authlab null --listen \"127.0.0.1:$2\"\n",
            );
            executable(&place.path().join(name));
        }
        place.write("mine.toml", MINE);
        // A checkout whose scenarios are as small: what is carried is run by tests/carried.rs.
        for entry in std::fs::read_dir(Path::new(ROOT).join("scenarios")).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let name = format!("\"{}\"", file.trim_end_matches(".toml"));
            let small = MINE.replace("\"mine\"", &name);
            place.write(&format!("scenarios/{file}"), &small);
        }
        for run in ["thousandfold", "http-tax", "token-kinds"] {
            let name = format!("reports/published/{run}");
            copy(&Path::new(ROOT).join(&name), &place.path().join(&name));
        }
        for name in ["OLD_BENCHMARK_BINARY", "NEW_BENCHMARK_BINARY"] {
            binary(&place, name, &[("authorize-hit/1", 100)]);
        }
        for baseline in ["main", "new"] {
            saved(&place, baseline);
        }
        let ports = [(); 2].map(|()| free_port());
        contracts(&place, ports[0]);
        Self {
            place,
            running: Vec::new(),
            ports,
        }
    }

    /// Runs the block's commands in one shell; each has to end without having been refused.
    pub(crate) fn run(&mut self, block: &Block) {
        let typed = commands(block);
        if typed.is_empty() {
            return;
        }
        let serves = typed.iter().any(|line| line.contains("authlab serve"));
        let asks = ["127.0.0.1:80", "urls.toml", "contract.toml", "found-1.toml"];
        if asks.iter().any(|asked| block.text.contains(asked)) && !serves {
            self.serve();
        }
        if ["RUN", "reports/runs/main"]
            .iter()
            .any(|run| block.text.contains(run))
        {
            self.make_runs();
        }
        let mut script = String::new();
        for line in &typed {
            if NOT_RUN.iter().any(|(documented, _)| documented == line) {
                continue;
            }
            let shortened = SHORTENED.iter().find(|(documented, _)| documented == line);
            let meant = shortened.map_or(line.as_str(), |(_, run)| run);
            script.push_str(&self.script(meant));
        }
        let output = self.bash(&script);
        assert!(
            output.status.success(),
            "{}\n{script}\n{}\n{}",
            block.page,
            String::from_utf8_lossy(&output.stdout),
            stderr(&output)
        );
    }

    /// 1 and 3 are answers: this machine is busy, and two builds of nothing may seem to differ.
    fn script(&self, line: &str) -> String {
        let text = self.here(line);
        let serves = text.contains("authlab serve") && !text.contains("--list-presets");
        if serves {
            // It runs on: asked whether it is there, and ended unless a later line asks it.
            let port = usize::from(line.contains(":8081"));
            let connects = format!(
                "(exec 3<>/dev/tcp/127.0.0.1/{}) 2>/dev/null",
                self.ports[port]
            );
            let ends = if text.ends_with('&') {
                ""
            } else {
                "kill $!; wait $!\n"
            };
            let text = text.trim_end_matches('&');
            return format!(
                "{text} &\nfor i in $(seq 600); do {connects} && break; sleep 0.1; done\n{connects} || exit 2\n{ends}"
            );
        }
        format!(
            "{text}\ncode=$?; case $code in 0|1|3|4) ;; *) echo \"exit $code\" >&2; exit 2 ;; esac\n"
        )
    }

    /// The same with the ports that are free here.
    fn here(&self, line: &str) -> String {
        let [first, second] = self.ports;
        line.replace(":8080", &format!(":{first}"))
            .replace(":8081", &format!(":{second}"))
    }

    pub(crate) fn bash(&self, script: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let here = self.place.path().join("bin");
        // Whatever still runs ends with the shell.
        let script = format!("trap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script}\nexit 0");
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.place.path())
            .env("PATH", format!("{}:{path}", here.display()))
            .env("AUTHLAB_LISTEN", format!("127.0.0.1:{}", self.ports[0]))
            .env("AUTHLAB_PASSWORD", "sha256")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The servers that an example asks.
    fn serve(&mut self) {
        if !self.running.is_empty() {
            return;
        }
        for port in self.ports {
            let listen = format!("127.0.0.1:{port}");
            let mut child = Command::new(AUTHLAB)
                .args(["serve", "--password", "sha256", "--listen", &listen])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            stdout.read_line(&mut line).unwrap();
            self.running.push(Running(child));
            assert!(line.contains("listening"), "{line}");
        }
        let [first, second] = self.ports;
        self.place.write(
            "urls.toml",
            &format!(
                r#"
name = "urls"
question = "?"
variant = [{{ name = "one", url = "http://127.0.0.1:{first}" }}, {{ name = "two", url = "http://127.0.0.1:{second}" }}]
step = [{{ name = "get", request = "GET /healthz" }}]
load = [{{ name = "users", users = 2, timeout = "1s", journey = ["get"], profile.quick = {{ blocks = 1, slice = "20ms", warm_up = "20ms" }} }}]
"#
            ),
        );
    }

    /// The runs that an example names.
    fn make_runs(&self) {
        let output = self.bash("authlab run mine.toml --quiet --runs made");
        let made = std::fs::read_dir(self.place.path().join("made")).unwrap();
        let made = made.map(|entry| entry.unwrap().path()).next();
        let made = made.unwrap_or_else(|| panic!("{}", stderr(&output)));
        for name in [
            "RUN",
            "RUN_A",
            "RUN_B",
            "reports/runs/main",
            "reports/runs/branch",
        ] {
            copy(&made, &self.place.path().join(name));
        }
    }
}

/// A contract of the server at a port, and one with a history.
fn contracts(place: &Place, port: u16) {
    let ready = crate::pages::read("check/contracts/authlab.toml");
    let here = ready.replace(":8080", &format!(":{port}"));
    std::fs::create_dir_all(place.path().join("check/contracts")).unwrap();
    for name in ["contract.toml", "check/contracts/authlab.toml"] {
        place.write(name, &here);
    }
    let decisions = crate::pages::read("check/contracts/authzen.toml");
    place.write(
        "check/contracts/authzen.toml",
        &decisions.replace(":8080", &format!(":{port}")),
    );
    let routes = crate::pages::read("check/contracts/routes.toml");
    place.write("check/contracts/routes.toml", &routes);
    let history = "[[history]]\nops = [{ who = \"john\", do = \"GET /items\" }]\n";
    place.write("found-1.toml", &format!("{here}\n{history}"));
}

fn executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A baseline as criterion saves it.
fn saved(place: &Place, baseline: &str) {
    let folder = format!("target/criterion/hit/{baseline}");
    std::fs::create_dir_all(place.path().join(&folder)).unwrap();
    let about = r#"{"full_id":"hit","title":"hit"}"#;
    place.write(&format!("{folder}/benchmark.json"), about);
    let interval = r#""confidence_interval":{"lower_bound":1.0,"upper_bound":1.0}"#;
    let estimates = format!(r#"{{"median":{{{interval},"point_estimate":1.0}}}}"#);
    place.write(&format!("{folder}/estimates.json"), &estimates);
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
