//! A status list (draft-ietf-oauth-status-list-21): what is published, what is taken, and what a list that cannot be had means.

use std::time::Duration;

use authlab_server::{
    CacheKind, Clock, Controlled, CredentialKind, Denied, Design, FreshnessKind, JwtAlgorithm, Lab,
    OpenError, Period, RefreshKind, VerifyKind, Warning,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{Served, quick};

const START_SECONDS: u64 = 1_800_000_000;
const TTL: Period = Period::seconds(10);

fn listed() -> Design {
    Design {
        cache: CacheKind::Decision,
        freshness: FreshnessKind::StatusList,
        status_list_ttl: TTL,
        ..quick()
    }
}

fn part(token: &str, nth: usize) -> Value {
    let part = token.split('.').nth(nth).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn at_start() -> (Served, Controlled) {
    let clock = Controlled::at_seconds(START_SECONDS);
    let server = Served::start_at(listed(), Clock::Controlled(clock.clone())).await;
    (server, clock)
}

#[tokio::test]
async fn a_list_is_published_as_the_document_says_and_tokens_name_their_place_in_it() {
    let design = Design {
        jwt: JwtAlgorithm::ES256,
        ..listed()
    };
    let server = Served::start(design).await;
    let uri = format!("http://{}/status-list", server.address);
    let (first, second) = (server.token("john").await, server.token("jane").await);
    for (token, idx) in [(&first, 0), (&second, 1)] {
        let place = json!({ "status_list": { "idx": idx, "uri": uri } });
        assert_eq!(part(token, 1)["status"], place);
    }
    let client = server.client();
    let revoked = client.ask("POST", "/token/revoke", &second).await;
    assert_eq!(revoked.status, 200);
    let answer = client.get("/status-list", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/statuslist+jwt")
    );
    let (head, claims) = (part(&answer.text, 0), part(&answer.text, 1));
    assert_eq!(head["typ"], "statuslist+jwt");
    assert_eq!(head["alg"], "ES256");
    assert_eq!(claims["sub"], uri);
    assert_eq!(claims["ttl"], 10.0);
    let (iat, exp) = (&claims["iat"], &claims["exp"]);
    assert_eq!(exp.as_u64().unwrap() - iat.as_u64().unwrap(), 21);
    assert_eq!(claims["status_list"]["bits"], 1);
    // 8 192 statuses, of which the second is 1.
    let mut bytes = [0; 1024];
    bytes[0] = 2;
    let mut packed = Vec::new();
    let lst = claims["status_list"]["lst"].as_str().unwrap();
    let compressed = URL_SAFE_NO_PAD.decode(lst).unwrap();
    let mut reader = flate2::read::ZlibDecoder::new(&*compressed);
    std::io::Read::read_to_end(&mut reader, &mut packed).unwrap();
    assert_eq!(packed, bytes);
}

#[tokio::test]
async fn whatever_ends_tokens_is_in_the_next_list_and_not_seen_before() {
    let (server, clock) = at_start().await;
    let client = server.client();
    let (john, jane) = (server.token("john").await, server.token("jane").await);
    for token in [&john, &jane] {
        assert_eq!(client.status("/items/", token).await, 200);
    }
    // One token by its holder, and all of an account by another role.
    client.ask("POST", "/token/revoke", &john).await;
    let roles = [authlab_server::Role::User].into_iter().collect();
    server.lab.set_roles("jane", roles).await.unwrap();
    clock.advance(Duration::from_nanos(TTL.0.as_nanos() as u64 - 1));
    for token in [&john, &jane] {
        assert_eq!(client.status("/items/", token).await, 200, "within");
    }
    clock.advance(Duration::from_nanos(1));
    for token in [&john, &jane] {
        assert_eq!(client.status("/items/", token).await, 401, "at the ttl");
    }
    assert_eq!(
        client.status("/items/", &server.token("jane").await).await,
        200
    );
}

/// What no list tells of, keys, is this server's own: it counts at once.
#[tokio::test]
async fn another_key_ends_all_at_once_and_signs_the_list_from_then_on() {
    let (server, _) = at_start().await;
    let (client, token) = (server.client(), server.token("john").await);
    assert_eq!(client.status("/items/", &token).await, 200);
    let before = server.lab.status_list().unwrap();
    server.lab.rotate_keys().await.unwrap();
    assert_eq!(client.status("/items/", &token).await, 401);
    assert_eq!(
        server.lab.take_status_list(&before),
        Err(Denied::BadSignature)
    );
    let list = server.lab.status_list().unwrap();
    assert_eq!(server.lab.take_status_list(&list), Ok(()));
}

#[tokio::test]
async fn a_list_that_cannot_be_had_refuses_everything_and_grants_nothing() {
    // Nobody listens at the issuer's address.
    let clock = Controlled::at_seconds(START_SECONDS);
    let design = Design {
        issuer: "http://127.0.0.1:1".parse().unwrap(),
        ..listed()
    };
    let server = Served::start_at(design, Clock::Controlled(clock.clone())).await;
    let (client, token) = (server.client(), server.token("john").await);
    assert_eq!(client.status("/items/", &token).await, 503);
    // With a list it is granted, for as long as the list lasts.
    let list = server.lab.status_list().unwrap();
    server.lab.take_status_list(&list).unwrap();
    for _ in 0..2 {
        assert_eq!(client.status("/items/", &token).await, 200);
    }
    clock.advance(TTL.0);
    for _ in 0..2 {
        assert_eq!(client.status("/items/", &token).await, 503);
    }
    // The same list may be taken again until it expires, and not beyond.
    server.lab.take_status_list(&list).unwrap();
    assert_eq!(client.status("/items/", &token).await, 200);
    clock.advance(TTL.0 + Duration::from_secs(1));
    assert_eq!(server.lab.take_status_list(&list), Err(Denied::Expired));
    assert_eq!(client.status("/items/", &token).await, 503);
}

/// Signed by the same secret, and yet no list of this server's.
#[tokio::test]
async fn what_is_no_list_of_this_issuer_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret of at least thirty-two bytes").unwrap();
    let open = |issuer: &str| {
        let design = Design {
            secret_file: authlab_server::SecretFrom::File(secret.clone()),
            issuer: issuer.parse().unwrap(),
            ..listed()
        };
        Lab::open(design).unwrap()
    };
    let lab = open("http://one.example");
    let good = lab.status_list().unwrap();
    assert_eq!(lab.take_status_list(&good), Ok(()));
    let other = open("http://two.example").status_list().unwrap();
    assert_eq!(lab.take_status_list(&other), Err(Denied::Malformed), "sub");

    let parts: Vec<&str> = good.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], "AAAA");
    assert_eq!(lab.take_status_list(&forged), Err(Denied::BadSignature));
    let sender = authlab_server::Sender {
        user_agent: b"",
        ip: [127, 0, 0, 1].into(),
        proof: None,
    };
    let login = lab.login("john", "password123", &sender).await.unwrap();
    let access = login.access_token;
    assert_eq!(lab.take_status_list(&access), Err(Denied::Malformed), "typ");

    let key = jsonwebtoken::EncodingKey::from_secret(b"a secret of at least thirty-two bytes");
    let sign = |change: &dyn Fn(&mut Value)| {
        let mut claims = part(&good, 1);
        change(&mut claims);
        let text = serde_json::to_vec(&claims).unwrap();
        let message = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(text));
        let algorithm = jsonwebtoken::Algorithm::HS256;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        lab.take_status_list(&format!("{message}.{signature}"))
    };
    assert_eq!(sign(&|_| {}), Ok(()));
    assert_eq!(
        sign(&|claims| claims["exp"] = json!(1)),
        Err(Denied::Expired)
    );
    for ttl in [json!(0), json!(-1), json!("1"), json!(null)] {
        let taken = sign(&|claims| claims["ttl"] = ttl.clone());
        assert_eq!(taken, Err(Denied::Malformed), "{ttl}");
    }
    for bits in [json!(0), json!(3), json!(-1), json!("1")] {
        let taken = sign(&|claims| claims["status_list"]["bits"] = bits.clone());
        assert_eq!(taken, Err(Denied::Malformed), "{bits}");
    }
    for member in ["sub", "iat", "exp", "status_list"] {
        let without = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(member));
        assert_eq!(sign(&without), Err(Denied::Malformed), "{member}");
    }
    let bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let bomb = {
        let mut bomb = bomb;
        std::io::Write::write_all(&mut bomb, &vec![0; (1 << 20) + 1]).unwrap();
        URL_SAFE_NO_PAD.encode(bomb.finish().unwrap())
    };
    for lst in ["", "AAAA", &bomb] {
        let taken = sign(&|claims| claims["status_list"]["lst"] = json!(lst));
        assert_eq!(taken, Err(Denied::Malformed));
    }
}

