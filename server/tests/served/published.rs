//! The two users files of the published designs, as their readers bring them, and the walk of each design with them.

use std::path::{Path, PathBuf};

use authlab_server::{Design, Lab, PasswordKind, Preset, Setup, UsersFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use serde_json::{Value, json};

use crate::harness::{Answer, BROWSER, Client, ELSEWHERE, Served};

/// With a role, as the designs with tokens publish it.
const ROLES: &str = r#"{
    "john": {"password": "password123", "role": "admin"},
    "jane": {"password": "password456", "role": "user"}
}"#;

/// With a document, as the designs with sessions publish it.
const DOCUMENTS: &str = r#"{
    "user123": {
        "username": "user123",
        "email": "user123@example.com",
        "password": "1234",
        "bio": "Signs in from many devices"
    },
    "user124": {
        "username": "user124",
        "email": "user124@example.com",
        "password": "12345",
        "bio": ""
    }
}"#;

/// A users file in a folder of its own.
struct File {
    _place: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn of(text: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("users.json");
        std::fs::write(&path, text).unwrap();
        Self {
            _place: place,
            path,
        }
    }
}

/// A preset with the file, and nothing else but a cheap hash.
fn preset(preset: Preset, file: &Path) -> Design {
    let setup = Setup {
        preset: Some(preset),
        users: Some(UsersFrom::File(file.to_owned())),
        password: Some(PasswordKind::Sha256),
        ..Setup::default()
    };
    let mut design = setup.resolve().unwrap();
    design.bcrypt_cost = 4;
    design
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    let request = client
        .request("POST", path)
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await
}

async fn token(client: &Client, name: &str, password: &str) -> String {
    let answer = client.login(name, password).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    text(&answer, "access_token")
}

fn text(answer: &Answer, key: &str) -> String {
    answer.body[key].as_str().unwrap().to_owned()
}

