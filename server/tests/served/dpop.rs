//! Proofs of possession (RFC 9449): a token alone is worth nothing, and neither is a proof that was seen.

use authlab_server::{BindingKind, CacheKind, Clock, Controlled, Design, RefreshKind, SecretFrom};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ML_DSA_87_SIGNING,
    PqdsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use rustix::process::Signal;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harness::{Answer, Client, Served, quick};
use crate::redis::Redis;

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
    /// By the new name of its algorithm (RFC 9864).
    NewEd(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
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
            Self::Ed(pair) | Self::NewEd(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
            Self::MlDsa(pair) => {
                json!({ "kty": "AKP", "alg": self.algorithm(), "pub": text(pair.public_key().as_ref()) })
            }
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
            Self::NewEd(_) => "Ed25519",
            Self::MlDsa(_) => "ML-DSA-87",
        }
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.algorithm(), "jwk": self.jwk() })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_message(&format!(
            "{}.{}",
            text(header.to_string()),
            text(claims.to_string())
        ))
    }

    fn sign_message(&self, message: &str) -> String {
        let signature = match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
                text(signature.as_ref())
            }
            Self::Ed(pair) | Self::NewEd(pair) => text(pair.sign(message.as_bytes()).as_ref()),
            Self::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message.as_bytes(), &mut signature).unwrap();
                text(signature)
            }
        };
        format!("{message}.{signature}")
    }
}

