//! One form of a name: two accounts never look the same because of how a name was typed. And how long a password is.

use authlab_server::{CredentialKind, Design, Lab, UsersFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::databases::Database;
use crate::harness::{Answer, Client, Served, quick};

fn by_basic(users: UsersFrom) -> Design {
    Design {
        credential: CredentialKind::Basic,
        users,
        ..quick()
    }
}

async fn post(client: &Client, path: &str, body: &Value, authorization: &str) -> Answer {
    let request = client
        .request("POST", path)
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, authorization);
    client.send(request, body.to_string()).await
}

async fn sign_up(client: &Client, name: &str, password: &str) -> Answer {
    let body = json!({ "username": name, "password": password });
    post(client, "/signup", &body, "").await
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

async fn account(client: &Client, name: &str, password: &str) -> Answer {
    let request = client
        .request("GET", "/user")
        .header(AUTHORIZATION, basic(name, password));
    client.send(request, "").await
}

/// One name, as several keyboards and systems type it.
const SPELLINGS: [&str; 3] = ["jos\u{e9}1", "jose\u{301}1", "jos\u{e9}\u{ff11}"];

#[tokio::test]
async fn spellings_of_a_name_are_one_account_wherever_it_is_named() {
    let databases = Database::each();
    let kept = databases.iter().map(Database::users);
    for users in [UsersFrom::Memory].into_iter().chain(kept) {
        let server = Served::start(by_basic(users)).await;
        let client = server.client();
        let made = sign_up(&client, SPELLINGS[1], "a password").await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.body["username"], SPELLINGS[0]);
        for name in SPELLINGS {
            assert_eq!(sign_up(&client, name, "a password").await.status, 409);
            let mine = account(&client, name, "a password").await;
            assert_eq!(mine.status, 200, "{}", mine.text);
            assert_eq!(mine.body["username"], SPELLINGS[0]);
        }
        // Administrators and the account itself name it in any spelling.
        let admin = basic("john", "password123");
        let encoded = "jose%CC%811";
        let body = json!({ "roles": ["admin"] });
        let path = format!("/admin/accounts/{encoded}/roles");
        assert_eq!(post(&client, &path, &body, &admin).await.status, 200);
        let mine = account(&client, SPELLINGS[0], "a password").await;
        assert_eq!(mine.body["roles"], json!(["admin"]));
        let body = json!({ "password": "a password", "new_password": "another one" });
        let by = basic(SPELLINGS[2], "a password");
        assert_eq!(post(&client, "/password", &body, &by).await.status, 200);
        assert_eq!(
            account(&client, SPELLINGS[0], "another one").await.status,
            200
        );
        let request = client
            .request("DELETE", &format!("/admin/accounts/{encoded}"))
            .header(AUTHORIZATION, &admin);
        assert_eq!(client.send(request, "").await.status, 200);
        assert_eq!(
            account(&client, SPELLINGS[0], "another one").await.status,
            401
        );
    }
}

#[tokio::test]
async fn what_looks_like_a_taken_name_is_no_name() {
    let server = Served::start(by_basic(UsersFrom::Memory)).await;
    let client = server.client();
    for name in [
        "jo\u{200b}hn",
        "john\u{200d}",
        "\u{feff}john",
        "jo\u{ad}hn",
        "jo\u{2060}hn",
        "jo\u{202e}hn",
        "john\u{fe0f}",
        "john\u{3164}",
        "john\u{a0}",
        "john\u{e000}",
        "joh\u{378}n",
    ] {
        let refused = sign_up(&client, name, "a password").await;
        assert_eq!(
            refused.status,
            422,
            "{}: {}",
            name.escape_unicode(),
            refused.text
        );
        assert_eq!(account(&client, name, "password123").await.status, 401);
    }
    // Full-width letters are the ordinary ones.
    let wide = "\u{ff4a}\u{ff4f}\u{ff48}\u{ff4e}";
    assert_eq!(sign_up(&client, wide, "a password").await.status, 409);
    assert_eq!(account(&client, wide, "password123").await.status, 200);
}

#[tokio::test]
async fn accounts_of_an_older_database_whose_names_have_another_form_are_told_of_and_can_be_removed()
 {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("users.db");
    let design = || by_basic(UsersFrom::Sqlite(path.clone()));
    assert_eq!(Lab::open(design()).unwrap().notes(), [""; 0]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    for name in ["jo\u{200b}hn", "jose\u{301}"] {
        let sql = "INSERT INTO accounts (name, stored, roles) SELECT ?1, stored, 'admin' FROM accounts WHERE name = 'john'";
        connection.execute(sql, [name]).unwrap();
    }
    drop(connection);
    let server = Served::start(design()).await;
    let notes = server.lab.notes();
    let [note] = notes.as_slice() else {
        panic!("{notes:?}");
    };
    let told =
        r"2 names are not in their normal form (RFC 8265), the first of them `jose\u{301}`: nobody";
    assert!(note.contains(told), "{note}");
    let client = server.client();
    for name in ["jo\u{200b}hn", "jose\u{301}", "jos\u{e9}"] {
        assert_eq!(account(&client, name, "password123").await.status, 401);
    }
    let admin = basic("john", "password123");
    for encoded in ["jo%E2%80%8Bhn", "jose%CC%81"] {
        for status in [200, 404] {
            let request = client
                .request("DELETE", &format!("/admin/accounts/{encoded}"))
                .header(AUTHORIZATION, &admin);
            assert_eq!(client.send(request, "").await.status, status, "{encoded}");
        }
    }
    assert_eq!(account(&client, "john", "password123").await.status, 200);
    assert_eq!(Lab::open(design()).unwrap().notes(), [""; 0]);
}

#[tokio::test]
async fn the_least_length_of_a_password_is_a_setting_that_the_refusal_names() {
    for (least, short, long_enough) in [
        (8, "1234567", "12345678"),
        (6, "12345", "123456"),
        (1, "", "1"),
    ] {
        let server = Served::start(Design {
            min_password_bytes: least,
            ..by_basic(UsersFrom::Memory)
        })
        .await;
        let client = server.client();
        let expected = format!("A password has {least} to 72 bytes, none of them NUL");
        let too_long = "x".repeat(73);
        for password in [short, too_long.as_str(), "long enough\0"] {
            let refused = sign_up(&client, "mary", password).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            assert_eq!(refused.body["error_description"], *expected);
        }
        assert_eq!(sign_up(&client, "mary", long_enough).await.status, 201);
        let by = basic("mary", long_enough);
        let body = json!({ "password": long_enough, "new_password": short });
        let refused = post(&client, "/password", &body, &by).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.body["error_description"], *expected);
        assert_eq!(account(&client, "mary", long_enough).await.status, 200);
    }
}
