//! How requests are built: helpers, fresh values, escaping.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::place::run;
use crate::server::{answer, ok, serve};
use crate::{failures, load};

#[test]
fn forms_and_credentials_arrive_as_their_standards_say() {
    let server = serve(|_| ok(""));
    let steps = r#"
[[step]]
name = "form"
request = "POST /form"
basic = ["lab:{user}", "päss"]
form = { "a b" = "x&y=é {user}", plain = "1" }
[[step]]
name = "bearer"
request = "GET /bearer"
bearer = "token-{user}"
"#;
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"form\", \"bearer\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let form = &server.asked_at("POST /form")[0];
    assert_eq!(
        form.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    let user = form.field("a b").split(' ').next_back().unwrap().to_owned();
    assert_eq!(form.field("a b"), format!("x&y=é {user}"));
    assert!(form.body.ends_with("&plain=1"), "{}", form.body);
    let expected = STANDARD.encode(format!("lab:{user}:päss"));
    assert_eq!(form.header("authorization"), format!("Basic {expected}"));
    let bearer = &server.asked_at("GET /bearer")[0];
    assert!(bearer.header("authorization").starts_with("Bearer token-"));
}

#[test]
fn random_text_is_fresh_at_each_use_and_a_set_value_stays() {
    let server = serve(|_| ok(""));
    let steps = r#"
[[step]]
name = "first"
set = { state = "s-{random}" }
request = "GET /first?state={state}&one={random}&two={random}"
[[step]]
name = "then"
request = "GET /then?state={state}"
"#;
    let _ = run(
        &server.url,
        &format!("{steps}{}", load("\"first\", \"then\"", "")),
    );
    let first = server.asked_at("GET /first");
    let mut seen = BTreeSet::new();
    for asked in &first {
        for field in ["one", "two"] {
            let random = asked.field(field);
            assert_eq!(URL_SAFE_NO_PAD.decode(&random).unwrap().len(), 16);
            assert!(seen.insert(random), "{asked:?}");
        }
        assert!(seen.insert(asked.field("state")), "{asked:?}");
    }
    for asked in server.asked_at("GET /then") {
        assert!(seen.contains(&asked.field("state")), "{asked:?}");
    }
}

#[test]
fn a_challenge_is_of_its_journeys_verifier_and_each_journey_has_its_own() {
    let server = serve(|_| ok(""));
    let steps = r#"
[[step]]
name = "authorize"
request = "GET /authorize?user={user}&challenge={pkce_challenge}"
[[step]]
name = "token"
request = "POST /token"
form = { user = "{user}", verifier = "{pkce_verifier}" }
"#;
    let _ = run(
        &server.url,
        &format!("{steps}{}", load("\"authorize\", \"token\"", "")),
    );
    let of = |user: &str, line: &str, field: &str| -> Vec<String> {
        let mut asked = server.asked_at(line);
        asked.retain(|asked| asked.field("user") == user);
        asked.iter().map(|asked| asked.field(field)).collect()
    };
    for user in ["0", "1"] {
        let challenges = of(user, "GET /authorize", "challenge");
        let verifiers = of(user, "POST /token", "verifier");
        for verifier in &verifiers {
            assert_eq!(verifier.len(), 43);
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
            assert!(challenges.contains(&challenge), "{verifier}");
        }
        let distinct: BTreeSet<_> = verifiers.iter().collect();
        assert_eq!(distinct.len(), verifiers.len());
    }
}

#[test]
fn a_run_with_the_same_seed_sends_the_same_random_values() {
    let first_values = || {
        let server = serve(|_| ok(""));
        let step = "[[step]]\nname = \"get\"\nrequest = \"GET /get?user={user}&r={random}\"\n";
        let _ = run(&server.url, &format!("{step}{}", load("\"get\"", "")));
        let mut asked = server.asked_at("GET /get?user=1");
        asked.truncate(20);
        asked
            .iter()
            .map(|asked| asked.field("r"))
            .collect::<Vec<_>>()
    };
    let (first, second) = (first_values(), first_values());
    // On a loaded machine a run may lose its first requests: what it sends then is the same, from there on.
    let goes_on_as =
        |one: &[String], other: &[String]| one.windows(3).any(|part| part == &other[..3]);
    assert!(
        goes_on_as(&first, &second) || goes_on_as(&second, &first),
        "{first:?} {second:?}"
    );
}

#[test]
fn a_value_in_json_is_escaped() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /name" => ok(r#"{"name":"a \"quoted\" \\ name\n"}"#),
        _ => ok(""),
    });
    let steps = r#"
[[step]]
name = "name"
request = "GET /name"
save = { name = "json:/name" }
[[step]]
name = "greet"
request = "POST /greet"
json = { greeting = "hello {name}!", deep = { list = [1, true] } }
"#;
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"name\", \"greet\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let greet = &server.asked_at("POST /greet")[0];
    let json: serde_json::Value = serde_json::from_str(&greet.body).unwrap();
    assert_eq!(json["greeting"], "hello a \"quoted\" \\ name\n!");
    assert_eq!(greet.header("content-type"), "application/json");
}

#[test]
fn what_is_wrong_with_a_value_is_told_without_the_value() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /secret" => answer(200, &[], "{\"secret\":\"top\\nsecret\"}"),
        _ => ok(""),
    });
    let secret = "[[step]]\nname = \"secret\"\nrequest = \"GET /secret\"\nsave = { secret = \"json:/secret\" }\n";
    for uses in [
        "request = \"GET /x\"\nbearer = \"{secret}\"",
        "request = \"GET /x\"\nheaders = { x = \"{secret}\" }",
        "request = \"GET /{secret:raw}\"",
    ] {
        let use_it = format!("[[step]]\nname = \"use\"\n{uses}\n");
        let finished = run(
            &server.url,
            &format!("{secret}{use_it}{}", load("\"secret\", \"use\"", "")),
        );
        let failures = failures(&finished.run);
        assert!(
            failures[0].starts_with("use: ") && failures[0].contains("filled"),
            "{failures:?}"
        );
        assert!(!failures.join("").contains("top"), "{failures:?}");
    }
}