/// A good proof, with a claim of this very text.
fn with_text(holder: &Holder, token: &str, name: &str, value: &str) -> String {
    let mut claims = holder.claims("GET", "/items/", Some(token));
    claims.as_object_mut().unwrap().remove(name);
    let claims = format!(
        "{},\"{name}\":{value}}}",
        claims.to_string().trim_end_matches('}')
    );
    let header = text(holder.key.header().to_string());
    holder
        .key
        .sign_message(&format!("{header}.{}", text(claims)))
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
        for key in [
            Key::ec(),
            Key::Ed(Ed25519KeyPair::generate().unwrap()),
            Key::NewEd(Ed25519KeyPair::generate().unwrap()),
            Key::MlDsa(PqdsaKeyPair::generate(&ML_DSA_87_SIGNING).unwrap()),
        ] {
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
                    Some(
                        "DPoP algs=\"RS256 PS256 ES256 ES384 EdDSA Ed25519 ML-DSA-44 ML-DSA-65 ML-DSA-87\", \
                         error=\"invalid_dpop_proof\""
                    )
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
                Some(
                    "DPoP algs=\"RS256 PS256 ES256 ES384 EdDSA Ed25519 ML-DSA-44 ML-DSA-65 ML-DSA-87\", \
                     error=\"invalid_token\""
                )
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
        ("an escape of a plain letter", with("htu", url("/%69tems/"))),
        ("a doubled slash", with("htu", url("//items//"))),
        ("dot segments", with("htu", url("/a/%2e%2E/./items/"))),
        ("iat a fraction", with("iat", json!(NOW as f64 + 0.25))),
        (
            "iat with an exponent",
            with_text(&holder, token, "iat", "18e8"),
        ),
        (
            "a minute late, a fraction more",
            with("iat", json!(NOW as f64 - 59.5)),
        ),
        (
            "a header member that is not known",
            headed("x", Value::Null),
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
    let nulled = {
        let mut jwk = holder.key.jwk();
        jwk["d"] = Value::Null;
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
        (
            "too late by a fraction",
            with("iat", json!(NOW as f64 - 60.5)),
        ),
        ("iat before the epoch", with("iat", json!(-1.8e9))),
        ("iat beyond 64 bits", with("iat", json!(1e300))),
        ("iat null", with("iat", Value::Null)),
        ("iat a list", with("iat", json!([NOW]))),
        ("jti null", with("jti", Value::Null)),
        ("ath null", with("ath", Value::Null)),
        ("htu null", with("htu", Value::Null)),
        ("an escaped slash", with("htu", url("/items%2F"))),
        ("a broken escape", with("htu", url("/items/%4"))),
        ("an escape twice", with("htu", url("/%2569tems/"))),
        ("a path below", with("htu", url("/items/7"))),
        ("a backslash", with("htu", url("\\items/"))),
        (
            "a blank before",
            with("htu", Value::from(format!(" {}/items/", holder.origin))),
        ),
        ("a tab within", with("htu", url("/it\tems/"))),
        (
            "a name before the host",
            with(
                "htu",
                Value::from(holder.origin.replace("://", "://john@") + "/items/"),
            ),
        ),
        (
            "another port",
            with("htu", "http://127.0.0.1:1/items/".into()),
        ),
        ("no port", with("htu", "http://127.0.0.1/items/".into())),
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
        ("crit null", headed("crit", Value::Null)),
        ("crit empty", headed("crit", json!([]))),
        ("b64", headed("b64", json!(false))),
        ("typ null", headed("typ", Value::Null)),
        ("alg null", headed("alg", Value::Null)),
        (
            "jwk an array",
            headed("jwk", json!(["EC", "P-256", "x", "y"])),
        ),
        ("jwk null", headed("jwk", Value::Null)),
        ("a private member that is null", headed("jwk", nulled)),
        ("forged", forged),
        ("no JWT", "x".to_owned()),
        ("three dots", "a.b.c.d".to_owned()),
        ("very long", "x".repeat(13_000)),
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

/// Tokens in Redis outlive a server, and its memory of proofs does not.
#[tokio::test]
async fn over_redis_a_server_that_starts_anew_refuses_proofs_from_before_its_start() {
    let Some(redis) = crate::redis::Redis::start().await else {
        return;
    };
    let clock = Controlled::at_seconds(NOW);
    let origin = "http://auth.example";
    let open = async || {
        let design = Design {
            credential: authlab_server::CredentialKind::Opaque,
            refresh: RefreshKind::None,
            sessions: redis.sessions(),
            issuer: origin.parse().unwrap(),
            ..bound(CacheKind::None)
        };
        Served::start_at(design, Clock::Controlled(clock.clone())).await
    };
    let first = open().await;
    let mut holder = Holder::at(&first, Key::ec());
    origin.clone_into(&mut holder.origin);
    let issued = holder.token().await;
    let token = issued["access_token"].as_str().unwrap();
    let ours = format!("DPoP {token}");
    let seen = holder.proof("GET", "/items/", Some(token));
    let unseen = holder.proof("GET", "/items/", Some(token));
    assert_eq!(holder.items(&ours, Some(&seen)).await.status, 200);
    clock.advance(std::time::Duration::from_secs(1));
    let second = open().await;
    holder.client = second.client();
    for before in [&seen, &unseen] {
        assert_eq!(holder.items(&ours, Some(before)).await.status, 401);
    }
    let mut claims = holder.claims("GET", "/items/", Some(token));
    claims["iat"] = (NOW + 1).into();
    let now = holder.key.sign(&holder.key.header(), &claims);
    assert_eq!(holder.items(&ours, Some(&now)).await.status, 200);
}

/// A key under which everybody can sign is no proof of anything: R is the identity, S is zero.
#[tokio::test]
async fn a_key_of_small_order_is_refused() {
    let (server, _clock) = served(CacheKind::None).await;
    let client = server.client();
    let identity = {
        let mut point = [0; 32];
        point[0] = 1;
        point
    };
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(identity) });
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk });
    let claims = json!({
        "jti": "1", "htm": "POST", "htu": format!("http://{}/token", server.address), "iat": NOW,
    });
    let mut signature = [0; 64];
    signature[0] = 1;
    let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
    let proof = format!("{message}.{}", text(signature));
    let body = json!({ "username": "john", "password": "password123" });
    let request = client
        .request("POST", "/token")
        .header(CONTENT_TYPE, "application/json")
        .header("dpop", proof);
    let answer = client.send(request, body.to_string()).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.body["error"], "invalid_dpop_proof");
}

