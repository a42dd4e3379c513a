//! Tokens that are signed by a key pair.

use std::path::Path;

use authlab_server::{Clock, Controlled, Design, JwtAlgorithm, KeyFrom, Lab};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::harness::{Served, quick};

/// Those that sign by a key pair.
const PAIRS: [JwtAlgorithm; 9] = [
    JwtAlgorithm::RS256,
    JwtAlgorithm::PS256,
    JwtAlgorithm::ES256,
    JwtAlgorithm::ES384,
    JwtAlgorithm::EdDSA,
    JwtAlgorithm::Ed25519,
    JwtAlgorithm::MlDsa44,
    JwtAlgorithm::MlDsa65,
    JwtAlgorithm::MlDsa87,
];

/// What makes the pairs of an algorithm, and what signs by them.
enum Kind {
    Rsa(&'static dyn RsaEncoding),
    Ec(&'static EcdsaSigningAlgorithm),
    Ed,
    MlDsa(&'static PqdsaSigningAlgorithm),
}

fn kind(jwt: JwtAlgorithm) -> Kind {
    match jwt {
        JwtAlgorithm::RS256 => Kind::Rsa(&signature::RSA_PKCS1_SHA256),
        JwtAlgorithm::PS256 => Kind::Rsa(&signature::RSA_PSS_SHA256),
        JwtAlgorithm::ES256 => Kind::Ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        JwtAlgorithm::ES384 => Kind::Ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        JwtAlgorithm::EdDSA | JwtAlgorithm::Ed25519 => Kind::Ed,
        JwtAlgorithm::MlDsa44 => Kind::MlDsa(&signature::ML_DSA_44_SIGNING),
        JwtAlgorithm::MlDsa65 => Kind::MlDsa(&signature::ML_DSA_65_SIGNING),
        JwtAlgorithm::MlDsa87 => Kind::MlDsa(&signature::ML_DSA_87_SIGNING),
        JwtAlgorithm::HS256 => unreachable!("it has a secret"),
    }
}

/// Whether two sign by the same kind of key, so that a file of one is a file of the other.
fn share_keys(one: JwtAlgorithm, other: JwtAlgorithm) -> bool {
    match (kind(one), kind(other)) {
        (Kind::Rsa(_), Kind::Rsa(_)) | (Kind::Ed, Kind::Ed) => true,
        _ => one == other,
    }
}

fn signed_by(jwt: JwtAlgorithm) -> Design {
    Design {
        jwt,
        issuer: "https://auth.example".parse().unwrap(),
        ..quick()
    }
}

fn kept_in(jwt: JwtAlgorithm, path: &Path) -> Design {
    Design {
        key_file: KeyFrom::File(path.to_owned()),
        ..signed_by(jwt)
    }
}

/// A private key as PKCS#8, and its public half.
fn pair(jwt: JwtAlgorithm) -> (Vec<u8>, Vec<u8>) {
    match kind(jwt) {
        Kind::Rsa(_) => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        Kind::Ec(by) => {
            let pair = EcdsaKeyPair::generate(by).unwrap();
            let der = pair.to_pkcs8v1().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        Kind::Ed => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let der = pair.to_pkcs8().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        Kind::MlDsa(by) => {
            let pair = PqdsaKeyPair::generate(by).unwrap();
            let der = pair.to_pkcs8v1().unwrap();
            (der.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
    }
}

fn pem(der: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    let text = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    std::fs::write(file.path(), text).unwrap();
    file
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_pair_signs_what_only_its_own_server_takes_and_names_itself() {
    for jwt in PAIRS {
        let (server, other) = (
            Served::start(signed_by(jwt)).await,
            Served::start(signed_by(jwt)).await,
        );
        let token = server.token("john").await;
        let header = part(&token, 0);
        assert_eq!(header["alg"], jwt.label());
        assert_eq!(header["typ"], "at+jwt");
        // RFC 7638: the SHA-256 of its public half.
        assert_eq!(header["kid"].as_str().unwrap().len(), 43, "{jwt}");
        assert_eq!(
            server.client().status("/items/", &token).await,
            200,
            "{jwt}"
        );
        assert_eq!(other.client().status("/items/", &token).await, 401, "{jwt}");
    }
}

#[tokio::test]
async fn tokens_survive_a_restart_with_the_same_key_file() {
    for jwt in PAIRS {
        let file = pem(&pair(jwt).0);
        let first = Served::start(kept_in(jwt, file.path())).await;
        let second = Served::start(kept_in(jwt, file.path())).await;
        let token = first.token("john").await;
        assert_eq!(
            second.client().status("/items/", &token).await,
            200,
            "{jwt}"
        );
    }
}

/// What an attacker who knows the public key, and one good token, can make of them.
#[tokio::test]
async fn no_header_chooses_the_algorithm_or_the_key() {
    for jwt in PAIRS {
        let (private, public) = pair(jwt);
        let file = pem(&private);
        let server = Served::start(kept_in(jwt, file.path())).await;
        let client = server.client();
        let good = server.token("john").await;
        let claims = good.split('.').nth(1).unwrap();
        let kid = part(&good, 0)["kid"].clone();
        let by_secret = |header: &Value, secret: &[u8]| {
            let message = format!("{}.{claims}", encoded(header));
            let key = EncodingKey::from_secret(secret);
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            format!("{message}.{signature}")
        };
        // With the very key, so that only the header is wrong.
        let by_pair = |header: &Value| {
            let message = format!("{}.{claims}", encoded(header));
            let signature = sign(jwt, &private, message.as_bytes());
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
        };
        let header = json!({ "alg": jwt.label(), "typ": "at+jwt" });
        let with = |key: &str, value: Value| {
            let mut header = header.clone();
            header[key] = value;
            header
        };
        let strange = pair(jwt);
        let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(&strange.1) });
        let none = format!(
            "{}.{claims}.",
            encoded(&json!({ "alg": "none", "typ": "at+jwt" }))
        );
        let hs256 = json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid });
        let cut = good.rsplit_once('.').unwrap().0;
        let table = [
            ("as issued", good.clone(), 200),
            ("without kid", by_pair(&header), 200),
            (
                "the public key as a secret",
                by_secret(&hs256, &public),
                401,
            ),
            (
                "the public key's file as a secret",
                by_secret(&hs256, &std::fs::read(file.path()).unwrap()),
                401,
            ),
            ("no algorithm", none, 401),
            ("no signature", format!("{cut}."), 401),
            ("another kid", by_pair(&with("kid", json!("k1"))), 401),
            (
                "a path as kid",
                by_pair(&with("kid", json!("../../../dev/null"))),
                401,
            ),
            ("an empty kid", by_pair(&with("kid", json!(""))), 401),
            (
                "another key, embedded",
                {
                    let message = format!("{}.{claims}", encoded(&with("jwk", jwk)));
                    let signature = sign(jwt, &strange.0, message.as_bytes());
                    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
                },
                401,
            ),
        ];
        for (case, token, status) in table {
            assert_eq!(
                client.status("/items/", &token).await,
                status,
                "{jwt}: {case}"
            );
        }
    }
}

fn sign(jwt: JwtAlgorithm, pkcs8: &[u8], message: &[u8]) -> Vec<u8> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    match kind(jwt) {
        Kind::Rsa(by) => {
            let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(by, &random, message, &mut signature).unwrap();
            signature
        }
        Kind::Ec(by) => {
            let pair = EcdsaKeyPair::from_pkcs8(by, pkcs8).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
        Kind::Ed => {
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8).unwrap();
            pair.sign(message).as_ref().to_vec()
        }
        Kind::MlDsa(by) => {
            let pair = PqdsaKeyPair::from_pkcs8(by, pkcs8).unwrap();
            let mut signature = vec![0; by.signature_len()];
            pair.sign(message, &mut signature).unwrap();
            signature
        }
    }
}

#[test]
fn a_file_without_the_key_that_is_wanted_is_one_line_with_its_path() {
    let no_key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(no_key.path(), "no key\n").unwrap();
    for jwt in PAIRS {
        let others = PAIRS.into_iter().filter(|other| !share_keys(*other, jwt));
        let wrong: Vec<tempfile::NamedTempFile> = others.map(|other| pem(&pair(other).0)).collect();
        let paths = wrong.iter().map(tempfile::NamedTempFile::path);
        for path in paths.chain([no_key.path(), Path::new("/nowhere/key.pem")]) {
            let line = Lab::open(kept_in(jwt, path)).unwrap_err().to_string();
            assert!(line.contains(&path.display().to_string()), "{line}");
            let says = line.contains(&format!("accepted for {jwt}")) || line.contains("No such");
            assert!(says && !line.contains('\n'), "{line}");
        }
    }
}

#[tokio::test]
async fn times_are_judged_under_every_algorithm() {
    for jwt in PAIRS {
        let clock = Controlled::at_seconds(1_800_000_000);
        let server = Served::start_at(signed_by(jwt), Clock::Controlled(clock.clone())).await;
        let token = server.token("john").await;
        clock.advance(std::time::Duration::from_secs(1799));
        assert_eq!(
            server.client().status("/items/", &token).await,
            200,
            "{jwt}"
        );
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(
            server.client().status("/items/", &token).await,
            401,
            "{jwt}"
        );
    }
}
