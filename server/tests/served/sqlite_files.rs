//! The file of a users database: its path is a path, and what cannot be read in it is named.

use std::path::{Path, PathBuf};

use authlab_server::{Design, Lab, UsersFrom};

use crate::harness::{Served, quick};

fn design(path: PathBuf) -> Design {
    Design {
        users: UsersFrom::Sqlite(path),
        ..quick()
    }
}

/// SQLite takes some texts for databases in memory or for URIs. Here each is the path of a file, wherever it is written.
#[tokio::test]
async fn a_path_that_sqlite_gives_another_meaning_is_the_path_of_a_file() {
    let place = tempfile::tempdir_in(".").unwrap();
    let folder = place.path().file_name().unwrap();
    let inside = Path::new(folder);
    for name in [":memory:", "file:x.db", "file:y.db?mode=memory", ":z"] {
        // Only the beginning of the text counts to SQLite, so the process's own folder is used.
        let typed = format!("sqlite:{name}{}", folder.display());
        let users: UsersFrom = typed.parse().unwrap();
        let UsersFrom::Sqlite(path) = &users else {
            panic!("{users:?}");
        };
        let path = path.clone();
        let beside = [path.clone(), inside.join("nothing")];
        let server = Served::start(design(path.clone())).await;
        let answer = server.client().login("john", "password123").await;
        let is_file = path.is_file();
        for path in &beside {
            for suffix in ["", "-wal", "-shm"] {
                let mut path = path.clone().into_os_string();
                path.push(suffix);
                let _ = std::fs::remove_file(path);
            }
        }
        assert_eq!(answer.status, 200, "{typed}: {}", answer.text);
        assert!(is_file, "{typed}");
    }
}

#[test]
fn a_row_that_holds_no_text_is_named_with_its_column_and_without_its_value() {
    const TABLE: &str = "CREATE TABLE accounts (name PRIMARY KEY, stored, roles, email, bio);
        PRAGMA user_version = 1;
        INSERT INTO accounts VALUES ('jane', '$sha256$c2FsdA$ZGlnZXN0', 'user', '', '');";
    for (values, told) in [
        (
            "'mary', NULL, 'user', '', ''",
            "the account `mary` has NULL in the column `stored`",
        ),
        (
            "'mary', x'736563726574', 'user', '', ''",
            "the account `mary` has a blob in the column `stored`",
        ),
        (
            "'mary', 7, 'user', '', ''",
            "the account `mary` has a number in the column `stored`",
        ),
        (
            "'mary', 'x', NULL, '', ''",
            "the account `mary` has NULL in the column `roles`",
        ),
        (
            "'mary', 'x', 'user', NULL, ''",
            "the account `mary` has NULL in the column `email`",
        ),
        (
            "'mary', 'x', 'user', '', CAST(x'ff736563726574' AS TEXT)",
            "the account `mary` has text that is not UTF-8 in the column `bio`",
        ),
        (
            "x'736563726574', 'x', 'user', '', ''",
            "row 2 of its accounts has a blob in the column `name`",
        ),
        (
            "'jos' || char(233), NULL, 'user', '', ''",
            r"the account `jos\u{e9}` has NULL in the column `stored`",
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("users.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(TABLE).unwrap();
        let sql = format!("INSERT INTO accounts VALUES ({values})");
        connection.execute(&sql, []).unwrap();
        drop(connection);
        let error = Lab::open(design(path.clone())).unwrap_err().to_string();
        assert!(error.contains(told), "{values}: {error}");
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
        for secret in ["736563726574", "secret"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}
