//! What the container file starts, and how it asks whether that is well, without a container; and that it needs no rights.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const FILE: &str = include_str!("../deploy/Containerfile");
const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");

/// The words of an instruction in its JSON form.
fn words(instruction: &str) -> Vec<String> {
    let line = FILE.lines().find_map(|line| line.strip_prefix(instruction));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[test]
fn it_starts_a_server_that_its_own_check_finds_well_and_nobody_else() {
    assert_eq!(words("ENTRYPOINT "), ["authlab"]);
    let start = words("CMD ");
    assert_eq!(start, ["serve", "--listen", "0.0.0.0:8080"]);
    let mut server = Command::new(AUTHLAB)
        .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let (_, port) = line.trim().rsplit_once(':').unwrap();
    let check = words("HEALTHCHECK CMD ");
    let is_well = || {
        let asked = check.iter().map(|word| word.replace("8080", port));
        let asked: Vec<_> = asked.collect();
        let status = Command::new(&asked[0])
            .args(&asked[1..])
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    };
    let well = is_well();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(well);
    assert!(!is_well(), "nobody is there");
}

#[test]
fn it_copies_nothing_that_was_built_here() {
    let ignored = include_str!("../.dockerignore");
    for name in ["target", ".git", "reports/runs"] {
        assert!(ignored.lines().any(|line| line == name), "{name}");
    }
    assert!(FILE.contains("--locked") && FILE.contains("\nUSER authlab\n"));
}

/// Runs a command as a pod of `deploy/kubernetes` does: as user 10001 without any capability, in a read-only root, with one
/// volume that can be written.
const RESTRICTED: &str = r#"
set -eu
volume=$1
shift
mount --make-rprivate /
mount -t tmpfs -o mode=1777 tmpfs "$volume"
awk '$2 !~ "^/(proc|sys|dev)(/|$)" { print $2 }' /proc/self/mounts | while read -r at; do
    [ "$at" = "$volume" ] || mount -o remount,bind,ro "$at" || [ "$at" != / ]
done
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
"#;

/// A folder that every user can read, with the binary and an empty volume in it.
fn image() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), open.clone()).unwrap();
    std::fs::copy(AUTHLAB, place.path().join("authlab")).unwrap();
    std::fs::set_permissions(place.path().join("authlab"), open).unwrap();
    std::fs::create_dir(place.path().join("volume")).unwrap();
    place
}

fn restricted(place: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", RESTRICTED, "sh"])
        .arg(place.join("volume"))
        .args(words)
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null());
    command
}

#[test]
fn it_serves_and_loads_as_a_user_without_rights_in_a_read_only_root() {
    let place = image();
    let place = place.path();
    let permitted = restricted(place, &["true"]).output();
    if !permitted.as_ref().is_ok_and(|done| done.status.success()) {
        let why = permitted.map(|done| String::from_utf8_lossy(&done.stderr).into_owned());
        eprintln!("NOT TESTED: a read-only root, for which mounts have to be permitted: {why:?}");
        return;
    }
    let volume = place.join("volume").display().to_string();
    let written = |path: &str| {
        let touched = restricted(place, &["touch", path]).output();
        touched.unwrap().status.success()
    };
    assert!(written(&format!("{volume}/x")));
    for path in ["/x", "/tmp/x", &format!("{}/x", place.display())] {
        assert!(!written(path), "{path}");
    }

    let authlab = place.join("authlab").display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--password", "sha256"];
    let mut server = restricted(place, &[&[&*authlab], &serve[..]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    // As a shard of the load Job: it meets the others, and writes its run, in the volume.
    let (meet, runs) = (format!("{volume}/meet"), format!("{volume}/runs"));
    let asked = [
        "load",
        &url,
        "--get",
        "/token",
        "--data",
        r#"{"username":"john","password":"password123"}"#,
        "-H",
        "content-type: application/json",
        "-d",
        "300ms",
        "--seed",
        "7",
        "--shard",
        "0/1",
        "--meet",
        &meet,
        "--runs",
        &runs,
        "--strict",
    ];
    let loaded = restricted(place, &[&[&*authlab], &asked[..]].concat())
        .output()
        .unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let said = String::from_utf8_lossy(&loaded.stderr).into_owned();
    // 3: on a busy machine it is not valid.
    assert!(matches!(loaded.status.code(), Some(0 | 3)), "{line}{said}");
    let told = String::from_utf8_lossy(&loaded.stdout).into_owned();
    assert!(told.contains("post-token"), "{told}{said}");
    let of = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap()
            .trim()
    };
    assert!(
        of("Uid:").split_whitespace().all(|id| id == "10001"),
        "{status}"
    );
    for capabilities in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(of(capabilities).trim_start_matches('0'), "", "{status}");
    }
    assert_eq!(of("NoNewPrivs:"), "1");
}
