//! Accounts of a database whose names have no normal form: administration means the account of exactly the name that was
//! sent, and what the warning at start advises works.

use authlab_server::{Design, Lab};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::databases::Database;
use crate::harness::{Served, quick};

const NFC: &str = "jos\u{e9}";
const NFD: &str = "jose\u{301}";

fn design(database: &Database) -> Design {
    Design {
        users: database.users(),
        ..quick()
    }
}

fn add(database: &Database, names: &[&str]) {
    drop(Lab::open(design(database)).unwrap());
    for name in names {
        database.copy_of_jane(name);
    }
}

fn row(database: &Database, name: &str) -> Option<String> {
    database.column("roles", name)
}

#[tokio::test]
async fn administration_changes_the_account_of_exactly_the_name_first() {
    for database in Database::each() {
        exactly(&database).await;
    }
}

async fn exactly(path: &Database) {
    add(path, &[NFC, NFD]);
    let server = Served::start(design(path)).await;
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
    assert_eq!(row(path, NFD).as_deref(), Some("admin"));
    assert_eq!(row(path, NFC).as_deref(), Some("user"));
    assert_eq!(client.status("/items/", &token).await, 200);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 200);
    assert_eq!((row(path, NFD), row(path, NFC).is_some()), (None, true));
    // The account that signs in keeps its token.
    assert_eq!(client.status("/items/", &token).await, 200);
    // Where there is none of exactly that name, another spelling of a name means the account.
    assert_eq!(ask("POST", roles, admin).await, 200);
    assert_eq!(row(path, NFC).as_deref(), Some("admin"));
    assert_eq!(client.status("/items/", &token).await, 401);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 200);
    assert_eq!(row(path, NFC), None);
    assert_eq!(ask("DELETE", "/admin/accounts/jose%CC%81", "").await, 404);
}

#[test]
fn what_the_warning_advises_removes_an_account_of_any_name() {
    for database in Database::each() {
        warned(&database);
    }
}

fn warned(database: &Database) {
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
        add(database, &[name]);
        let notes = Lab::open(design(database)).unwrap().notes();
        if name == long || name == "it's" {
            assert_eq!(notes, [""; 0], "{name:?}");
            database.empty();
            continue;
        }
        let [note] = notes.as_slice() else {
            panic!("{name:?}: {notes:?}");
        };
        assert!(!note.contains('\n'), "{note:?}");
        let statement = note.split("by DELETE FROM").nth(1).unwrap();
        let statement = format!("DELETE FROM{}", statement.split(';').next().unwrap());
        assert!(row(database, name).is_some(), "{note}");
        database.run(&statement);
        assert_eq!(row(database, name), None, "{note}");
        assert_eq!(Lab::open(design(database)).unwrap().notes(), [""; 0]);
        database.empty();
    }
    // A name that is too long for a message is cut in it, and no statement is made of it.
    add(database, &[&"x".repeat(100_000)]);
    let notes = Lab::open(design(database)).unwrap().notes();
    assert!(notes[0].len() < 1_000, "{}", notes[0].len());
    assert!(
        notes[0].contains("remove them in the database"),
        "{notes:?}"
    );
}