/// Spellings of one path are one path, on either side; and those of another are not.
#[tokio::test]
async fn an_address_is_compared_in_its_normal_form() {
    let (server, _clock) = served(CacheKind::None).await;
    let holder = Holder::at(&server, Key::ec());
    let issued = holder.token().await;
    let token = issued["access_token"].as_str().unwrap();
    let path = "/admin/accounts/a%40example.com/roles";
    let body = json!({ "roles": ["user"] });
    for (asked, proven, status) in [
        (path, path, 404),
        (path, "/admin/accounts/a@example.com/roles", 404),
        ("/admin/accounts/a@example.com/roles", path, 404),
        (path, "/admin/accounts/%61%40example.com/roles?x=1", 404),
        (
            "/admin/accounts/%c3%a4/roles",
            "/admin/accounts/%C3%A4/roles",
            404,
        ),
        (path, "/admin/accounts/b%40example.com/roles", 401),
        (path, "/admin/accounts/a%2540example.com/roles", 401),
        (path, "/admin/accounts/a%40example.com/roles/", 401),
    ] {
        let proof = holder.proof("POST", proven, Some(token));
        let request = holder
            .client
            .request("POST", asked)
            .header(AUTHORIZATION, format!("DPoP {token}"))
            .header(CONTENT_TYPE, "application/json")
            .header("dpop", proof);
        let answer = holder.client.send(request, body.to_string()).await;
        // There is no such account: granted, and not found.
        assert_eq!(
            answer.status, status,
            "{asked} by {proven}: {}",
            answer.text
        );
    }
}

/// Servers over one Redis know of each other's proofs; while it is away, none is good.
#[tokio::test]
async fn a_proof_that_was_used_at_one_server_is_refused_at_another() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    // Redis forgets proofs by its own clock.
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let clock = Clock::Controlled(Controlled::at_seconds(now.as_secs()));
    for cache in [CacheKind::None, CacheKind::Token] {
        let files = tempfile::tempdir().unwrap();
        std::fs::write(
            files.path().join("secret"),
            "a secret of at least thirty-two bytes",
        )
        .unwrap();
        let design = Design {
            sessions: redis.sessions(),
            secret_file: SecretFrom::File(files.path().join("secret")),
            issuer: "https://auth.example".parse().unwrap(),
            ..bound(cache)
        };
        let here = Served::start_at(design.clone(), clock.clone()).await;
        let there = Served::start_at(design, clock.clone()).await;
        let mut holder = Holder::at(&here, Key::ec());
        holder.origin = "https://auth.example".to_owned();
        let proof = |holder: &Holder, method: &str, path: &str, token: Option<&str>| {
            let mut claims = holder.claims(method, path, token);
            claims["iat"] = now.as_secs().into();
            holder.key.sign(&holder.key.header(), &claims)
        };
        let first = proof(&holder, "POST", "/token", None);
        let issued = holder.sign_in(Some(&first)).await;
        assert_eq!(issued.status, 200, "{}", issued.text);
        let token = issued.body["access_token"].as_str().unwrap();
        let ours = format!("DPoP {token}");
        let servers = [here.client(), there.client()];
        for (one, other) in [(0, 1), (1, 0), (0, 0)] {
            let once = proof(&holder, "GET", "/items/", Some(token));
            holder.client = servers[one].clone();
            assert_eq!(holder.items(&ours, Some(&once)).await.status, 200);
            holder.client = servers[other].clone();
            assert_eq!(holder.items(&ours, Some(&once)).await.status, 401);
        }
        holder.client = servers[1].clone();
        assert_eq!(holder.sign_in(Some(&first)).await.status, 400);

        redis.signal(Signal::STOP);
        let unknown = proof(&holder, "GET", "/items/", Some(token));
        assert_eq!(holder.items(&ours, Some(&unknown)).await.status, 503);
        redis.signal(Signal::CONT);
    }
}

