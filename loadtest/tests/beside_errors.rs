//! What a scenario file says wrong of servers beside its variants' is named with file, line and what is accepted.

#[path = "scripted/refusals.rs"]
mod refusals;

use refusals::{Mistake, each_is_told, refusal};

const GOOD: &str = r#"name = "s"
question = "?"
[[beside]]
name = "redis"
command = ["redis-server", "--port", "{port}"]
[[beside]]
name = "central"
flags = { sessions = "redis://{redis}" }
[[variant]]
name = "a"
beside = ["redis", "central"]
flags = { sessions = "redis://{redis}" }
[[variant]]
name = "b"
beside = ["redis", "central"]
command = ["serve", "{port}", "{central}"]
[[step]]
name = "login"
at = "central"
request = "GET /login"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
users = 1
prepare = ["login"]
journey = ["get"]
profile.quick = { blocks = 1, slice = "10ms" }
"#;

const BOTH: &str = "beside = [\"redis\", \"central\"]";

/// What is replaced, by what, the line named, words that must appear.
const MISTAKES: &[Mistake] = &[
    (
        "name = \"redis\"",
        "name = \"re.dis\"",
        4,
        "use letters, digits and `-`",
    ),
    ("name = \"redis\"", "name = \"port\"", 4, "and not `port`"),
    ("name = \"central\"", "name = \"redis\"", 7, "already there"),
    (
        "command = [\"redis-server\"",
        "comand = [\"redis-server\"",
        5,
        "did you mean `command`?",
    ),
    (
        "command = [\"redis-server\", \"--port\", \"{port}\"]",
        "",
        4,
        "exactly one of: flags (a reference server), command",
    ),
    ("\"--port\", \"{port}\"", "\"--port\"", 4, "{port}"),
    (
        "\"{port}\"]\n[[beside]]",
        "\"{port}\"]\nready = \"ping\"\n[[beside]]",
        6,
        "is a path",
    ),
    (
        "\"{port}\"]\n[[beside]]",
        "\"{port}\"]\nready_within = \"soon\"\n[[beside]]",
        6,
        "write 500us",
    ),
    (
        "flags = { sessions",
        "ready = \"/\"\nflags = { sessions",
        8,
        "belong to a [[beside]] with a `command`",
    ),
    (
        "redis://{redis}",
        "redis://{radis}",
        7,
        "uses {radis}, which is no other [[beside]]; there are: redis, central",
    ),
    (
        "redis://{redis}",
        "redis://{central}",
        7,
        "uses {central}, which is no other",
    ),
    (
        BOTH,
        "beside = [\"redis\", \"centre\"]",
        11,
        "no beside is named `centre`; there are: redis, central",
    ),
    (BOTH, "beside = [\"redis\", \"redis\"]", 11, "already there"),
    (
        BOTH,
        "beside = [\"central\", \"redis\"]",
        11,
        "`central` uses {redis}: name it before",
    ),
    (
        BOTH,
        "beside = [\"redis\"]",
        19,
        "variant `a` has not beside it",
    ),
    (
        "beside = [\"redis\", \"central\"]\nflags",
        "flags",
        10,
        "uses {redis}, which its `beside` does not name; add it: beside = [\"redis\"]",
    ),
    (
        "\"{central}\"",
        "\"{centre}\"",
        14,
        "uses {centre}, which its `beside` does not name; beside it: redis, central",
    ),
    (
        "command = [\"serve\", \"{port}\", \"{central}\"]",
        "url = \"http://127.0.0.1:9\"",
        15,
        "a variant with a `url` runs already",
    ),
    (
        "at = \"central\"",
        "at = \"centre\"",
        19,
        "no beside is named `centre`",
    ),
    (
        "users = 1",
        "users = 1\nflags = { users = \"{file}\" }",
        25,
        "has a flag with {file}, which variant `a` has not beside it; beside it: redis, central",
    ),
    (
        "[[variant]]",
        "[[beside]]\nname = \"other\"\nflags = {}\n[[variant]]",
        10,
        "is of no use: no variant names it",
    ),
];

#[test]
fn each_mistake_is_one_line_with_its_place_and_what_is_accepted() {
    each_is_told(GOOD, MISTAKES);
}

#[test]
fn a_form_goes_back_to_the_server_of_its_page() {
    let said = refusal(
        &GOOD
            .replace("request = \"GET /\"", "submit = { user = \"a\" }")
            .replace("journey = [\"get\"]", "journey = [\"login\", \"get\"]"),
    );
    assert!(said.starts_with("s.toml:28: "), "{said}");
    assert!(said.contains("give both the same `at`"), "{said}");
}

#[test]
fn where_nothing_is_beside_a_variant_the_braces_of_a_command_are_its_own_and_those_of_flags_are_not()
 {
    let scenario = |target: &str| {
        format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"a\"\n{target}\n[[step]]\nname = \"get\"\n\
             request = \"GET /\"\n[[load]]\nname = \"one\"\nusers = 1\njourney = [\"get\"]\n\
             profile.quick = {{ blocks = 1, slice = \"10ms\" }}\n"
        )
    };
    assert_eq!(
        refusal(&scenario("command = [\"sh\", \"{port}\", \"${HOME}\"]")),
        "accepted"
    );
    let said = refusal(&scenario("flags = { sessions = \"redis://{redis}\" }"));
    assert!(
        said.starts_with("s.toml:4: ") && said.contains("beside it: none"),
        "{said}"
    );
    let said = refusal(&scenario("beside = [\"redis\"]\nflags = {}"));
    assert!(
        said.contains("no beside is named `redis`; there is none"),
        "{said}"
    );
}
