//! Attacks on the token itself, signed with the server's own key where they need to be.

use authlab_server::{CacheKind, Clock, Controlled, Design, SecretFrom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::harness::{Served, quick};

const ISSUER: &str = "https://auth.example";
const SECRET: &str = "a secret of at least thirty-two bytes";
const NOW: u64 = 1_800_000_000;

fn sign(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    sign_message(&format!("{}.{}", part(header), part(claims)))
}

fn sign_message(message: &str) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "john", "roles": ["admin"], "scope": "items:read items:write",
        "iat": NOW, "exp": NOW + 600, "jti": "00000000000000000000000000000001",
    })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}

fn without(mut object: Value, key: &str) -> Value {
    object.as_object_mut().unwrap().remove(key);
    object
}

fn signed(header: &Value) -> String {
    sign(header, &claims())
}

fn saying(claims: &Value) -> String {
    sign(&header(), claims)
}

/// A token of these very bytes, signed.
fn sign_text(claims: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(header().to_string());
    sign_message(&format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims)))
}

/// The good claims without `exp`, and these members in its place.
fn claims_with(members: &str) -> String {
    let claims = without(claims(), "exp").to_string();
    format!("{},{members}}}", claims.trim_end_matches('}'))
}

/// The good claims under a header of these very bytes.
fn headed(header: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    sign_message(&format!(
        "{header}.{}",
        URL_SAFE_NO_PAD.encode(claims().to_string())
    ))
}

fn unsigned(header: &Value) -> String {
    let good = saying(&claims());
    let (_header, rest) = good.split_once('.').unwrap();
    let (claims, _signature) = rest.split_once('.').unwrap();
    format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header.to_string()))
}

