//! Staleness: what passes after its revoke was answered is counted, and for how long; what is
//! refused then is right.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authlab_reports::{ladder, render};

use crate::failures;
use crate::place::{count, percentile, run};
use crate::server::{Answer, Asked, answer, ok, serve};

/// 1 000 requests a second on 50 tokens, a twentieth of them revokes.
const SCENARIO: &str = r#"
[[pool]]
name = "tokens"
size = 50
fill = ["login"]
probe_for = "150ms"
[[step]]
name = "login"
request = "POST /login?of={tokens}"
save = { token = "json:/token" }
[[step]]
name = "read"
request = "GET /read"
bearer = "{token}"
probe = "tokens"
[[step]]
name = "revoke"
request = "POST /revoke"
form = { token = "{token}" }
revoke = "tokens"
[[load]]
name = "one"
users = 8
rate = 1000
pools = ["tokens"]
journeys = [{ weight = 19, steps = ["read"] }, { weight = 1, steps = ["revoke"] }]
profile.quick = { blocks = 1, slice = "1s", warm_up = "1ms" }
"#;

/// Issues tokens; a revoked one passes for `passes` more.
fn issuer(passes: Duration) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    type Issued = (usize, BTreeMap<String, Option<Instant>>);
    let issued: Arc<Mutex<Issued>> = Arc::default();
    move |asked| {
        let mut issued = issued.lock().unwrap();
        match asked.line.as_str() {
            "GET /" => ok(""),
            "GET /read" => {
                let token = asked
                    .header("authorization")
                    .strip_prefix("Bearer ")
                    .unwrap();
                match issued.1[token] {
                    Some(revoked) if revoked.elapsed() >= passes => answer(401, &[], ""),
                    _ => ok(""),
                }
            }
            "POST /revoke" => {
                let revoked = issued.1.get_mut(&asked.field("token")).unwrap();
                revoked.get_or_insert_with(Instant::now);
                ok("")
            }
            _ => {
                issued.0 += 1;
                let token = format!("t-{}", issued.0);
                let body = format!(r#"{{"token":"{token}"}}"#);
                issued.1.insert(token, None);
                ok(&body)
            }
        }
    }
}

#[test]
fn a_server_that_revokes_at_once_has_no_stale_answers_and_its_refusals_are_no_failures() {
    let server = serve(issuer(Duration::ZERO));
    let finished = run(&server.url, SCENARIO);
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let probed: u64 = finished.run.slices.iter().map(|slice| slice.probed).sum();
    let stale: u64 = finished.run.slices.iter().map(|slice| slice.stale).sum();
    assert!(probed > 20, "{probed}");
    assert_eq!(stale, 0);
    // Revoked members come back with fresh tokens: not everything ends up refused.
    let answered: u64 = finished.run.slices.iter().map(|slice| slice.ok).sum();
    assert_eq!(answered, 2_000);
    assert!(probed < answered / 2, "{probed}");
    let filled = server.asked_at("POST /login").len();
    assert!(filled > 60, "{filled}");
}

#[test]
fn a_server_that_remembers_for_50_ms_is_caught_with_how_long() {
    let server = serve(issuer(Duration::from_millis(50)));
    let finished = run(&server.url, SCENARIO);
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let stale: u64 = finished.run.slices.iter().map(|slice| slice.stale).sum();
    let probed: u64 = finished.run.slices.iter().map(|slice| slice.probed).sum();
    assert!(stale > 0 && stale < probed, "{stale} {probed}");
    assert_eq!(count(&finished.run, "read", "stale"), stale);
    // Sent at most so long after the answer; the server's clock began before it.
    let longest = percentile(&finished.run, "read", "stale", 99.99);
    assert!(longest <= 50_100_000, "{longest}");
    let shown = render::text(&ladder::document(&finished.run));
    assert!(
        shown.contains("requests sent after a revoke was answered still passed; longest "),
        "{shown}"
    );
}

#[test]
fn what_is_neither_passed_nor_refused_is_a_failure() {
    let issue = issuer(Duration::ZERO);
    let server = serve(move |asked| {
        let answered = issue(asked);
        if answered.status() == 401 {
            return answer(500, &[], "");
        }
        answered
    });
    let finished = run(&server.url, SCENARIO);
    assert!(
        failures(&finished.run)
            .iter()
            .all(|reason| reason == "read: status 500")
    );
    assert!(
        finished
            .run
            .slices
            .iter()
            .any(|slice| slice.probed > 0 && slice.stale == 0)
    );
}