#[tokio::test]
async fn a_list_that_is_refused_leaves_the_one_before() {
    let (server, _) = at_start().await;
    let (client, token) = (server.client(), server.token("john").await);
    assert_eq!(client.status("/items/", &token).await, 200);
    let kept = || client.status("/items/", &token);
    client.ask("POST", "/token/revoke", &token).await;
    assert_eq!(kept().await, 200, "remembered");
    let other = Served::start(listed()).await;
    assert_eq!(
        server
            .lab
            .take_status_list(&other.lab.status_list().unwrap()),
        Err(Denied::BadSignature)
    );
    assert_eq!(kept().await, 200, "still the list before");
    let list = server.lab.status_list().unwrap();
    server.lab.take_status_list(&list).unwrap();
    assert_eq!(kept().await, 401, "of the new list");
}

#[test]
fn a_design_that_has_no_list_is_told_so_and_one_that_has_is_warned_of_its_lag() {
    let clashes = [
        Design {
            cache: CacheKind::Token,
            ..listed()
        },
        Design {
            credential: CredentialKind::Opaque,
            ..listed()
        },
        Design {
            refresh: RefreshKind::Rotate,
            ..listed()
        },
        Design {
            verify: VerifyKind::Introspect,
            introspect_url: "http://127.0.0.1:1".parse().unwrap(),
            ..listed()
        },
    ];
    for design in clashes {
        let Err(OpenError::Clash(why)) = Lab::open(design) else {
            panic!("opened");
        };
        assert!(why.starts_with("--freshness status-list"), "{why}");
    }
    assert!(listed().warnings().contains(&Warning::RevokedPassesForList));
    let lab = Lab::open(quick()).unwrap();
    assert_eq!(lab.status_list(), Err(Denied::NoRoute));
}
