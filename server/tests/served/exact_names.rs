//! Accounts of a database whose names have no normal form: administration means the account of exactly the name that was
//! sent, and what the warning at start advises works.

use authlab_server::{Design, Lab, UsersFrom};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::harness::{Served, quick};

const NFC: &str = "jos\u{e9}";
const NFD: &str = "jose\u{301}";

fn design(path: &std::path::Path) -> Design {
    Design {
        users: UsersFrom::Sqlite(path.to_owned()),
        ..quick()
    }
}

fn add(path: &std::path::Path, names: &[&str]) {
    drop(Lab::open(design(path)).unwrap());
    let connection = rusqlite::Connection::open(path).unwrap();
    for name in names {
        let sql = "INSERT INTO accounts (name, stored, roles) SELECT ?1, stored, roles FROM accounts WHERE name = 'jane'";
        connection.execute(sql, [name]).unwrap();
    }
}

fn row(path: &std::path::Path, name: &str) -> Option<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT roles FROM accounts WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).ok()
}

#[tokio::test]
async fn administration_changes_the_account_of_exactly_the_name_first() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.db");
    add(&path, &[NFC, NFD]);
    let server = Served::start(design(&path)).await;
    let (client, john) = (server.client(), server.token("john").await);
    let ask = async |method: &str, path: &str, body: &str| {
        let mut request = client
            .request(method, path)
            .header(AUTHORIZATION, format!("Bearer {john}"));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        client.send(request, body.to_owned()).await.status.as_u16()
    };
    let signed = client.login(NFC, "password456").await;
    let token = signed.body["access_token"].as_str().unwrap().to_owned();
    let admin = r#"{"roles":["admin"]}"#;
    let roles = "/admin/accounts/jose%CC%81/roles";
    assert_eq!(ask("POST", roles, admin).await, 200);
    assert_eq!(row(&path, NFD).as_deref(), Some("admin"));
    assert_eq!(row(&path, NFC).as_deref(), Some("user"));
    assert_eq!(client.status("/items/", &token).await, 200);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 200);
    assert_eq!((row(&path, NFD), row(&path, NFC).is_some()), (None, true));
    // The account that signs in keeps its token.
    assert_eq!(client.status("/items/", &token).await, 200);
    // Where there is none of exactly that name, another spelling of a name means the account.
    assert_eq!(ask("POST", roles, admin).await, 200);
    assert_eq!(row(&path, NFC).as_deref(), Some("admin"));
    assert_eq!(client.status("/items/", &token).await, 401);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 200);
    assert_eq!(row(&path, NFC), None);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 404);
}

#[test]
fn what_the_warning_advises_removes_an_account_of_any_name() {
    let long = "x".repeat(64);
    for name in [
        "jo/hn",
        "a;b",
        "x%y",
        "..",
        ".",
        "",
        "a\\b",
        "a?b",
        "a#b",
        "it's",
        "a:b",
        " john",
        "a\nb",
        NFD,
        &long[..64],
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("users.db");
        add(&path, &[name]);
        let notes = Lab::open(design(&path)).unwrap().notes();
        if name == long || name == "it's" {
            assert_eq!(notes, [""; 0], "{name:?}");
            continue;
        }
        let [note] = notes.as_slice() else {
            panic!("{name:?}: {notes:?}");
        };
        assert!(!note.contains('\n'), "{note:?}");
        let statement = note.split("by DELETE FROM").nth(1).unwrap();
        let statement = format!("DELETE FROM{}", statement.split(';').next().unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(connection.execute(&statement, []).unwrap(), 1, "{note}");
        assert_eq!(row(&path, name), None, "{note}");
        assert_eq!(Lab::open(design(&path)).unwrap().notes(), [""; 0]);
    }
    // A name that is too long for a message is cut in it, and no statement is made of it.
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.db");
    add(&path, &[&"x".repeat(100_000)]);
    let notes = Lab::open(design(&path)).unwrap().notes();
    assert!(notes[0].len() < 1_000, "{}", notes[0].len());
    assert!(
        notes[0].contains("remove them in the database"),
        "{notes:?}"
    );
}
