//! Steps made once, and journeys by weight.

use std::collections::BTreeMap;

use crate::failures;
use crate::place::{count, run};
use crate::server::{ok, serve};

const STEPS: &str = r#"
[[step]]
name = "login"
request = "POST /login?user={user}"
save = { token = "json:/token" }
[[step]]
name = "read"
request = "GET /read?user={user}"
bearer = "{token}"
[[step]]
name = "write"
request = "GET /write"
"#;

#[test]
fn once_steps_begin_each_users_first_journey_in_warm_up_and_in_what_is_measured() {
    let server = serve(|_| ok(r#"{"token":"t"}"#));
    let load = r#"
[[load]]
name = "one"
users = 3
once = ["login"]
journey = ["read"]
profile.quick = { blocks = 2, slice = "50ms", warm_up = "1ms" }
"#;
    let finished = run(&server.url, &format!("{STEPS}{load}"));
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    assert_eq!(
        count(&finished.run, "login", "service"),
        3,
        "timed, once a user"
    );
    let mut of_user: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for asked in server.asked() {
        let lines = of_user.entry(asked.field("user")).or_default();
        lines.push(asked.line.split(['/', '?']).nth(1).unwrap().to_owned());
    }
    for lines in of_user.values() {
        assert_eq!(lines[0], "login");
        assert_eq!(lines.iter().filter(|line| *line == "login").count(), 2);
        assert!(lines.len() > 4);
    }
}

#[test]
fn journeys_are_chosen_by_their_weight() {
    let server = serve(|_| ok("{}"));
    let load = r#"
[[load]]
name = "one"
users = 2
rate = 2000
journeys = [{ weight = 9, steps = ["write"] }, { weight = 1, steps = ["other"] }]
profile.quick = { blocks = 1, slice = "500ms", warm_up = "1ms" }
"#;
    let other = "[[step]]\nname = \"other\"\nrequest = \"GET /other\"\n";
    let finished = run(&server.url, &format!("{STEPS}{other}{load}"));
    let (writes, others) = (
        count(&finished.run, "write", "service") as f64,
        count(&finished.run, "other", "service") as f64,
    );
    // 2 000 arrivals (two slices): five standard deviations of a binomial count are 67.
    assert!((writes + others - 2_000.0).abs() < 1.0, "{writes} {others}");
    assert!((others - 200.0).abs() < 67.0, "{others}");
    assert_eq!(finished.run.scenario.loads[0].first, ["write", "other"]);
    // What is offered is journeys, whichever they begin with.
    let table = authlab_reports::ladder::Table::of(&finished.run);
    let offered = &table.offered[0];
    assert!((offered.planned_per_s - 2_000.0).abs() < 1.0, "{offered:?}");
    // On a loaded machine they are answered in more than the second for which they were planned.
    let slices = finished.run.slices.iter();
    let answering: f64 = slices.map(|slice| slice.answering().as_secs_f64()).sum();
    assert!(
        (offered.answered_per_s * answering - 2_000.0).abs() < 1.0,
        "{offered:?}"
    );
}
