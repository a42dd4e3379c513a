//! What a scenario file says wrong of journeys, pools and their steps is named with file, line and
//! what is accepted.

#![allow(clippy::too_many_lines, reason = "tables")]

#[path = "scripted/refusals.rs"]
mod refusals;

use authlab_loadtest::scenario::Scenario;
use refusals::{each_is_told, refusal};

const GOOD: &str = r#"name = "s"
question = "?"
[[variant]]
name = "a"
url = "http://127.0.0.1:9"
[[pool]]
name = "accounts"
size = 10
popularity = "zipf 1.1"
probe_for = "2s"
fill = ["token"]
[[step]]
name = "token"
request = "POST /token"
basic = ["{accounts}", "x"]
form = { grant = "x" }
dpop = true
save = { token = "json:/t", h = "header:x", c = "cookie:x", f = "field:x", q = "query:x" }
[[step]]
name = "page"
set = { state = "{random}" }
request = "GET /page?{state}"
follow = 5
[[step]]
name = "login"
submit = { name = "{accounts}" }
[[step]]
name = "read"
request = "GET /read"
bearer = "{token}"
probe = "accounts"
[[step]]
name = "revoke"
request = "GET {token}"
revoke = "accounts"
[[load]]
name = "one"
users = 1
pools = ["accounts"]
cookies = "journey"
once = ["page", "login"]
journeys = [
  { weight = 2, steps = ["read*5"] },
  { weight = 1, steps = ["page", "login", "revoke"] },
]
profile.quick = { blocks = 1, slice = "10ms" }
"#;

#[test]
fn each_mistake_in_a_pool_is_one_line_with_its_place_and_what_is_accepted() {
    each_is_told(
        GOOD,
        &[
            (
                "name = \"accounts\"",
                "name = \"Accounts\"",
                7,
                "use lower-case letters",
            ),
            (
                "name = \"accounts\"",
                "name = \"user\"",
                7,
                "none of: user, random, pkce_verifier",
            ),
            ("size = 10", "", 7, "exactly one of: size, csv"),
            (
                "size = 10",
                "size = 10\ncsv = \"x.csv\"",
                7,
                "exactly one of: size, csv",
            ),
            ("size = 10", "csv = \"none.csv\"", 8, "csv `none.csv`: "),
            ("size = 10", "size = 0", 8, "1 to 1000000 members"),
            ("size = 10", "size = 1000001", 8, "1 to 1000000 members"),
            ("size = 10", "sise = 10", 8, "did you mean `size`?"),
            ("zipf 1.1", "zipf", 9, "use uniform, turn, or `zipf 1.1`"),
            ("zipf 1.1", "zipf -1", 9, "use uniform, turn, or `zipf 1.1`"),
            (
                "zipf 1.1",
                "zipf NaN",
                9,
                "use uniform, turn, or `zipf 1.1`",
            ),
            ("\"2s\"", "\"2\"", 10, "write 500us"),
            (
                "fill = [\"token\"]",
                "fill = [\"tokn\"]",
                11,
                "did you mean `token`?",
            ),
            (
                "fill = [\"token\"]",
                "fill = [\"read\"]",
                7,
                "uses {token}, which no earlier step saves",
            ),
        ],
    );
}

#[test]
fn each_mistake_in_a_step_is_one_line_with_its_place_and_what_is_accepted() {
    each_is_told(
        GOOD,
        &[
            (
                "request = \"POST /token\"",
                "",
                13,
                "needs `request = \"GET /path\"`, or `submit`",
            ),
            ("POST /token", "POST token", 14, "write it as `GET /path`"),
            (
                "basic = [\"{accounts}\", \"x\"]",
                "basic = [\"x\"]",
                15,
                "write basic = [\"user\", \"password\"]",
            ),
            (
                "basic = [\"{accounts}\", \"x\"]",
                "basic = [\"x\", \"y\"]\nbearer = \"z\"",
                16,
                "`basic` or `bearer`, not both",
            ),
            (
                "form = { grant = \"x\" }",
                "form = { grant = \"x\" }\nbody = \"x\"",
                16,
                "`body` or `form`, not both",
            ),
            (
                "form = { grant = \"x\" }",
                "form = { grant = \"x\" }\njson = { a = 1 }",
                16,
                "`json` or `form`, not both",
            ),
            (
                "form = { grant = \"x\" }",
                "form = [\"x\"]",
                16,
                "expected a map",
            ),
            ("dpop = true", "dpop = \"yes\"", 17, "expected a boolean"),
            (
                "json:/t",
                "xml:/t",
                18,
                "use json:/pointer, header:name, cookie:name, field:name or query:name",
            ),
            ("header:x", "header:a b", 18, "use json:/pointer"),
            ("cookie:x", "cookie:", 18, "use json:/pointer"),
            ("{ token =", "{ Token =", 18, "use lower-case letters"),
            (
                "{ token =",
                "{ random =",
                18,
                "every user has a `random` of its own",
            ),
            (
                "{ token =",
                "{ accounts =",
                18,
                "is a value of pool `accounts`",
            ),
            (
                "set = { state",
                "set = { accounts",
                21,
                "is a value of pool `accounts`",
            ),
            ("set = { state", "set = { pkce_verifier", 21, "of its own"),
            ("follow = 5", "follow = 21", 23, "at most 20"),
            (
                "submit =",
                "request = \"GET /\"\nsubmit =",
                26,
                "`request` or `submit`, not both",
            ),
            (
                "{ name = \"{accounts}\" }",
                "{ name = \"{accounts}\" }\nform = { x = \"1\" }",
                26,
                "`form` or `submit`, not both",
            ),
            (
                "probe = \"accounts\"",
                "probe = \"acounts\"",
                31,
                "no pool is named `acounts`; there are: accounts",
            ),
            (
                "revoke = \"accounts\"",
                "revoke = \"x\"",
                35,
                "no pool is named `x`",
            ),
        ],
    );
}

