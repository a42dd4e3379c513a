//! Files that cannot be read as expected: FIFOs, devices, folders, too large ones, and names that are there twice.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authlab_server::{
    ClientsFrom, Design, IntrospectClient, JwtAlgorithm, KeyFrom, Lab, RoutesFrom, SecretFrom,
    Setup, UsersFrom, VerifyKind,
};

use crate::harness::{Served, quick};

fn fifo(place: &Path) -> PathBuf {
    let path = place.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// Each setting that names a file, pointed at this one: what the start says.
fn starts(path: &Path) -> Vec<(&'static str, String)> {
    let path = || path.to_owned();
    let designs = [
        (
            "--users file",
            Design {
                users: UsersFrom::File(path()),
                ..quick()
            },
        ),
        (
            "--users sqlite",
            Design {
                users: UsersFrom::Sqlite(path()),
                ..quick()
            },
        ),
        (
            "--clients",
            Design {
                clients: ClientsFrom::File(path()),
                ..quick()
            },
        ),
        (
            "--secret-file",
            Design {
                secret_file: SecretFrom::File(path()),
                ..quick()
            },
        ),
        (
            "--key-file",
            Design {
                key_file: KeyFrom::File(path()),
                jwt: JwtAlgorithm::ES256,
                ..quick()
            },
        ),
        (
            "--routes",
            Design {
                routes: RoutesFrom::File(path()),
                trusted_proxy: "127.0.0.1".parse().unwrap(),
                ..quick()
            },
        ),
        (
            "--introspect-client",
            Design {
                verify: VerifyKind::Introspect,
                introspect_url: "http://127.0.0.1:9".parse().unwrap(),
                introspect_client: IntrospectClient::File(path()),
                ..quick()
            },
        ),
    ];
    let mut lines: Vec<(&str, String)> = designs
        .into_iter()
        .map(|(name, design)| (name, Lab::open(design).unwrap_err().to_string()))
        .collect();
    let config = Setup {
        config: Some(path()),
        ..Setup::default()
    };
    lines.push(("--config", config.resolve().unwrap_err().to_string()));
    lines
}

/// A start that waits for a FIFO's writer would hang this test.
#[test]
fn what_is_no_regular_file_is_refused_at_start_in_a_line() {
    let place = tempfile::tempdir().unwrap();
    let fifo = fifo(place.path());
    for path in [&*fifo, place.path(), Path::new("/dev/zero")] {
        for (setting, line) in starts(path) {
            let expected = format!("{}: is not a regular file", path.display());
            assert!(line.contains(&expected), "{setting}: {line}");
            assert!(!line.contains('\n'), "{setting}: {line}");
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_at_start_in_a_line() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("large");
    // Sparse: it takes no room.
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    for (setting, line) in starts(&path) {
        if setting == "--users sqlite" {
            continue;
        }
        assert!(line.contains("is larger than "), "{setting}: {line}");
    }
}

#[tokio::test]
async fn a_users_file_that_becomes_a_fifo_answers_503_and_other_requests_go_on() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.json");
    let accounts = r#"{"ada": {"password": "1234", "role": "admin"}}"#;
    std::fs::write(&path, accounts).unwrap();
    let server = Served::start(Design {
        users: UsersFrom::File(path.clone()),
        ..quick()
    })
    .await;
    let client = server.client();
    let issued = client.login("ada", "1234").await;
    let token = issued.body["access_token"].as_str().unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(fifo(place.path()), &path).unwrap();
    for _ in 0..20 {
        assert_eq!(client.login("ada", "1234").await.status, 503);
        assert_eq!(client.status("/items/", token).await, 200);
    }
    // A writer at its other end makes no difference.
    let writer = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(&path)
        .unwrap();
    assert_eq!(client.login("ada", "1234").await.status, 503);
    drop(writer);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, accounts).unwrap();
    assert_eq!(client.login("ada", "1234").await.status, 200);
}

/// On one async thread: while sign-ins read and parse a large file, other requests are answered between them.
#[tokio::test]
async fn sign_ins_that_read_a_large_file_leave_the_async_thread() {
    use std::fmt::Write as _;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.json");
    let mut text = String::from("{\"ada\": {\"password\": \"1234\"}");
    let hash = bcrypt::hash("password123", 4).unwrap();
    for number in 0..20_000 {
        let _ = write!(
            text,
            ",\n\"user{number}\": {{\"password_hash\": \"{hash}\"}}"
        );
    }
    std::fs::write(&path, text + "}").unwrap();
    let server = Served::start(Design {
        users: UsersFrom::File(path),
        ..quick()
    })
    .await;
    let client = server.client();
    let issued = client.login("ada", "1234").await;
    let token = issued.body["access_token"].as_str().unwrap();
    let lab = Arc::clone(&server.lab);
    let signing_in = tokio::spawn(async move {
        let sender = authlab_server::Sender {
            user_agent: b"x",
            ip: [127, 0, 0, 1].into(),
            proof: None,
        };
        lab.login("ada", "1234", &sender).await.is_ok()
    });
    let mut answered = 0;
    while !signing_in.is_finished() {
        assert_eq!(client.status("/items/", token).await, 200);
        answered += 1;
    }
    assert!(signing_in.await.unwrap());
    // A read on the async thread would be over before the first of them was sent on.
    assert!(answered > 1, "{answered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sign_ins_that_wait_for_a_file_hold_no_thousand_threads() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"{"ada": {"password": "1234"}}"#).unwrap();
    let server = Served::start(Design {
        users: UsersFrom::File(file.path().to_owned()),
        ..quick()
    })
    .await;
    let signing_in: Vec<_> = (0..1000)
        .map(|_| {
            let lab = Arc::clone(&server.lab);
            tokio::spawn(async move {
                let sender = authlab_server::Sender {
                    user_agent: b"x",
                    ip: [127, 0, 0, 1].into(),
                    proof: None,
                };
                lab.login("ada", "1234", &sender).await.is_ok()
            })
        })
        .collect();
    let mut most = 0;
    for sign_in in signing_in {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        most = most.max(threads);
        let signed_in = tokio::time::timeout(Duration::from_secs(60), sign_in).await;
        assert!(signed_in.unwrap().unwrap());
    }
    assert!(most < 300, "{most} threads");
}

#[test]
fn a_name_that_is_there_twice_is_refused_with_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let users = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        let users = UsersFrom::File(file.path().to_owned());
        Lab::open(Design { users, ..quick() })
            .unwrap_err()
            .to_string()
    };
    let clients = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        let clients = ClientsFrom::File(file.path().to_owned());
        Lab::open(Design { clients, ..quick() })
            .unwrap_err()
            .to_string()
    };
    let path = file.path().display();
    let a = r#"{"password": "1234"}"#;
    for second in ["ada", "\\u0061da"] {
        let line = users(&format!(
            "{{\"ada\": {a},\n\"bob\": {a},\n\"{second}\": {a}}}"
        ));
        let expected = format!("users file {path}: `ada` is there twice at line 3 column ");
        assert!(line.starts_with(&expected), "{line}");
    }
    let line = users(&format!("{{\"jos\u{e9}\": {a}, \"jose\u{301}\": {a}}}"));
    assert!(
        line.contains("is there twice, in two spellings of one name"),
        "{line}"
    );
    let line = users(&format!("{{\"jo\u{200b}hn\": {a}}}"));
    assert!(line.contains(r"`jo\u{200b}hn` is not a name"), "{line}");

    let digest = "0".repeat(64);
    let c = format!(r#"{{"secret_sha256": "{digest}", "scopes": [], "grants": []}}"#);
    let line = clients(&format!("{{\"app\": {c},\n\"app\": {c}}}"));
    let expected = format!("clients file {path}: `app` is there twice at line 2 column ");
    assert!(line.starts_with(&expected), "{line}");
    let twice = c.replace("\"scopes\"", "\"grants\": [], \"scopes\"");
    let line = clients(&format!("{{\"app\": {twice}}}"));
    assert!(line.contains("duplicate field `grants`"), "{line}");
}

#[test]
fn a_setting_that_is_there_twice_is_refused_with_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "password = \"md5\"\npassword = \"sha256\"\n").unwrap();
    let config = Setup {
        config: Some(file.path().to_owned()),
        ..Setup::default()
    };
    let line = config.resolve().unwrap_err().to_string();
    let expected = format!("{}:2: duplicate key", file.path().display());
    assert!(line.starts_with(&expected), "{line}");
}
