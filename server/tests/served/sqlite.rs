//! Accounts in an SQLite database: what outlives the server.

use std::path::Path;

use authlab_server::{CredentialKind, Design, Lab, PasswordKind, UsersFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::harness::{Client, Served, quick};

fn stored(path: &Path) -> Design {
    Design {
        users: UsersFrom::Sqlite(path.to_owned()),
        credential: CredentialKind::Session,
        insecure_cookies: true,
        ..quick()
    }
}

async fn sign_up(client: &Client, name: &str, password: &str) -> u16 {
    let body = serde_json::json!({ "username": name, "password": password });
    let request = client
        .request("POST", "/signup")
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await.status.as_u16()
}

async fn login(client: &Client, name: &str, password: &str) -> u16 {
    let pair = STANDARD.encode(format!("{name}:{password}"));
    let request = client
        .request("POST", "/login")
        .header(AUTHORIZATION, format!("Basic {pair}"));
    let answer = client.send(request, "").await;
    if answer.status == 503 {
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    answer.status.as_u16()
}

fn kept(path: &Path, name: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT stored FROM accounts WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn accounts_outlive_the_server_and_are_made_once() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.db");
    for start in 0..2 {
        let server = Served::start(stored(&path)).await;
        let client = server.client();
        assert_eq!(login(&client, "john", "password123").await, 200);
        assert_eq!(login(&client, "john", "wrong").await, 401);
        let expected = if start == 0 { (401, 201) } else { (200, 409) };
        assert_eq!(
            login(&client, "grace", "hopper's own").await,
            expected.0,
            "{start}"
        );
        assert_eq!(
            sign_up(&client, "grace", "hopper's own").await,
            expected.1,
            "{start}"
        );
        assert_eq!(sign_up(&client, "john", "password123").await, 409);
    }
    let kept = kept(&path, "grace");
    assert!(kept.starts_with("$sha256$"), "{kept}");
}

#[tokio::test]
async fn a_password_stored_in_an_older_way_is_stored_anew_at_a_sign_in_that_succeeds() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.db");
    let ways = [
        (PasswordKind::Md5, 4, "$md5$"),
        (PasswordKind::Bcrypt, 4, "$2b$04$"),
        (PasswordKind::Bcrypt, 5, "$2b$05$"),
        (PasswordKind::Argon2id, 4, "$argon2id$"),
        // Never to a weaker one: a measurement leaves what it finds.
        (PasswordKind::Sha256, 4, "$argon2id$"),
        (PasswordKind::Bcrypt, 6, "$2b$06$"),
        (PasswordKind::Bcrypt, 4, "$2b$06$"),
        (PasswordKind::Blake3, 4, "$2b$06$"),
    ];
    for (password, bcrypt_cost, prefix) in ways {
        let server = Served::start(Design {
            password,
            bcrypt_cost,
            ..stored(&path)
        })
        .await;
        let client = server.client();
        let before = std::fs::metadata(&path)
            .is_ok()
            .then(|| kept(&path, "jane"));
        assert_eq!(login(&client, "jane", "wrong").await, 401);
        assert_eq!(before, Some(kept(&path, "jane")));
        for _ in 0..2 {
            assert_eq!(login(&client, "jane", "password456").await, 200);
            let now = kept(&path, "jane");
            assert!(now.starts_with(prefix), "{now}");
        }
    }
}

#[tokio::test]
async fn while_the_database_is_away_nobody_signs_in_and_afterwards_all_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let (path, aside) = (place.path().join("users.db"), place.path().join("aside.db"));
    let server = Served::start(stored(&path)).await;
    let client = server.client();
    assert_eq!(login(&client, "john", "password123").await, 200);
    std::fs::rename(&path, &aside).unwrap();
    assert_eq!(login(&client, "john", "password123").await, 503);
    assert_eq!(sign_up(&client, "grace", "hopper's own").await, 503);
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(login(&client, "john", "password123").await, 200);
    assert_eq!(sign_up(&client, "grace", "hopper's own").await, 201);

    // Somebody else writes and does not end: who only reads goes on, who writes is told to come back.
    let stronger = Served::start(Design {
        password: PasswordKind::Bcrypt,
        bcrypt_cost: 4,
        ..stored(&path)
    })
    .await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // What could not be stored anew now is so at the next sign-in: this one goes on.
    assert_eq!(login(&stronger.client(), "john", "password123").await, 200);
    assert!(kept(&path, "john").starts_with("$sha256$"));
    assert_eq!(login(&client, "john", "password123").await, 200);
    assert_eq!(sign_up(&client, "ada", "byron's own").await, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(login(&stronger.client(), "john", "password123").await, 200);
    assert!(kept(&path, "john").starts_with("$2b$04$"));
    assert_eq!(sign_up(&client, "ada", "byron's own").await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sign_ups_that_meet_one_has_the_name() {
    let place = tempfile::tempdir().unwrap();
    let server = Served::start(stored(&place.path().join("users.db"))).await;
    let signing_up: Vec<_> = (0..20)
        .map(|number| {
            let client = server.client();
            tokio::spawn(
                async move { sign_up(&client, "grace", &format!("password {number}")).await },
            )
        })
        .collect();
    let mut made = 0;
    for status in signing_up {
        match status.await.unwrap() {
            201 => made += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!(made, 1);
}

#[test]
fn what_is_no_database_is_said_in_a_line() {
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, but long enough to have its header read\n".repeat(9),
    )
    .unwrap();
    for path in [
        text,
        place.path().to_owned(),
        place.path().join("no/such/users.db"),
    ] {
        let error = Lab::open(stored(&path)).unwrap_err().to_string();
        assert!(error.starts_with("users database "), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
