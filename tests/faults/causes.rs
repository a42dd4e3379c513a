//! A client that gets 503 is told only to come back: the log says why.

use std::path::Path;

use rustix::process::Signal;

use crate::shutdown::{end_within, send};
use crate::stand::Server;

/// The log of a server that answers this sign-in with 503, once `spoil` has changed what it reads.
fn log_of_503(flags: &[&str], (name, password): (&str, &str), spoil: impl FnOnce()) -> String {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut server = Server::start_with(flags, writer.into());
    spoil();
    let body = serde_json::json!({ "username": name, "password": password }).to_string();
    let head = "POST /token HTTP/1.1\r\ncontent-type: application/json";
    let (status, text) = server.ask(head, &body).unwrap();
    assert_eq!(status, 503, "{text}");
    send(&server.child, Signal::TERM);
    assert_eq!(end_within(&mut server.child), Some(0));
    std::io::read_to_string(reader).unwrap()
}

fn replace(file: &Path, text: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, file).unwrap();
}

#[test]
fn a_password_in_a_users_file_that_bcrypt_cannot_store_is_named_without_it() {
    let place = tempfile::tempdir().unwrap();
    for password in ["x".repeat(73), "secret\0secret".to_owned()] {
        let file = place.path().join("users.json");
        std::fs::write(&file, r#"{"john":{"password":"password123"}}"#).unwrap();
        let users = format!("file:{}", file.display());
        let flags = [
            "--password",
            "bcrypt",
            "--bcrypt-cost",
            "4",
            "--users",
            &users,
        ];
        let log = log_of_503(&flags, ("john", &password), || {
            let text = serde_json::json!({ "john": { "password": password } });
            replace(&file, &text.to_string());
        });
        let told = "the password of `john` cannot be stored: bcrypt takes at most 72 bytes";
        assert!(log.contains(told), "{log}");
        assert!(!log.contains(&password), "{log}");
    }
}

#[test]
fn a_row_of_a_database_that_holds_no_text_is_named_with_its_column() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("users.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE accounts (name PRIMARY KEY, stored, roles, email, bio);
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let users = format!("sqlite:{}", file.display());
    let flags = ["--password", "sha256", "--users", &users];
    let log = log_of_503(&flags, ("john", "password123"), || {
        let sql = "INSERT INTO accounts VALUES ('john', x'736563726574', 'user', '', '')";
        connection.execute(sql, []).unwrap();
    });
    let told = "the account `john` has a blob in the column `stored`, not text";
    assert!(log.contains(told), "{log}");
}
