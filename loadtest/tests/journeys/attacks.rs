//! Attacks: what is to be refused is counted apart, as refused or as passed; what is neither is a failure.

use std::collections::BTreeMap;
use std::sync::Mutex;

use authlab_reports::run::Attack;

use crate::failures;
use crate::place::run;
use crate::server::{answer, ok, serve};

const SCENARIO: &str = r#"
[[step]]
name = "own"
request = "GET /own"
bearer = "t"
dpop = true
[[step]]
name = "stolen"
request = "GET /own"
headers = { authorization = "DPoP t" }
attack = "theft"
[[step]]
name = "again"
request = "GET /own"
bearer = "t"
dpop = true
attack = "replay"
[[step]]
name = "guess"
request = "GET /broken"
attack = "flood"
[[load]]
name = "one"
users = 1
journey = ["own", "again", "stolen", "guess"]
profile.quick = { blocks = 1, slice = "100ms", warm_up = "1ms" }
"#;

#[test]
fn a_refusal_is_right_a_pass_is_counted_and_anything_else_fails() {
    let seen: Mutex<Vec<String>> = Mutex::default();
    let server = serve(move |asked| match asked.line.as_str() {
        "GET /" => ok(""),
        "GET /broken" => answer(500, &[], ""),
        _ => {
            let proof = asked.header("dpop").to_owned();
            let mut seen = seen.lock().unwrap();
            if !proof.is_empty() && seen.contains(&proof) {
                return answer(401, &[], "");
            }
            seen.push(proof);
            ok("")
        }
    });
    let finished = run(&server.url, SCENARIO);
    let mut attacks: BTreeMap<String, Attack> = BTreeMap::new();
    for (name, attack) in finished.run.slices.iter().flat_map(|slice| &slice.attacks) {
        *attacks.entry(name.clone()).or_default() += *attack;
    }
    let (theft, replay) = (attacks["theft"], attacks["replay"]);
    assert!(theft.tried > 0, "{theft:?}");
    assert_eq!(theft.passed, theft.tried, "no proof is asked for");
    assert!(replay.tried > 0, "{replay:?}");
    assert_eq!(replay.passed, 0, "the very proof of the request before");
    assert_eq!(attacks.len(), 2, "a 500 refuses nothing: {attacks:?}");
    let failures = failures(&finished.run);
    assert!(
        failures
            .iter()
            .all(|reason| reason.contains("guess: status 500")),
        "{failures:?}"
    );
    assert!(!failures.is_empty());
}
