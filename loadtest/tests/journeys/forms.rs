//! A step's forms: each variant makes it in its own, under one name; and loads that a profile leaves out.

use authlab_loadtest::scenario::Scenario;

use crate::failures;
use crate::place::run_scenario;
use crate::server::{answer, ok, serve};

const REST: &str = r#"
[[step]]
name = "login"
request = "POST /login"
save = { token = "json:/token" }
[[step]]
name = "login"
variants = ["keyed"]
request = "POST /keys"
save = { token = "json:/key" }
[[step]]
name = "read"
request = "GET /read"
bearer = "{token}"
[[step]]
name = "read"
variants = ["keyed"]
request = "GET /read"
headers = { x-api-key = "{token}" }
[[load]]
name = "left-out"
users = 1
journey = ["login"]
profile.quick = { blocks = 0, slice = "1s" }
[[load]]
name = "one"
users = 1
prepare = ["login"]
journey = ["read"]
profile.quick = { blocks = 1, slice = "60ms", warm_up = "1ms" }
"#;

#[test]
fn each_variant_shows_its_own_credential_under_the_steps_one_name() {
    let server = |path: &'static str, body: &'static str, header: &'static str| {
        serve(move |asked| match asked.line.as_str() {
            "GET /" => ok(""),
            line if line == path => ok(body),
            "GET /read" if !asked.header(header).is_empty() => ok(""),
            _ => answer(401, &[], ""),
        })
    };
    let tokens = server("POST /login", r#"{"token":"t"}"#, "authorization");
    let keys = server("POST /keys", r#"{"key":"k"}"#, "x-api-key");
    let text = format!(
        "name = \"t\"\nquestion = \"?\"\n[[variant]]\nname = \"token\"\nurl = \"{}\"\n\
         [[variant]]\nname = \"keyed\"\nurl = \"{}\"\n{REST}",
        tokens.url, keys.url
    );
    let scenario = Scenario::parse("t.toml", &text, "quick").unwrap();
    let finished = run_scenario(&scenario);
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    for variant in ["token", "keyed"] {
        let mut slices = finished
            .run
            .slices
            .iter()
            .filter(|slice| slice.variant == variant);
        assert!(
            slices.all(|slice| slice.ok > 0 && slice.load == "one"),
            "{variant}"
        );
    }
    assert_eq!(finished.run.scenario.loads.len(), 1);
}
