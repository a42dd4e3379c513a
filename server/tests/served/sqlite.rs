//! Accounts in an SQLite database: what is so of its file. What is so of every database is in `databases`.

use std::path::Path;

use authlab_server::{Design, Lab, PasswordKind, UsersFrom};

use crate::databases::{login, sign_up};
use crate::harness::Served;

fn stored(path: &Path) -> Design {
    crate::databases::stored(UsersFrom::Sqlite(path.to_owned()))
}

fn kept(path: &Path, name: &str) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT stored FROM accounts WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).unwrap()
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
