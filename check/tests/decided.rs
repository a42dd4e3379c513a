//! Policy decision points, whose answers say in their body what is decided.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authlab_check::contract::Contract;
use authlab_check::{Bounds, Kind, Options, Outcome, Verdict, check};
use axum::Router;
use axum::extract::{Json, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use serde_json::{Value, json};

const CONTRACT: &str = r#"
name = "decisions"
base = "BASE"

[[step]]
name = "sign-in"
request = "POST /token"
json = { user = "{name}" }
save = { token = "json:/token" }

[[principal]]
name = "ann"
role = "editor"
values = { secret = "secret-of-the-service" }
sign_in = ["sign-in"]
present = [{ basic = ["service", "{secret}"] }]

[[principal]]
name = "bob"
role = "reader"
values = { secret = "secret-of-the-service" }
sign_in = ["sign-in"]
present = [{ basic = ["service", "{secret}"] }]

[[route]]
name = "read"
request = "POST /evaluation"
json = { token = "{token}", action = "read" }
decision = "/decision"
may = ["editor", "reader"]

[[route]]
name = "write"
request = "POST /evaluation"
json = { token = "{token}", action = "write" }
decision = "/decision"
may = ["editor"]
"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// What is decided for one action is kept for the other.
    ActionNotInKey,
    /// The first octets of a token are kept, which all tokens share.
    TokenPrefix,
    /// What was kept is a text.
    TextWhenKept,
}

struct Point {
    wrong: Wrong,
    /// Tokens, and whose they are.
    issued: Mutex<HashMap<String, String>>,
    kept: Mutex<HashMap<(String, String), bool>>,
}

/// Starts a decision point; it ends with the process.
fn start(wrong: Wrong) -> SocketAddr {
    let point = Arc::new(Point {
        wrong,
        issued: Mutex::default(),
        kept: Mutex::default(),
    });
    let router = Router::new()
        .route("/token", post(token))
        .route("/evaluation", post(evaluation))
        .with_state(point);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

async fn token(State(point): State<Arc<Point>>, Json(asked): Json<Value>) -> Json<Value> {
    let mut issued = point.issued.lock().unwrap();
    let user = asked["user"].as_str().unwrap();
    let token = format!("token-of-this-issuer.{:020}.{user}.ends", issued.len());
    issued.insert(token.clone(), user.to_owned());
    Json(json!({ "token": token }))
}

/// Only the service may ask.
async fn evaluation(
    State(point): State<Arc<Point>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let shown: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().collect();
    // `service:secret-of-the-service`
    if shown != ["Basic c2VydmljZTpzZWNyZXQtb2YtdGhlLXNlcnZpY2U="] {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let [token, action] = ["token", "action"].map(|name| asked[name].as_str().unwrap().to_owned());
    let user = point.issued.lock().unwrap().get(&token).cloned();
    let user = user.unwrap_or_default();
    let decide = || user == "ann" || user == "bob" && action == "read";
    let key = match point.wrong {
        Wrong::ActionNotInKey => (token.clone(), String::new()),
        Wrong::TokenPrefix => (token[..20].to_owned(), action.clone()),
        _ => (token.clone(), action.clone()),
    };
    let mut kept = point.kept.lock().unwrap();
    let was_kept = kept.contains_key(&key);
    let decision = *kept.entry(key).or_insert_with(decide);
    if point.wrong == Wrong::TextWhenKept && was_kept {
        return Ok(Json(json!({ "decision": decision.to_string() })));
    }
    Ok(Json(json!({ "decision": decision })))
}

fn checked(contract: &str, wrong: Wrong) -> Result<Outcome, String> {
    let text = contract.replace("BASE", &format!("http://{}", start(wrong)));
    let contract = Contract::parse("decisions.toml", &text).map_err(|error| error.to_string())?;
    let options = Options {
        seed: 1,
        bounds: Bounds {
            rate: 100_000.0,
            requests: 1_500,
            time: Duration::from_secs(300),
        },
        keeps_going: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(check(&contract, options));
    outcome.map_err(|refused| refused.to_string())
}

#[test]
fn a_decision_in_the_body_is_judged_and_not_the_status() {
    let right = checked(CONTRACT, Wrong::Nothing).unwrap();
    assert_eq!(
        right.verdict,
        Verdict::NothingFound,
        "{:#?}",
        right.violations
    );
    for form in ["token-tail", "token-head", "token-cut", "token-long"] {
        assert!(
            right.coverage.forms.contains_key(form),
            "{:?}",
            right.coverage.forms
        );
    }
    for (wrong, kind) in [
        (Wrong::ActionNotInKey, Kind::Permitted),
        (Wrong::TokenPrefix, Kind::Permitted),
        (Wrong::TextWhenKept, Kind::Content),
    ] {
        let outcome = checked(CONTRACT, wrong).unwrap();
        assert_eq!(outcome.verdict, Verdict::Violation, "{wrong:?}");
        let violation = &outcome.violations[0];
        assert_eq!(violation.kind, kind, "{}", violation.sentence);
        assert!(violation.requests <= 4, "{wrong:?}: {:?}", violation.steps);
        // The token is in the body, and is worth as much there as in a header.
        let commands = violation.curl.join("\n");
        assert!(!commands.contains("token-of-this-issuer"), "{commands}");
        assert!(commands.contains("\\\"token\\\":\\\"${"), "{commands}");
    }
}

#[test]
fn a_contract_that_looks_for_the_decision_elsewhere_is_one_line() {
    for (from, to, said) in [
        (
            "decision = \"/decision\"",
            "decision = \"/allowed\"",
            "decisions.toml:27: `read` is answered without true or false at /allowed",
        ),
        (
            "decision = \"/decision\"",
            "decision = \"decision\"",
            "decisions.toml:29: `decision` is no JSON pointer; write e.g. /decision",
        ),
        (
            "name = \"write\"",
            "name = \"read\"",
            "decisions.toml:33: route `read` is already there; give one of them a `name`",
        ),
        (
            "name = \"write\"",
            "name = \"wait\"",
            "decisions.toml:33: `wait` has a meaning of its own; choose another name",
        ),
    ] {
        let refused = checked(&CONTRACT.replace(from, to), Wrong::Nothing);
        assert_eq!(refused.err().as_deref(), Some(said));
    }
}