#[test]
fn each_mistake_in_a_load_is_one_line_with_its_place_and_what_is_accepted() {
    each_is_told(
        GOOD,
        &[
            (
                "pools = [\"accounts\"]",
                "pools = [\"x\"]",
                39,
                "no pool is named `x`; there are: accounts",
            ),
            (
                "pools = [\"accounts\"]",
                "pools = [\"accounts\", \"accounts\"]",
                39,
                "already there",
            ),
            (
                "pools = [\"accounts\"]",
                "",
                37,
                "uses {accounts}, which no earlier step saves",
            ),
            (
                "cookies = \"journey\"",
                "cookies = \"yes\"",
                40,
                "use user, journey or none",
            ),
            (
                "once = [\"page\", \"login\"]",
                "once = [\"pge\"]",
                41,
                "did you mean `page`?",
            ),
            (
                "once = [\"page\", \"login\"]",
                "once = [\"login\"]",
                37,
                "the step before it must get its page",
            ),
            ("weight = 2", "weight = 0", 43, "a weight is 1 or more"),
            ("weight = 2", "wait = 2", 43, "unknown field `wait`"),
            ("[\"read*5\"]", "[]", 43, "at least one step"),
            ("[\"read*5\"]", "[\"red*5\"]", 43, "there are: token, page"),
            (
                "[\"page\", \"login\", \"revoke\"]",
                "[\"login\"]",
                44,
                "the step before it must get its page",
            ),
            (
                "journeys = [",
                "journey = [\"read\"]\njourneys = [",
                43,
                "`journey` or `journeys`, not both",
            ),
        ],
    );
}

/// (what is replaced, by what, the line named, words that must appear)
#[test]
fn a_load_needs_a_journey() {
    let start = GOOD.find("journeys = [").unwrap_or_default();
    let end = GOOD.find("profile.quick").unwrap_or_default();
    let said = refusal(&format!("{}{}", &GOOD[..start], &GOOD[end..]));
    assert!(
        said.starts_with("s.toml:37: a load needs `journey"),
        "{said}"
    );
    let said = refusal(&format!(
        "{}journeys = []\n{}",
        &GOOD[..start],
        &GOOD[end..]
    ));
    assert!(
        said.starts_with("s.toml:42: `journeys` needs at least one"),
        "{said}"
    );
}

#[test]
fn a_probe_outside_of_a_journey_that_draws_from_its_pool_is_refused() {
    let without = GOOD.replacen("bearer = \"{token}\"", "", 1).replacen(
        "pools = [\"accounts\"]",
        "prepare = [\"read\"]",
        1,
    );
    let said = refusal(&without);
    assert!(
        said.contains("add pools = [\"accounts\"] to the load"),
        "{said}"
    );
}

#[test]
fn the_examples_of_the_documentation_are_accepted() {
    let page = include_str!("../../docs/scenarios.md");
    let head = &GOOD[..GOOD.find("[[pool]]").unwrap_or_default()];
    // The second has variants and a load of its own.
    let heads = [head, "name = \"s\"\nquestion = \"?\"\n"];
    // Two whole files come first, which tests/documented.rs runs.
    let examples = page.split("```toml\n").skip(3);
    assert_eq!(examples.clone().count(), heads.len());
    for (head, example) in heads.into_iter().zip(examples) {
        let example = example.split("```").next().unwrap_or_default();
        let read = Scenario::parse("s.toml", &format!("{head}{example}"), "full");
        assert!(read.is_ok(), "{read:?}");
    }
}