fn harmless() -> Vec<(&'static str, String)> {
    vec![
        ("as issued", saying(&claims())),
        (
            "typ with its media type, in capitals",
            signed(&with(header(), "typ", "application/AT+JWT".into())),
        ),
        (
            "a role that is not known here",
            saying(&with(claims(), "roles", json!(["admin", "root"]))),
        ),
        (
            "for several audiences",
            saying(&with(claims(), "aud", json!(["other", ISSUER]))),
        ),
        ("nbf now", saying(&with(claims(), "nbf", NOW.into()))),
        (
            "exp a fraction",
            saying(&with(claims(), "exp", json!(1.9e9 + 0.5))),
        ),
        (
            "exp with an exponent",
            sign_text(&claims_with(r#""exp":19e8"#)),
        ),
        (
            "exp beyond 64 bits",
            sign_text(&claims_with(r#""exp":99999999999999999999"#)),
        ),
        (
            "nbf a fraction before now",
            saying(&with(claims(), "nbf", json!(NOW as f64 - 0.5))),
        ),
        (
            "nbf before the epoch",
            saying(&with(claims(), "nbf", json!(-1.5))),
        ),
        (
            "iat a fraction",
            saying(&with(claims(), "iat", json!(NOW as f64 + 0.5))),
        ),
        (
            "a claim that is not known, twice",
            sign_text(&claims_with(r#""exp":1900000000,"x":1,"x":2"#)),
        ),
        // Members that point to a key are typed, and not used.
        ("cty", signed(&with(header(), "cty", "JWT".into()))),
        (
            "jku",
            signed(&with(header(), "jku", "https://example.com/keys".into())),
        ),
        (
            "a member that is not known",
            signed(&with(header(), "x", Value::Null)),
        ),
    ]
}

fn wrong_headers() -> Vec<(&'static str, String)> {
    vec![
        (
            "alg none",
            unsigned(&json!({ "alg": "none", "typ": "at+jwt" })),
        ),
        (
            "alg NoNe",
            unsigned(&json!({ "alg": "NoNe", "typ": "at+jwt" })),
        ),
        ("no signature", unsigned(&header())),
        (
            "another alg of the family",
            signed(&with(header(), "alg", "HS512".into())),
        ),
        (
            "alg of another family",
            signed(&with(header(), "alg", "RS256".into())),
        ),
        ("typ JWT", signed(&with(header(), "typ", "JWT".into()))),
        (
            "typ of another media",
            signed(&with(header(), "typ", "text/at+jwt".into())),
        ),
        ("no typ", signed(&without(header(), "typ"))),
        ("crit", signed(&with(header(), "crit", json!(["b64"])))),
        ("crit empty", signed(&with(header(), "crit", json!([])))),
        ("crit null", signed(&with(header(), "crit", Value::Null))),
        ("crit false", signed(&with(header(), "crit", json!(false)))),
        ("crit text", signed(&with(header(), "crit", "exp".into()))),
        ("b64", signed(&with(header(), "b64", json!(false)))),
        ("b64 true", signed(&with(header(), "b64", json!(true)))),
        ("b64 null", signed(&with(header(), "b64", Value::Null))),
        ("enc", signed(&with(header(), "enc", "A256GCM".into()))),
        ("typ null", signed(&with(header(), "typ", Value::Null))),
        (
            "typ a list",
            signed(&with(header(), "typ", json!(["at+jwt"]))),
        ),
        ("alg null", signed(&with(header(), "alg", Value::Null))),
        (
            "alg a list",
            signed(&with(header(), "alg", json!(["HS256"]))),
        ),
        (
            "alg in small letters",
            signed(&with(header(), "alg", "hs256".into())),
        ),
        ("kid null", signed(&with(header(), "kid", Value::Null))),
        ("kid a number", signed(&with(header(), "kid", json!(7)))),
        (
            "a kid of nobody's",
            signed(&with(header(), "kid", "x".into())),
        ),
        ("jku null", signed(&with(header(), "jku", Value::Null))),
        ("jku a number", signed(&with(header(), "jku", json!(7)))),
        ("x5u null", signed(&with(header(), "x5u", Value::Null))),
        ("x5u a list", signed(&with(header(), "x5u", json!(["x"])))),
        ("x5c text", signed(&with(header(), "x5c", "x".into()))),
        ("x5c null", signed(&with(header(), "x5c", Value::Null))),
        ("x5t null", signed(&with(header(), "x5t", Value::Null))),
        (
            "x5t#S256 a number",
            signed(&with(header(), "x5t#S256", json!(1))),
        ),
        ("jwk null", signed(&with(header(), "jwk", Value::Null))),
        ("jwk text", signed(&with(header(), "jwk", "x".into()))),
        ("cty null", signed(&with(header(), "cty", Value::Null))),
        ("no object", headed(r#"["HS256","at+jwt"]"#)),
        (
            "alg twice",
            headed(r#"{"alg":"HS256","typ":"at+jwt","alg":"HS256"}"#),
        ),
        (
            "typ twice",
            headed(r#"{"typ":"at+jwt","alg":"HS256","typ":"at+jwt"}"#),
        ),
        (
            "crit twice",
            headed(r#"{"alg":"HS256","typ":"at+jwt","crit":null,"crit":null}"#),
        ),
        (
            "jku twice",
            headed(r#"{"alg":"HS256","typ":"at+jwt","jku":"a","jku":"a"}"#),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn wrong_claims() -> Vec<(&'static str, String)> {
    vec![
        ("no exp", saying(&without(claims(), "exp"))),
        (
            "exp in a string",
            saying(&with(claims(), "exp", (NOW + 600).to_string().into())),
        ),
        ("exp negative", saying(&with(claims(), "exp", json!(-1)))),
        (
            "exp a fraction after now",
            saying(&with(claims(), "exp", json!(NOW as f64 + 0.5))),
        ),
        (
            "exp far before the epoch",
            saying(&with(claims(), "exp", json!(-1.5e300))),
        ),
        (
            "exp beyond every number",
            sign_text(&claims_with(r#""exp":1e999"#)),
        ),
        (
            "exp twice",
            sign_text(&claims_with(r#""exp":1900000000,"exp":1900000000"#)),
        ),
        (
            "sub twice",
            sign_text(&claims_with(r#""exp":1900000000,"sub":"john""#)),
        ),
        ("nbf null", saying(&with(claims(), "nbf", Value::Null))),
        (
            "nbf a fraction after now",
            saying(&with(claims(), "nbf", json!(NOW as f64 + 0.5))),
        ),
        (
            "nbf far ahead",
            saying(&with(claims(), "nbf", json!(1.5e300))),
        ),
        ("iat null", saying(&with(claims(), "iat", Value::Null))),
        ("iat text", saying(&with(claims(), "iat", "now".into()))),
        ("cnf null", saying(&with(claims(), "cnf", Value::Null))),
        ("bnd null", saying(&with(claims(), "bnd", Value::Null))),
        ("sid null", saying(&with(claims(), "sid", Value::Null))),
        ("gen null", saying(&with(claims(), "gen", Value::Null))),
        ("sub null", saying(&with(claims(), "sub", Value::Null))),
        ("scope null", saying(&with(claims(), "scope", Value::Null))),
        (
            "bound to a certificate",
            saying(&with(claims(), "cnf", json!({ "x5t#S256": "x" }))),
        ),
        (
            "bound to a key and a certificate",
            saying(&with(
                claims(),
                "cnf",
                json!({ "jkt": "x", "x5t#S256": "x" }),
            )),
        ),
        (
            "bound by an array",
            saying(&with(claims(), "bnd", json!(["x", "y"]))),
        ),
        ("claims in an array", sign_text("[]")),
        (
            "bound to nothing",
            saying(&with(claims(), "cnf", json!({}))),
        ),
        ("exp null", saying(&with(claims(), "exp", Value::Null))),
        ("exp now", saying(&with(claims(), "exp", NOW.into()))),
        (
            "nbf ahead",
            saying(&with(claims(), "nbf", (NOW + 1).into())),
        ),
        (
            "nbf in a string",
            saying(&with(claims(), "nbf", "0".into())),
        ),
        (
            "another issuer",
            saying(&with(claims(), "iss", "other".into())),
        ),
        ("no issuer", saying(&without(claims(), "iss"))),
        (
            "for another audience",
            saying(&with(claims(), "aud", "other".into())),
        ),
        ("no audience", saying(&without(claims(), "aud"))),
        ("for nobody", saying(&with(claims(), "aud", json!([])))),
        (
            "audience a number",
            saying(&with(claims(), "aud", json!(1))),
        ),
        (
            "bound twice",
            saying(&with(
                with(claims(), "bnd", json!({ "ua": "x" })),
                "cnf",
                json!({ "jkt": "x" }),
            )),
        ),
        // A token that is bound to a key is no bearer token (RFC 9449 §7.2).
        (
            "bound to a key",
            saying(&with(claims(), "cnf", json!({ "jkt": "x" }))),
        ),
        ("no subject", saying(&without(claims(), "sub"))),
        ("no jti", saying(&without(claims(), "jti"))),
        (
            "jti of another form",
            saying(&with(
                claims(),
                "jti",
                "+0000000000000000000000000000001".into(),
            )),
        ),
        (
            "roles in a string",
            saying(&with(claims(), "roles", "admin".into())),
        ),
    ]
}

fn wrong_forms() -> Vec<(&'static str, String)> {
    let good = saying(&claims());
    let last = if good.ends_with('A') { 'B' } else { 'A' };
    vec![
        ("another segment", format!("{good}.x")),
        ("a segment before", format!("x.{good}")),
        ("two segments", good.rsplit_once('.').unwrap().0.to_owned()),
        ("padding", format!("{good}=")),
        (
            "another last character",
            format!("{}{last}", &good[..good.len() - 1]),
        ),
        ("a space inside", good.replacen('.', ". ", 1)),
        ("no bytes", String::new()),
    ]
}

#[tokio::test]
async fn only_a_token_that_is_right_in_every_part_passes() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), SECRET).unwrap();
    for cache in CacheKind::ALL.iter().copied() {
        let clock = Clock::Controlled(Controlled::at_seconds(NOW));
        let secret_file = SecretFrom::File(secret.path().to_owned());
        let server = Served::start_at(
            Design {
                cache,
                secret_file,
                issuer: ISSUER.parse().unwrap(),
                ..quick()
            },
            clock,
        )
        .await;
        let client = server.client();
        // Twice: what is remembered of the first time must not help the second.
        for _ in 0..2 {
            for (case, token) in harmless() {
                assert_eq!(
                    client.status("/items/", &token).await,
                    200,
                    "{case} ({cache})"
                );
            }
            // The header that the server writes is recognized by its bytes: under it, claims are judged as under others.
            let issued = server.token("john").await;
            let own_header = issued.split('.').next().unwrap();
            for (case, token) in wrong_claims() {
                let claims = token.split('.').nth(1).unwrap();
                let token = sign_message(&format!("{own_header}.{claims}"));
                assert_eq!(
                    client.status("/items/", &token).await,
                    401,
                    "{case} under the own header ({cache})"
                );
                let (unsigned, _) = issued.rsplit_once('.').unwrap();
                for token in [format!("{unsigned}."), format!("{unsigned}.AAAA")] {
                    assert_eq!(client.status("/items/", &token).await, 401, "{cache}");
                }
            }
            for (case, token) in wrong_headers()
                .into_iter()
                .chain(wrong_claims())
                .chain(wrong_forms())
            {
                assert_eq!(
                    client.status("/items/", &token).await,
                    401,
                    "{case} ({cache})"
                );
            }
        }
    }
}