/// What both files give an account by a token: an administrator and two users.
async fn roles_walk(client: &Client, admin: &str, user: &str) {
    for _ in 0..2 {
        let items = client.get("/items/", admin).await;
        assert_eq!(items.text, r#"{"items":["Admin Items"]}"#);
        let items = client.get("/items/", user).await;
        assert_eq!(items.text, r#"{"items":["User Items"]}"#);
        assert_eq!(client.ask("POST", "/items/", admin).await.status, 201);
        let refused = client.ask("POST", "/items/", user).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.body["error_description"], "Insufficient privileges");
    }
    let account = client.get("/user/", admin).await;
    assert_eq!(account.body["roles"], json!(["admin"]));
    let account = client.get("/user/", user).await;
    assert_eq!(account.body["roles"], json!(["user"]));
}

async fn token_walk(design: Preset) {
    let file = File::of(ROLES);
    let server = Served::start(preset(design, &file.path)).await;
    let client = server.client();
    assert_eq!(client.login("john", "password124").await.status, 401);
    assert_eq!(client.login("nobody", "password123").await.status, 401);
    let admin = token(&client, "john", "password123").await;
    let user = token(&client, "jane", "password456").await;
    roles_walk(&client, &admin, &user).await;
    assert_eq!(
        client.ask("POST", "/token/revoke", &admin).await.status,
        200
    );
    // The article's cache lets a decision stand until the token's end, and says so at start.
    let revoked = if design == Preset::BoundTokenCached {
        200
    } else {
        401
    };
    assert_eq!(client.status("/items/", &admin).await, revoked, "{design}");
    assert_eq!(client.status("/items/", &user).await, 200, "{design}");

    // The other file is read at the next sign-in, without a restart.
    std::fs::write(&file.path, DOCUMENTS).unwrap();
    assert_eq!(client.login("john", "password123").await.status, 401);
    let other = token(&client, "user123", "1234").await;
    let items = client.get("/items/", &other).await;
    assert_eq!(items.text, r#"{"items":["User Items"]}"#);
    assert_eq!(client.ask("POST", "/items/", &other).await.status, 403);
}

#[tokio::test]
async fn a_token_cache_over_a_user_file() {
    token_walk(Preset::OpaqueCache).await;
}

#[tokio::test]
async fn jwts_with_refresh_revocation_and_roles() {
    token_walk(Preset::Jwt).await;
    let file = File::of(ROLES);
    let server = Served::start(preset(Preset::Jwt, &file.path)).await;
    let client = server.client();
    let signed_in = client.login("jane", "password456").await;
    let first = text(&signed_in, "refresh_token");
    let refresh = async |token: &str| {
        let body = json!({ "refresh_token": token });
        post(&client, "/token/refresh", &body).await
    };
    // Roles are the file's of now at each refresh.
    std::fs::write(&file.path, ROLES.replace("\"user\"", "\"admin\"")).unwrap();
    let next = refresh(&first).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let access = text(&next, "access_token");
    let items = client.get("/items/", &access).await;
    assert_eq!(items.text, r#"{"items":["Admin Items"]}"#);
    // A token that was used before ends its session.
    assert_eq!(refresh(&first).await.status, 400);
    assert_eq!(client.status("/items/", &access).await, 401);
    assert_eq!(refresh(&text(&next, "refresh_token")).await.status, 400);

    let again = client.login("jane", "password456").await;
    let access = text(&again, "access_token");
    let ended = client.ask("POST", "/token/revoke", &access).await;
    assert_eq!(ended.status, 200);
    assert_eq!(client.status("/items/", &access).await, 401);
    assert_eq!(refresh(&text(&again, "refresh_token")).await.status, 400);
}

#[tokio::test]
async fn sessions_on_several_devices() {
    let file = File::of(DOCUMENTS);
    let server = Served::start(preset(Preset::DeviceSessions, &file.path)).await;
    let client = server.client();
    let sign_in = async |device: &str| {
        let body = json!({
            "username": "user123", "password": "1234", "device_id": device, "device_name": device,
        });
        let answer = post(&client, "/login", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        text(&answer, "access_token")
    };
    assert_eq!(client.get("/", "").await.status, 200);
    let (phone, laptop) = (sign_in("phone").await, sign_in("laptop").await);
    let mine = client.get("/user", &phone).await;
    let expected = json!({
        "username": "user123", "email": "user123@example.com",
        "bio": "Signs in from many devices", "roles": ["user"],
    });
    assert_eq!(mine.body, expected);
    let listed = client.get("/devices", &laptop).await;
    assert_eq!(listed.body["devices"].as_array().unwrap().len(), 2);
    let out = client.ask("DELETE", "/devices/phone", &laptop).await;
    assert_eq!(out.status, 200);
    assert_eq!(client.status("/user", &phone).await, 401);
    let phone = sign_in("phone").await;
    let all = client.ask("POST", "/logout/all", &laptop).await;
    assert_eq!(all.body, json!({ "logged_out": true, "devices": 2 }));
    for token in [&phone, &laptop] {
        assert_eq!(client.status("/items/", token).await, 401);
    }
    // The other published file: there an account has no document.
    std::fs::write(&file.path, ROLES).unwrap();
    let body = json!({ "username": "john", "password": "password123" });
    let john = post(&client, "/login", &body).await;
    let mine = client.get("/user", &text(&john, "access_token")).await;
    let expected = json!({ "username": "john", "email": "", "bio": "", "roles": ["admin"] });
    assert_eq!(mine.body, expected);
}

#[tokio::test]
async fn tokens_bound_to_their_sender() {
    for design in [
        Preset::BoundTokenSlow,
        Preset::BoundTokenFast,
        Preset::BoundTokenCached,
    ] {
        token_walk(design).await;
        let file = File::of(ROLES);
        let server = Served::start(preset(design, &file.path)).await;
        let client = server.client();
        assert_eq!(client.user_agent, BROWSER);
        let jane = token(&client, "jane", "password456").await;
        for thief in [
            client.clone().with_user_agent("curl/8.5.0"),
            client.clone().at(ELSEWHERE),
        ] {
            assert_eq!(thief.status("/items/", &jane).await, 401, "{design}");
        }
        assert_eq!(client.status("/items/", &jane).await, 200, "{design}");
    }
}

#[tokio::test]
async fn cookie_sessions_after_a_basic_login() {
    for (file, name, password) in [
        (ROLES, "john", "password123"),
        (DOCUMENTS, "user123", "1234"),
    ] {
        let file = File::of(file);
        let server = Served::start(preset(Preset::CookieSession, &file.path)).await;
        let client = server.client();
        let login = async |password: &str| {
            let pair = STANDARD.encode(format!("{name}:{password}"));
            let request = client
                .request("POST", "/login")
                .header(AUTHORIZATION, format!("Basic {pair}"));
            client.send(request, "").await
        };
        assert_eq!(login("wrong").await.status, 401);
        let signed_in = login(password).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        assert_eq!(signed_in.body["username"], name);
        let cookie = signed_in.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let ask = async |method: &str, path: &str| {
            let request = client
                .request(method, path)
                .header(COOKIE, &cookie)
                .header("sec-fetch-site", "same-origin");
            client.send(request, "").await.status.as_u16()
        };
        for path in ["/protected", "/getusers/me", "/user"] {
            assert_eq!(ask("GET", path).await, 200, "{path}");
        }
        // The operator writes the file; accounts do not.
        let body = json!({ "username": "mary", "password": "a password" });
        let refused = post(&client, "/signup", &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["error"]),
            (403, &json!("access_denied"))
        );
        assert_eq!(ask("POST", "/logout").await, 200);
        assert_eq!(ask("GET", "/protected").await, 401);
    }
}

#[test]
fn plain_passwords_are_warned_of_at_start_and_hashed_ones_are_not() {
    let file = File::of(ROLES);
    let notes = Lab::open(preset(Preset::Jwt, &file.path)).unwrap().notes();
    let path = file.path.display();
    let [note] = notes.as_slice() else {
        panic!("{notes:?}");
    };
    let expected = format!("users file {path} keeps plain passwords, 2 of them: ");
    assert!(note.starts_with(&expected), "{note}");
    let hash = bcrypt::hash("password123", 4).unwrap();
    std::fs::write(
        &file.path,
        format!(r#"{{"john": {{"password_hash": "{hash}"}}}}"#),
    )
    .unwrap();
    let lab = Lab::open(preset(Preset::Jwt, &file.path)).unwrap();
    assert_eq!(lab.notes(), [""; 0]);
}

#[tokio::test]
async fn a_role_may_stand_beside_roles_and_a_username_repeats_the_name() {
    let account = |members: &str| format!(r#"{{"ada": {{"password": "1234"{members}}}}}"#);
    let file = File::of(&account(""));
    let server = Served::start(preset(Preset::Jwt, &file.path)).await;
    let client = server.client();
    for (members, roles) in [
        ("", json!(["user"])),
        (r#", "role": "user""#, json!(["user"])),
        (r#", "role": "admin""#, json!(["admin"])),
        (r#", "role": null"#, json!(["user"])),
        (r#", "roles": []"#, json!([])),
        (
            r#", "roles": ["admin", "user"], "role": "user""#,
            json!(["admin", "user"]),
        ),
        (
            r#", "username": "ada", "roles": ["admin"]"#,
            json!(["admin"]),
        ),
    ] {
        std::fs::write(&file.path, account(members)).unwrap();
        let ada = token(&client, "ada", "1234").await;
        let mine = client.get("/user/", &ada).await;
        assert_eq!(mine.body["roles"], roles, "{members}");
    }
    for (members, problem) in [
        (r#", "role": "root""#, "accepted: admin, user"),
        (
            r#", "roles": ["user"], "role": "admin""#,
            "`ada` has a role that is not among its roles",
        ),
        (
            r#", "roles": [], "role": "user""#,
            "`ada` has a role that is not among its roles",
        ),
        (
            r#", "username": "bob""#,
            "`ada` has a username that is another name",
        ),
        (
            r#", "username": "Ada""#,
            "`ada` has a username that is another name",
        ),
        (
            r#", "role": "user", "role": "admin""#,
            "duplicate field `role`",
        ),
        (r#", "password": "x""#, "duplicate field `password`"),
    ] {
        std::fs::write(&file.path, account(members)).unwrap();
        assert_eq!(client.login("ada", "1234").await.status, 503, "{members}");
        let line = Lab::open(preset(Preset::Jwt, &file.path)).unwrap_err();
        let line = line.to_string();
        assert!(
            line.contains(problem) && !line.contains('\n'),
            "{members}: {line}"
        );
    }
}
