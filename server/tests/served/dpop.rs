//! Proofs of possession (RFC 9449): a token alone is worth nothing, and neither is a proof that was seen.

use authlab_server::{BindingKind, CacheKind, Clock, Controlled, Design, RefreshKind};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harness::{Answer, Client, Served, quick};

const NOW: u64 = 1_800_000_000;

fn bound(cache: CacheKind) -> Design {
    Design {
        binding: BindingKind::Dpop,
        cache,
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    fn header(&self) -> Value {
        let alg = match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        };
        json!({ "typ": "dpop+jwt", "alg": alg, "jwk": self.jwk() })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
                text(signature.as_ref())
            }
            Self::Ed(pair) => text(pair.sign(message.as_bytes()).as_ref()),
        };
        format!("{message}.{signature}")
    }
}

/// Somebody with a key, at a server.
struct Holder {
    key: Key,
    client: Client,
    origin: String,
    number: std::cell::Cell<u32>,
}

impl Holder {
    fn at(server: &Served, key: Key) -> Self {
        Self {
            key,
            client: server.client(),
            origin: format!("http://{}", server.address),
            number: std::cell::Cell::new(0),
        }
    }

    /// The claims of a good proof.
    fn claims(&self, method: &str, path: &str, token: Option<&str>) -> Value {
        self.number.set(self.number.get() + 1);
        let mut claims = json!({
            "jti": format!("proof {}", self.number.get()), "htm": method,
            "htu": format!("{}{path}", self.origin), "iat": NOW,
        });
        if let Some(token) = token {
            claims["ath"] = text(sha2::Sha256::digest(token)).into();
        }
        claims
    }

    fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        self.key
            .sign(&self.key.header(), &self.claims(method, path, token))
    }

    async fn sign_in(&self, proof: Option<&str>) -> Answer {
        let body = json!({ "username": "john", "password": "password123" });
        let mut request = self
            .client
            .request("POST", "/token")
            .header(CONTENT_TYPE, "application/json");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        self.client.send(request, body.to_string()).await
    }

    async fn token(&self) -> Value {
        let proof = self.proof("POST", "/token", None);
        let answer = self.sign_in(Some(&proof)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["token_type"], "DPoP");
        answer.body
    }

    async fn items(&self, authorization: &str, proof: Option<&str>) -> Answer {
        let mut request = self
            .client
            .request("GET", "/items/")
            .header(AUTHORIZATION, authorization);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        self.client.send(request, "").await
    }
}

async fn served(cache: CacheKind) -> (Served, Controlled) {
    let clock = Controlled::at_seconds(NOW);
    let server = Served::start_at(bound(cache), Clock::Controlled(clock.clone())).await;
    (server, clock)
}

#[tokio::test]
async fn a_token_goes_with_a_new_proof_each_time_and_with_no_other() {
    for cache in [CacheKind::None, CacheKind::Token] {
        let (server, _clock) = served(cache).await;
        for key in [Key::ec(), Key::Ed(Ed25519KeyPair::generate().unwrap())] {
            let holder = Holder::at(&server, key);
            let issued = holder.token().await;
            let token = issued["access_token"].as_str().unwrap();
            let ours = format!("DPoP {token}");
            let proof = || holder.proof("GET", "/items/", Some(token));
            // Twice: what is remembered of the token must not stand for the proof.
            for _ in 0..2 {
                let once = proof();
                assert_eq!(holder.items(&ours, Some(&once)).await.status, 200);
                let again = holder.items(&ours, Some(&once)).await;
                assert_eq!(again.status, 401, "replayed");
                assert_eq!(
                    again.header("www-authenticate"),
                    Some("DPoP algs=\"ES256 EdDSA RS256\", error=\"invalid_dpop_proof\"")
                );
            }
            assert_eq!(holder.items(&ours, None).await.status, 401, "no proof");
            let bearer = format!("Bearer {token}");
            assert_eq!(
                holder.items(&bearer, Some(&proof())).await.status,
                401,
                "as a bearer token"
            );
            let thief = Holder::at(&server, Key::ec());
            let stolen = thief.proof("GET", "/items/", Some(token));
            let refused = thief.items(&ours, Some(&stolen)).await;
            assert_eq!(refused.status, 401, "another key");
            assert_eq!(
                refused.header("www-authenticate"),
                Some("DPoP algs=\"ES256 EdDSA RS256\", error=\"invalid_token\"")
            );
        }
    }
}

