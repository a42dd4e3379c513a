//! The first published design: random tokens in front of a file of users.

use std::collections::HashSet;

use authlab_server::{CredentialKind, Design, Preset, Setup, UsersFrom};

use crate::harness::{Served, quick};

fn opaque() -> Design {
    Design {
        credential: CredentialKind::Opaque,
        ..quick()
    }
}

#[tokio::test]
async fn a_token_is_256_random_bits_that_say_nothing_and_are_nowhere_kept() {
    let server = Served::start(opaque()).await;
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let token = server.token("john").await;
        assert_eq!(token.len(), 43, "{token}");
        assert!(
            token
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
        );
        assert!(!format!("{:?}", server.lab).contains(&token));
        assert!(seen.insert(token));
    }
}

#[tokio::test]
async fn each_sign_in_has_a_token_of_its_own_and_revoking_one_leaves_the_others() {
    let server = Served::start(opaque()).await;
    let (client, first, second) = (
        server.client(),
        server.token("john").await,
        server.token("john").await,
    );
    assert_eq!(
        client.ask("POST", "/token/revoke", &first).await.status,
        200
    );
    let refused = client.get("/items/", &first).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
    // Nothing is left to revoke.
    assert_eq!(
        client.ask("POST", "/token/revoke", &first).await.status,
        401
    );
    assert_eq!(client.status("/items/", &second).await, 200);
}

#[tokio::test]
async fn what_was_never_issued_is_refused() {
    let server = Served::start(opaque()).await;
    let (client, token) = (server.client(), server.token("john").await);
    let (shorter, longer) = (&token[..42], format!("{token}A"));
    let signed = Served::start(quick()).await.token("john").await;
    for wrong in ["", "x", shorter, &longer, &token.to_lowercase(), &signed] {
        assert_eq!(client.status("/items/", wrong).await, 401, "{wrong}");
    }
    // Another server's, and another process's after a restart.
    let other = Served::start(opaque()).await;
    assert_eq!(other.client().status("/items/", &token).await, 401);
}

#[tokio::test]
async fn the_file_of_users_is_read_again_at_each_sign_in_and_tokens_keep_what_they_were_given() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |roles: &str| {
        let account = format!(r#"{{"john": {{"password": "password123", "roles": ["{roles}"]}}}}"#);
        std::fs::write(file.path(), account).unwrap();
    };
    write("admin");
    let setup = Setup {
        preset: Some(Preset::OpaqueCache),
        users: Some(UsersFrom::File(file.path().to_owned())),
        bcrypt_cost: Some(4),
        ..Setup::default()
    };
    let server = Served::start(setup.resolve().unwrap()).await;
    let (client, admin) = (server.client(), server.token("john").await);
    write("user");
    let user = server.token("john").await;
    assert_eq!(client.ask("POST", "/items/", &user).await.status, 403);
    assert_eq!(client.ask("POST", "/items/", &admin).await.status, 201);
}