/// A proof is good with a nonce of the last two periods, which every answer has; and of a stolen key one cannot make proofs for
/// later.
#[tokio::test]
async fn a_proof_needs_a_nonce_that_the_server_gave_lately() {
    let clock = Controlled::at_seconds(NOW);
    let design = Design {
        dpop_nonce: "20s".parse().unwrap(),
        ..bound(CacheKind::Token)
    };
    let server = Served::start_at(design, Clock::Controlled(clock.clone())).await;
    let holder = Holder::at(&server, Key::ec());
    let with = |method: &str, path: &str, token: Option<&str>, nonce: &str| {
        let mut claims = holder.claims(method, path, token);
        claims["nonce"] = nonce.into();
        holder.key.sign(&holder.key.header(), &claims)
    };
    let given = |answer: &Answer| answer.header("dpop-nonce").unwrap().to_owned();
    // RFC 9449 §8: the token endpoint answers 400.
    let bare = holder.proof("POST", "/token", None);
    let asked = holder.sign_in(Some(&bare)).await;
    assert_eq!(asked.status, 400, "{}", asked.text);
    assert_eq!(asked.body["error"], "use_dpop_nonce");
    let nonce = given(&asked);
    let issued = holder
        .sign_in(Some(&with("POST", "/token", None, &nonce)))
        .await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let token = issued.body["access_token"].as_str().unwrap().to_owned();
    let ours = format!("DPoP {token}");
    let shown = |nonce: &str| with("GET", "/items/", Some(&token), nonce);

    // RFC 9449 §9: a resource answers 401. A proof that was refused for its nonce is not used up.
    let bare = holder.proof("GET", "/items/", Some(&token));
    for _ in 0..2 {
        let asked = holder.items(&ours, Some(&bare)).await;
        assert_eq!(asked.status, 401, "{}", asked.text);
        let challenge = asked.header("www-authenticate").unwrap();
        assert!(
            challenge.ends_with("error=\"use_dpop_nonce\""),
            "{challenge}"
        );
    }
    let made_up = nonce.chars().rev().collect::<String>();
    for wrong in ["", "n", &made_up] {
        assert_eq!(holder.items(&ours, Some(&shown(wrong))).await.status, 401);
    }
    // A thief with another key is not told to try again.
    let thief = Holder::at(&server, Key::ec());
    let stolen = thief.proof("GET", "/items/", Some(&token));
    let refused = thief.items(&ours, Some(&stolen)).await;
    assert_eq!(refused.body["error"], "invalid_token", "{}", refused.text);

    let answer = holder.items(&ours, Some(&shown(&nonce))).await;
    assert_eq!(
        (answer.status, given(&answer)),
        (hyper::StatusCode::OK, nonce.clone()),
        "{}",
        answer.text
    );
    clock.advance(std::time::Duration::from_secs(20));
    let answer = holder.items(&ours, Some(&shown(&nonce))).await;
    assert_eq!(answer.status, 200, "of the period before");
    let next = given(&answer);
    assert_ne!(next, nonce);
    clock.advance(std::time::Duration::from_secs(20));
    assert_eq!(holder.items(&ours, Some(&shown(&nonce))).await.status, 401);
    assert_eq!(holder.items(&ours, Some(&shown(&next))).await.status, 200);
}

/// Servers over one Redis give nonces of one key, and a Redis that lost it hears it again.
#[tokio::test]
async fn a_nonce_of_one_server_is_good_at_another() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let clock = Clock::Controlled(Controlled::at_seconds(now.as_secs()));
    let files = tempfile::tempdir().unwrap();
    let secret = files.path().join("secret");
    std::fs::write(&secret, "a secret of at least thirty-two bytes").unwrap();
    let design = Design {
        sessions: redis.sessions(),
        secret_file: SecretFrom::File(secret),
        issuer: "https://auth.example".parse().unwrap(),
        dpop_nonce: "5m".parse().unwrap(),
        ..bound(CacheKind::None)
    };
    let here = Served::start_at(design.clone(), clock.clone()).await;
    let there = Served::start_at(design.clone(), clock.clone()).await;
    let mut holder = Holder::at(&here, Key::ec());
    holder.origin = "https://auth.example".to_owned();
    let proof = |holder: &Holder, nonce: &str| {
        let mut claims = holder.claims("POST", "/token", None);
        claims["iat"] = now.as_secs().into();
        claims["nonce"] = nonce.into();
        holder.key.sign(&holder.key.header(), &claims)
    };
    // What a server gives before it has heard of the others' key may be its own.
    let mut nonce = String::new();
    for server in [&here, &there, &here] {
        holder.client = server.client();
        let answer = holder.sign_in(Some(&proof(&holder, &nonce))).await;
        nonce = answer.header("dpop-nonce").unwrap().to_owned();
    }
    for server in [&here, &there, &here] {
        holder.client = server.client();
        let answer = holder.sign_in(Some(&proof(&holder, &nonce))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    redis.flush().await;
    let third = Served::start_at(design, clock).await;
    for server in [&here, &there, &third, &here, &third] {
        holder.client = server.client();
        let mut answer = holder.sign_in(Some(&proof(&holder, &nonce))).await;
        if answer.status == 400 {
            // The third was the first to be asked after the flush, or the others had not heard of it.
            nonce = answer.header("dpop-nonce").unwrap().to_owned();
            answer = holder.sign_in(Some(&proof(&holder, &nonce))).await;
        }
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
