//! Accounts: password hashes, the users file, and what happens when hashes queue up.

use std::num::NonZeroUsize;
use std::path::Path;

use authlab_server::{Design, HashOn, Lab, PasswordKind, UsersFrom};

use crate::harness::{Served, quick};

#[tokio::test]
async fn every_password_hash_signs_in_and_refuses_on_every_place() {
    for password in PasswordKind::ALL.iter().copied() {
        let params = match password {
            PasswordKind::Argon2id => "m=64",
            PasswordKind::Scrypt => "ln=4",
            PasswordKind::Pbkdf2 => "i=1000",
            _ => "",
        };
        for hash_on in HashOn::ALL.iter().copied() {
            let server = Served::start(Design {
                password,
                hash_on,
                bcrypt_cost: 4,
                password_params: params.parse().unwrap_or_default(),
                ..Design::default()
            })
            .await;
            let client = server.client();
            assert_eq!(
                client.login("john", "password123").await.status,
                200,
                "{password} {hash_on}"
            );
            for wrong in [
                "",
                "password1234",
                "Password123",
                "password123\0",
                &"x".repeat(100),
            ] {
                assert_eq!(
                    client.login("john", wrong).await.status,
                    401,
                    "{password} {hash_on} {wrong:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn bcrypt_never_matches_on_the_72_bytes_that_it_reads() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (long, longer) = ("x".repeat(72), "x".repeat(73));
    let stored = bcrypt::hash(&long, 4).unwrap();
    write(
        file.path(),
        &format!(r#"{{"john": {{"password_hash": "{stored}", "roles": ["admin"]}}}}"#),
    );
    let server = Served::start(with_file(file.path())).await;
    assert_eq!(server.client().login("john", &long).await.status, 200);
    assert_eq!(server.client().login("john", &longer).await.status, 401);
}

#[tokio::test]
async fn hashes_beyond_the_queue_are_refused_with_retry_after() {
    for hash_on in [HashOn::Pool, HashOn::Blocking] {
        let one = NonZeroUsize::MIN;
        let design = Design {
            hash_on,
            hash_threads: one,
            hash_queue: one,
            bcrypt_cost: 10,
            ..Design::default()
        };
        let server = Served::start(design).await;
        let client = server.client();
        let storm: Vec<_> = (0..12)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.login("john", "password123").await })
            })
            .collect();
        let mut statuses = Vec::new();
        for login in storm {
            let answer = login.await.unwrap();
            assert_eq!(
                answer.header("retry-after").is_some(),
                answer.status == 429,
                "{hash_on}"
            );
            statuses.push(answer.status.as_u16());
        }
        assert!(
            statuses.contains(&200) && statuses.contains(&429),
            "{hash_on}: {statuses:?}"
        );
        assert!(
            statuses.iter().all(|status| [200, 429].contains(status)),
            "{hash_on}: {statuses:?}"
        );
        assert_eq!(
            client.login("john", "password123").await.status,
            200,
            "{hash_on}: after the storm"
        );
    }
}

/// What waits in the pool's queue is refused beyond it, so a storm shows where its hashes went: a decoy of the
/// configured digest would be done in place and tell every unknown name by its 401.
#[tokio::test]
async fn an_unknown_name_costs_what_the_dearest_account_of_the_file_does() {
    let [cheap, dear] = [4, 10].map(|cost| bcrypt::hash("password123", cost).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        file.path(),
        &format!(
            r#"{{"ann": {{"password_hash": "{cheap}", "roles": []}},
                "john": {{"password_hash": "{dear}", "roles": []}},
                "plain": {{"password": "x", "roles": []}}}}"#
        ),
    );
    let one = NonZeroUsize::MIN;
    let server = Served::start(Design {
        hash_threads: one,
        hash_queue: one,
        ..with_file(file.path())
    })
    .await;
    for name in ["john", "nobody"] {
        let before = server.lab.hashes();
        // The password of two accounts is none of an unknown name's.
        let alone = server.client().login(name, "password123").await.status;
        assert_eq!(alone, if name == "john" { 200 } else { 401 }, "{name}");
        assert_eq!(server.lab.hashes() - before, 1, "{name}");
        let storm: Vec<_> = (0..12)
            .map(|_| {
                let client = server.client();
                tokio::spawn(async move { client.login(name, "wrong").await.status.as_u16() })
            })
            .collect();
        let mut statuses = Vec::new();
        for login in storm {
            statuses.push(login.await.unwrap());
        }
        assert!(
            statuses.contains(&401) && statuses.contains(&429),
            "{name}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn a_users_file_is_read_at_each_sign_in_and_a_broken_one_answers_503() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        file.path(),
        r#"{"ada": {"password": "one", "roles": ["user"]}}"#,
    );
    let server = Served::start(with_file(file.path())).await;
    let client = server.client();
    assert_eq!(client.login("ada", "one").await.status, 200);
    assert_eq!(client.login("bob", "two").await.status, 401);

    write(
        file.path(),
        r#"{"ada": {"password": "changed", "roles": ["user"]}, "bob": {"password": "two", "roles": ["admin"]}}"#,
    );
    assert_eq!(client.login("ada", "one").await.status, 401);
    assert_eq!(client.login("ada", "changed").await.status, 200);
    let bob = client.login("bob", "two").await.body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        client.get("/items/", &bob).await.text,
        r#"{"items":["Admin Items"]}"#
    );

    for broken in ["{", "", r#"{"ada": {"password": 5, "roles": []}}"#] {
        write(file.path(), broken);
        assert_eq!(client.login("ada", "changed").await.status, 503, "{broken}");
    }
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!(client.login("ada", "changed").await.status, 503, "gone");
    assert_eq!(
        client.status("/items/", &bob).await,
        200,
        "tokens do not need the file"
    );
}