/// What is wrong with a proof, one thing at a time.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn only_a_proof_that_is_right_in_every_part_passes() {
    let (server, clock) = served(CacheKind::None).await;
    let holder = Holder::at(&server, Key::ec());
    let issued = holder.token().await;
    let token = issued["access_token"].as_str().unwrap();
    let ours = format!("DPoP {token}");
    let claims = || holder.claims("GET", "/items/", Some(token));
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        holder.key.sign(&holder.key.header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        holder.key.sign(&holder.key.header(), &claims)
    };
    let headed = |name: &str, value: Value| {
        let mut header = holder.key.header();
        header[name] = value;
        holder.key.sign(&header, &claims())
    };
    let url = |path: &str| Value::from(format!("{}{path}", holder.origin));
    let good = [
        ("as it is", with("htm", "GET".into())),
        ("a query, a fragment", with("htu", url("/items/?a=b#c"))),
        (
            "another spelling",
            with(
                "htu",
                Value::from(holder.origin.replace("http", "HTTP") + "/./items/"),
            ),
        ),
        ("a minute early", with("iat", (NOW + 60).into())),
        ("a minute late", with("iat", (NOW - 60).into())),
    ];
    for (case, proof) in good {
        let answer = holder.items(&ours, Some(&proof)).await;
        assert_eq!(answer.status, 200, "{case}: {}", answer.text);
    }
    let private = {
        let mut jwk = holder.key.jwk();
        jwk["d"] = "AA".into();
        jwk
    };
    let forged = {
        // Another key's signature under this one's name.
        Key::ec().sign(&holder.key.header(), &claims())
    };
    let wrong = [
        ("another method", with("htm", "POST".into())),
        ("another path", with("htu", url("/items"))),
        (
            "another host",
            with("htu", "http://elsewhere/items/".into()),
        ),
        (
            "another scheme",
            with("htu", holder.origin.replace("http", "https").into()),
        ),
        ("no address", with("htu", "/items/".into())),
        ("too early", with("iat", (NOW + 61).into())),
        ("too late", with("iat", (NOW - 61).into())),
        ("iat in a string", with("iat", NOW.to_string().into())),
        (
            "for another token",
            with("ath", text(sha2::Sha256::digest("other")).into()),
        ),
        ("no ath", without("ath")),
        ("no jti", without("jti")),
        ("empty jti", with("jti", "".into())),
        ("no htm", without("htm")),
        ("no htu", without("htu")),
        ("no iat", without("iat")),
        ("typ JWT", headed("typ", "JWT".into())),
        ("alg none", headed("alg", "none".into())),
        ("alg HS256", headed("alg", "HS256".into())),
        ("alg of another kind of key", headed("alg", "EdDSA".into())),
        ("a private key", headed("jwk", private)),
        (
            "a symmetric key",
            headed("jwk", json!({ "kty": "oct", "k": "AA" })),
        ),
        ("crit", headed("crit", json!(["x"]))),
        ("forged", forged),
        ("no JWT", "x".to_owned()),
        ("three dots", "a.b.c.d".to_owned()),
        ("very long", "x".repeat(5000)),
    ];
    for (case, proof) in wrong {
        let answer = holder.items(&ours, Some(&proof)).await;
        assert_eq!(answer.status, 401, "{case}");
        assert_eq!(answer.body["error"], "invalid_dpop_proof", "{case}");
    }
    // Once time went on, a new proof of the old key is needed, and enough.
    clock.advance(std::time::Duration::from_secs(100));
    assert_eq!(
        holder
            .items(&ours, Some(&with("iat", NOW.into())))
            .await
            .status,
        401
    );
    assert_eq!(
        holder
            .items(&ours, Some(&with("iat", (NOW + 100).into())))
            .await
            .status,
        200
    );
}

/// However a design is opened: on a hit nobody would read the proof.
#[test]
fn a_decision_cache_is_refused_beside_it() {
    let refused = authlab_server::Lab::open(bound(CacheKind::Decision));
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("would leave the proofs"), "{error}");
}

#[tokio::test]
async fn a_sign_in_and_a_refresh_need_a_proof_as_well() {
    let (server, _clock) = served(CacheKind::None).await;
    let holder = Holder::at(&server, Key::ec());
    for proof in [None, Some("x"), Some(&*holder.proof("GET", "/token", None))] {
        let refused = holder.sign_in(proof).await;
        // RFC 9449 §5.
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert_eq!(refused.body["error"], "invalid_dpop_proof");
    }
    let issued = holder.token().await;
    let refresh = async |holder: &Holder, token: &Value| {
        let request = holder
            .client
            .request("POST", "/token/refresh")
            .header(CONTENT_TYPE, "application/json")
            .header("dpop", holder.proof("POST", "/token/refresh", None));
        let body = json!({ "refresh_token": token });
        holder.client.send(request, body.to_string()).await
    };
    let thief = Holder::at(&server, Key::ec());
    assert_eq!(refresh(&thief, &issued["refresh_token"]).await.status, 401);
    let next = refresh(&holder, &issued["refresh_token"]).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let token = next.body["access_token"].as_str().unwrap();
    let proof = holder.proof("GET", "/items/", Some(token));
    assert_eq!(
        holder
            .items(&format!("DPoP {token}"), Some(&proof))
            .await
            .status,
        200
    );
}
