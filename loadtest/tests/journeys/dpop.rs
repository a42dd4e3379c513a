//! Proofs of possession (RFC 9449).

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::place::{count, run};
use crate::server::{Asked, answer, ok, serve};
use crate::{failures, load};

const STEPS: &str = r#"
[[step]]
name = "token"
request = "POST /token?x=1"
dpop = true
[[step]]
name = "read"
request = "GET /read"
bearer = "secret-1"
dpop = true
"#;

/// A proof's key (as x and y) and claims; its signature is checked.
fn opened(asked: &Asked) -> (String, Value) {
    let proof = asked.header("dpop");
    let parts: Vec<&str> = proof.split('.').collect();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (json(parts[0]), json(parts[1]));
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "ES256");
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        let text = header["jwk"][coordinate].as_str().unwrap();
        point.extend(URL_SAFE_NO_PAD.decode(text).unwrap());
    }
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(
            format!("{}.{}", parts[0], parts[1]).as_bytes(),
            &URL_SAFE_NO_PAD.decode(parts[2]).unwrap(),
        )
        .unwrap();
    (header["jwk"].to_string(), claims)
}

#[test]
fn each_request_carries_a_fresh_proof_of_its_users_key() {
    let server = serve(|_| ok(""));
    let finished = run(
        &server.url,
        &format!("{STEPS}{}", load("\"token\", \"read\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let mut keys = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for asked in server.asked() {
        let (key, claims) = opened(&asked);
        keys.insert(key);
        assert!(seen.insert(claims["jti"].to_string()));
        let (method, path) = asked.line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap();
        assert_eq!(claims["htm"], method);
        assert_eq!(claims["htu"], format!("{}{path}", server.url));
        if path == "/read" {
            assert_eq!(asked.header("authorization"), "DPoP secret-1");
            assert_eq!(
                claims["ath"],
                URL_SAFE_NO_PAD.encode(Sha256::digest("secret-1"))
            );
        } else {
            assert_eq!(claims.get("ath"), None);
        }
    }
    assert_eq!(keys.len(), 2, "a key for each user");
}

#[test]
fn a_challenge_for_a_nonce_is_answered_once_and_the_nonce_kept() {
    let server = serve(|asked| {
        if asked.line == "GET /" {
            return ok("");
        }
        match opened(asked).1.get("nonce") {
            Some(nonce) if nonce == "n-1" => ok(""),
            _ => answer(
                401,
                &[
                    ("dpop-nonce", "n-1"),
                    ("www-authenticate", "DPoP error=\"use_dpop_nonce\""),
                ],
                "",
            ),
        }
    });
    let finished = run(
        &server.url,
        &format!("{STEPS}{}", load("\"token\", \"read\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let challenged = server
        .asked()
        .iter()
        .filter(|asked| opened(asked).1.get("nonce").is_none())
        .count();
    assert_eq!(challenged, 2, "once for each user");
}

#[test]
fn a_server_that_asks_for_ever_new_nonces_is_not_asked_for_ever() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = serve(move |asked| {
        if asked.line == "GET /" {
            return ok("");
        }
        let nonce = next
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .to_string();
        answer(400, &[("dpop-nonce", nonce.as_str())], "")
    });
    let finished = run(&server.url, &format!("{STEPS}{}", load("\"token\"", "")));
    let failed = count(&finished.run, "token", "failed");
    assert!(failed > 0);
    assert_eq!(failures(&finished.run)[0], "token: status 400");
}
