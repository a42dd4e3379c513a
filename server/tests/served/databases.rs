//! Accounts in a database, of each kind: the same tests for all of them.

use authlab_server::{CredentialKind, Design, PasswordKind, UsersFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::harness::{Client, Served, quick};
use crate::postgresql::PostgreSql;

/// A database for accounts.
pub(crate) enum Database {
    Sqlite(tempfile::TempDir),
    Postgres(PostgreSql),
}

impl Database {
    /// One of each kind that there is.
    pub(crate) fn each() -> Vec<Self> {
        let sqlite = Self::Sqlite(tempfile::tempdir().unwrap());
        let mut all = vec![sqlite];
        all.extend(PostgreSql::start(&[]).map(Self::Postgres));
        all
    }

    pub(crate) fn users(&self) -> UsersFrom {
        match self {
            Self::Sqlite(place) => UsersFrom::Sqlite(place.path().join("users.db")),
            Self::Postgres(server) => server.url("postgres").parse().unwrap(),
        }
    }

    /// Forgets everything.
    pub(crate) fn empty(&self) {
        match self {
            Self::Sqlite(place) => {
                for suffix in ["", "-wal", "-shm"] {
                    let path = place.path().join(format!("users.db{suffix}"));
                    let _ = std::fs::remove_file(path);
                }
            }
            Self::Postgres(server) => {
                server.sql("postgres", "DROP TABLE authlab_accounts, authlab_schema");
            }
        }
    }

    /// A column of an account.
    pub(crate) fn column(&self, column: &str, name: &str) -> Option<String> {
        match self {
            Self::Sqlite(_) => {
                let sql = format!("SELECT {column} FROM accounts WHERE name = ?1");
                let row = self.sqlite().query_row(&sql, [name], |row| row.get(0));
                row.ok()
            }
            Self::Postgres(server) => {
                let sql = format!(
                    "SELECT {column} FROM authlab_accounts WHERE name = {}",
                    quoted(name)
                );
                Some(server.sql("postgres", &sql)).filter(|row| !row.is_empty())
            }
        }
    }

    /// Jane's account once more, by another name.
    pub(crate) fn copy_of_jane(&self, name: &str) {
        let table = self.table();
        self.run(&format!(
            "INSERT INTO {table} (name, stored, roles) SELECT {}, stored, roles FROM {table} WHERE name = 'jane'",
            quoted(name)
        ));
    }

    pub(crate) fn run(&self, statement: &str) {
        match self {
            Self::Sqlite(_) => self.sqlite().execute_batch(statement).unwrap(),
            Self::Postgres(server) => drop(server.sql("postgres", statement)),
        }
    }

    fn table(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "accounts",
            Self::Postgres(_) => "authlab_accounts",
        }
    }

    fn sqlite(&self) -> rusqlite::Connection {
        let UsersFrom::Sqlite(path) = self.users() else {
            panic!("not a file");
        };
        rusqlite::Connection::open(path).unwrap()
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn stored(users: UsersFrom) -> Design {
    Design {
        users,
        credential: CredentialKind::Session,
        insecure_cookies: true,
        ..quick()
    }
}

pub(crate) async fn sign_up(client: &Client, name: &str, password: &str) -> u16 {
    let body = serde_json::json!({ "username": name, "password": password });
    let request = client
        .request("POST", "/signup")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(request, body.to_string()).await;
    if answer.status == 503 {
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    answer.status.as_u16()
}

pub(crate) async fn login(client: &Client, name: &str, password: &str) -> u16 {
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

#[tokio::test]
async fn accounts_outlive_the_server_and_are_made_once() {
    for database in Database::each() {
        for start in 0..2 {
            let server = Served::start(stored(database.users())).await;
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
        let kept = database.column("stored", "grace").unwrap();
        assert!(kept.starts_with("$sha256$"), "{kept}");
    }
}

#[tokio::test]
async fn a_password_stored_in_an_older_way_is_stored_anew_at_a_sign_in_that_succeeds() {
    let ways = [
        (PasswordKind::Md5, 4, "", "$md5$"),
        (PasswordKind::Bcrypt, 4, "", "$2b$04$"),
        (PasswordKind::Bcrypt, 5, "", "$2b$05$"),
        (PasswordKind::Argon2id, 4, "", "$argon2id$"),
        // Never to a weaker one: a measurement leaves what it finds.
        (
            PasswordKind::Sha256,
            4,
            "",
            "$argon2id$v=19$m=19456,t=2,p=1$",
        ),
        (
            PasswordKind::Argon2id,
            4,
            "m=8192,t=3",
            "$argon2id$v=19$m=19456,t=2,p=1$",
        ),
        (
            PasswordKind::Argon2id,
            4,
            "t=3",
            "$argon2id$v=19$m=19456,t=3,p=1$",
        ),
        (PasswordKind::Scrypt, 4, "ln=4", "$scrypt$ln=4,r=8,p=1$"),
        (PasswordKind::Scrypt, 4, "ln=5,r=4", "$scrypt$ln=4,r=8,p=1$"),
        (PasswordKind::Scrypt, 4, "ln=5", "$scrypt$ln=5,r=8,p=1$"),
        (
            PasswordKind::Pbkdf2,
            4,
            "i=1000",
            "$pbkdf2-sha256$i=1000,l=32$",
        ),
        (
            PasswordKind::Pbkdf2,
            4,
            "i=2000",
            "$pbkdf2-sha256$i=2000,l=32$",
        ),
        (
            PasswordKind::Pbkdf2,
            4,
            "i=1500",
            "$pbkdf2-sha256$i=2000,l=32$",
        ),
        (PasswordKind::Md5, 4, "", "$pbkdf2-sha256$i=2000,l=32$"),
        (PasswordKind::Bcrypt, 6, "", "$2b$06$"),
        (PasswordKind::Bcrypt, 4, "", "$2b$06$"),
        (PasswordKind::Blake3, 4, "", "$2b$06$"),
    ];
    for database in Database::each() {
        for (start, (password, bcrypt_cost, params, prefix)) in ways.into_iter().enumerate() {
            let kept = || database.column("stored", "jane");
            let before = (start > 0).then(kept).flatten();
            let server = Served::start(Design {
                password,
                bcrypt_cost,
                password_params: params.parse().unwrap_or_default(),
                ..stored(database.users())
            })
            .await;
            let client = server.client();
            let before = before.or_else(kept);
            assert_eq!(login(&client, "jane", "wrong").await, 401);
            assert_eq!(before, kept());
            for _ in 0..2 {
                assert_eq!(login(&client, "jane", "password456").await, 200);
                let now = kept().unwrap();
                assert!(now.starts_with(prefix), "{now}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sign_ups_that_meet_one_has_the_name() {
    for database in Database::each() {
        let server = Served::start(stored(database.users())).await;
        let signing_up: Vec<_> = (0..20)
            .map(|number| {
                let client = server.client();
                tokio::spawn(async move {
                    sign_up(&client, "grace", &format!("password {number}")).await
                })
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
}

#[tokio::test]
async fn a_name_that_nobody_can_have_is_refused_as_an_unknown_one_is() {
    for database in Database::each() {
        let server = Served::start(Design {
            users: database.users(),
            ..quick()
        })
        .await;
        let client = server.client();
        let long = "x".repeat(10_000);
        for name in ["nobody", "jo\0hn", "\0", "", "it's\"", &long] {
            let answer = client.login(name, "password123").await;
            assert_eq!(answer.status, 401, "{name:?}: {}", answer.text);
        }
        assert_eq!(client.login("john", "password123").await.status, 200);
    }
}