#[test]
fn a_users_file_that_is_wrong_at_start_is_one_line_with_path_place_and_shape() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let table = [
        ("{", "line 1 column 1"),
        ("[]", "line 1 column 0"),
        (r#"{"a": {"roles": []}}"#, "neither"),
        (
            r#"{"a": {"password": "x", "password_hash": "y", "roles": []}}"#,
            "both",
        ),
        (
            r#"{"a": {"password_hash": "plain", "roles": []}}"#,
            "no accepted form",
        ),
        (
            r#"{"a": {"password_hash": "$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde", "roles": []}}"#,
            "`a` has a password_hash beyond the accepted costs: bcrypt at 4 to 15",
        ),
        (
            r#"{"a": {"password_hash": "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "`a` has a password_hash beyond the accepted costs: argon2id at m=262144 (KiB), t=16, p=16 at most",
        ),
        (
            r#"{"a": {"password_hash": "$argon2id$v=19$m=19456,t=1000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "t=16",
        ),
        (
            r#"{"a": {"password_hash": "$argon2id$v=19$m=19456,t=2,p=1000$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "p=16",
        ),
        (
            r#"{"a": {"password_hash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "roles": []}}"#,
            "`a` has a password_hash of no accepted form",
        ),
        (
            r#"{"a": {"password_hash": "$scrypt$ln=19,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "`a` has a password_hash beyond the accepted costs: scrypt with 256 MiB, p=16 at most",
        ),
        (
            r#"{"a": {"password_hash": "$scrypt$ln=4,r=8,p=17$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "p=16",
        ),
        (
            r#"{"a": {"password_hash": "$scrypt$ln=63,r=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "roles": []}}"#,
            "password_hash",
        ),
        (
            r#"{"a": {"password_hash": "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ", "roles": []}}"#,
            "`a` has a password_hash of no accepted form",
        ),
        (
            r#"{"a": {"password_hash": "$pbkdf2-sha256$i=10000001,l=32$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g", "roles": []}}"#,
            "`a` has a password_hash beyond the accepted costs: pbkdf2-sha256 at i=10000000 at most",
        ),
        (
            r#"{"a": {"password_hash": "$pbkdf2-sha256$i=1000", "roles": []}}"#,
            "`a` has a password_hash of no accepted form",
        ),
        (
            r#"{"a": {"password": "x", "roles": ["root"]}}"#,
            "accepted: admin, user",
        ),
        (r#"{"a": {"password": "x", "rolls": []}}"#, "rolls"),
    ];
    for (text, expected) in table {
        write(file.path(), text);
        let line = Lab::open(with_file(file.path())).unwrap_err().to_string();
        let path = file.path().display().to_string();
        assert!(
            line.contains(expected) && line.contains(&path) && line.contains("password_hash"),
            "{text}: {line}"
        );
        assert!(!line.contains('\n'), "{line}");
    }
    let line = Lab::open(with_file(Path::new("/nowhere/users.json")))
        .unwrap_err()
        .to_string();
    assert!(line.contains("/nowhere/users.json"), "{line}");
}

#[tokio::test]
async fn secrets_and_passwords_are_absent_from_debug_output() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        file.path(),
        r#"{"john": {"password": "password123", "roles": ["user"]}}"#,
    );
    let secret = tempfile::NamedTempFile::new().unwrap();
    write(secret.path(), "0123456789abcdef0123456789abcdef");
    let secret_file = authlab_server::SecretFrom::File(secret.path().to_owned());
    let server = Served::start(Design {
        secret_file,
        ..with_file(file.path())
    })
    .await;
    let token = server.token("john").await;
    let sender = authlab_server::Sender {
        user_agent: b"x",
        ip: [127, 0, 0, 1].into(),
        proof: None,
    };
    let issued = server
        .lab
        .login("john", "password123", &sender)
        .await
        .unwrap();
    let presented = authlab_server::Presented::Bearer(&token);
    let in_memory = Lab::open(quick()).unwrap();
    let shown = format!("{:?} {in_memory:?} {issued:?} {presented:?}", server.lab);
    for secret in [
        "0123456789abcdef",
        "password123",
        token.as_str(),
        issued.access_token.as_str(),
        // The stored form, and the unsalted digest that a plain password is recognized by, however it is printed.
        "$sha256$",
        "239, 146, 183, 120",
        "ef92b778",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn with_file(path: &Path) -> Design {
    Design {
        users: UsersFrom::File(path.to_owned()),
        ..quick()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

const PBKDF2: &str =
    "$pbkdf2-sha256$i=5000,l=32$c2FsdHNhbHRzYWx0c2FsdA$tIjqaOU+pdWZQPJwVSOJb+JC7V0UkuP3swzMAwX2bcc";

/// Made by passlib (scrypt) and by hashlib in the form of PHC (PBKDF2).
#[tokio::test]
async fn hashes_that_others_made_are_verified() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        file.path(),
        r#"{
            "scrypted": {"password_hash": "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "roles": []},
            "stretched": {"password_hash": "PBKDF2", "roles": []}
        }"#
        .replace("PBKDF2", PBKDF2)
        .as_str(),
    );
    let client = Served::start(with_file(file.path())).await.client();
    for name in ["scrypted", "stretched"] {
        let right = client.login(name, "password").await;
        assert_eq!(right.status, 200, "{name}: {}", right.text);
        assert_eq!(client.login(name, "passwort").await.status, 401, "{name}");
    }
}

#[test]
fn parameters_that_a_hash_does_not_take_are_said_in_a_line() {
    for (password, params, said) in [
        (
            PasswordKind::Argon2id,
            "m=262145",
            "m=262145 of argon2id; accepted: 8 to 262144",
        ),
        (
            PasswordKind::Argon2id,
            "m=8,p=2",
            "8 KiB or more for each of p=2",
        ),
        (
            PasswordKind::Argon2id,
            "ln=4",
            "argon2id has no parameter ln; it has m, t, p",
        ),
        (
            PasswordKind::Scrypt,
            "ln=19",
            "ln=19,r=8 of scrypt is 512 MiB; accepted: at most 256",
        ),
        (
            PasswordKind::Pbkdf2,
            "i=999",
            "i=999 of pbkdf2; accepted: 1000 to 10000000",
        ),
    ] {
        let design = Design {
            password,
            password_params: params.parse().unwrap(),
            ..Design::default()
        };
        let line = Lab::open(design).unwrap_err().to_string();
        assert!(line.starts_with("--password-params: "), "{line}");
        assert!(line.contains(said), "{line}");
    }
}
