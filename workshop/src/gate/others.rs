//! Servers in other languages, each against one that does a known amount more.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use authlab_loadtest::output;
use authlab_loadtest::scenario::{Scenario, Target, Variant};
use authlab_reports::judge::Verdict;

use super::Bench;
use super::live;
use super::piece::Other;
use super::servers::{self, Pair};

/// The files that the servers are made of, those of `make others`.
const NGINX: &str = include_str!("../../../tests/others/nginx.sh");
const NODE: &str = include_str!("../../../tests/others/server.mjs");
const UVICORN: &str = include_str!("../../../tests/others/app.py");

/// A pair of servers, and which verdict is right.
struct Case {
    program: &'static str,
    name: &'static str,
    truth: Verdict,
    base: Vec<String>,
    head: Vec<String>,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

/// So many duels of each pair whose program is installed; the others are told.
pub(super) fn fight_all(bench: &Bench, duels: usize) -> anyhow::Result<Vec<Other>> {
    let folder = std::env::temp_dir().join(format!("authlab-others-{}", std::process::id()));
    let kept = Folder(folder);
    let folder = kept.0.as_path();
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, text) in [
        ("nginx.sh", NGINX),
        ("server.mjs", NODE),
        ("app.py", UVICORN),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    let python = python(folder);
    let mut fought = Vec::new();
    for (program, is_there) in [
        ("nginx", is_installed(&["nginx", "-v"])),
        ("uvicorn", python.is_some()),
        ("Node", is_installed(&["node", "--version"])),
    ] {
        if !is_there {
            output::note(format_args!("{program} is not installed here, and skipped"));
            continue;
        }
        let python = python.as_deref().unwrap_or("python3");
        for case in cases(folder, python)
            .into_iter()
            .filter(|of| of.program == program)
        {
            output::note(format_args!("{duels} duels: {}", case.name));
            let scenario = case.scenario()?;
            let duels = (0..duels).map(|number| live::fight(bench, number, &scenario));
            fought.push(Other {
                name: case.name.to_owned(),
                truth: case.truth,
                duels: duels.collect::<anyhow::Result<_>>()?,
            });
        }
    }
    Ok(fought)
}

/// A Python that has uvicorn: the system's, or one in a virtual environment that is made for it.
fn python(folder: &Path) -> Option<String> {
    let has_uvicorn = |python: &str| is_installed(&[python, "-m", "uvicorn", "--version"]);
    if has_uvicorn("python3") {
        return Some("python3".to_owned());
    }
    let own = folder.join("python").display().to_string();
    let python = format!("{own}/bin/python3");
    let is_made = is_installed(&["python3", "-m", "venv", &own])
        && is_installed(&[&python, "-m", "pip", "install", "--quiet", "uvicorn"])
        && has_uvicorn(&python);
    is_made.then_some(python)
}

/// Whether a program runs, and says that all is well.
fn is_installed(words: &[&str]) -> bool {
    let status = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn cases(folder: &Path, python: &str) -> Vec<Case> {
    let file = |name: &str| folder.join(name).display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let nginx = |gzip: &str| -> Vec<String> {
        let script = file("nginx.sh");
        words(&["sh", &script, "{port}", gzip, &folder.display().to_string()])
    };
    let uvicorn = |rounds: &str| -> Vec<String> {
        let rounds = format!("ROUNDS={rounds}");
        let app = folder.display().to_string();
        let server = [python, "-m", "uvicorn", "--app-dir", &app, "app:app"];
        let quiet = [
            "--port",
            "{port}",
            "--no-access-log",
            "--log-level",
            "warning",
        ];
        words(&[&["env", &rounds][..], &server, &quiet].concat())
    };
    let node =
        |items: &str| -> Vec<String> { words(&["node", &file("server.mjs"), "{port}", items]) };
    let case = |program, name, truth, [base, head]: [Vec<String>; 2]| Case {
        program,
        name,
        truth,
        base,
        head,
        path: if program == "nginx" { "/page.txt" } else { "/" },
        headers: if program == "nginx" {
            &[("accept-encoding", "gzip")]
        } else {
            &[]
        },
    };
    vec![
        case(
            "nginx",
            "nginx, the same",
            Verdict::NoChange,
            [nginx("off"), nginx("off")],
        ),
        case(
            "nginx",
            "nginx with gzip, the same",
            Verdict::NoChange,
            [nginx("on"), nginx("on")],
        ),
        case(
            "nginx",
            "nginx, then with gzip",
            Verdict::Slower,
            [nginx("off"), nginx("on")],
        ),
        case(
            "nginx",
            "nginx with gzip, then without",
            Verdict::Faster,
            [nginx("on"), nginx("off")],
        ),
        case(
            "uvicorn",
            "uvicorn, the same",
            Verdict::NoChange,
            [uvicorn("20000"), uvicorn("20000")],
        ),
        case(
            "uvicorn",
            "uvicorn, a loop 20 % longer",
            Verdict::Slower,
            [uvicorn("20000"), uvicorn("24000")],
        ),
        case(
            "Node",
            "Node, the same",
            Verdict::NoChange,
            [node("199"), node("199")],
        ),
        case(
            "Node",
            "Node, 29 % more items",
            Verdict::Slower,
            [node("199"), node("257")],
        ),
    ]
}

impl Case {
    fn scenario(&self) -> anyhow::Result<Scenario> {
        let variant =
            |name: &str, words: &[String]| Variant::new(name, Target::command(words.to_vec()));
        let pair = [variant("base", &self.base), variant("head", &self.head)];
        servers::duel("others", Pair::get(pair, self.path, self.headers))
    }
}

/// It is removed with this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
