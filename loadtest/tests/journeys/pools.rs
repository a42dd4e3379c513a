//! Pools: who is drawn how often, what members have, what is kept on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use authlab_loadtest::scenario::Scenario;

use crate::place::{run, run_scenario};
use crate::server::{Asked, answer, ok, serve};
use crate::{failures, load};

fn counted(asked: &[Asked], field: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for asked in asked {
        *counted.entry(asked.field(field)).or_default() += 1;
    }
    counted
}

/// How often each of ten members was drawn.
fn drawn(popularity: &str) -> BTreeMap<String, usize> {
    let server = serve(|_| ok(""));
    let steps = format!(
        "[[pool]]\nname = \"member\"\nsize = 10\npopularity = \"{popularity}\"\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /get?member={{member}}\"\n"
    );
    let load = load("\"get\"", "pools = [\"member\"]\nrate = 4000").replace("60ms", "500ms");
    let _ = run(&server.url, &format!("{steps}{load}"));
    counted(&server.asked_at("GET /get"), "member")
}

#[test]
fn members_are_drawn_as_their_popularity_says() {
    let evenly = drawn("uniform");
    assert_eq!(evenly.len(), 10);
    assert!(
        evenly.values().all(|count| (300..500).contains(count)),
        "{evenly:?}"
    );
    let in_turn = drawn("turn");
    let (least, most) = (
        in_turn.values().min().unwrap(),
        in_turn.values().max().unwrap(),
    );
    assert!(most - least <= 1, "{in_turn:?}");
    // 1/k: of 4 000 and a little warm-up, the first is drawn 1 366 times, the tenth 137.
    let zipf = drawn("zipf 1.0");
    assert!((1_200..1_550).contains(&zipf["0"]), "{zipf:?}");
    assert!((80..200).contains(&zipf["9"]), "{zipf:?}");
}

#[test]
fn rows_of_a_csv_file_beside_the_scenario_are_members_with_its_columns_as_values() {
    let server = serve(|_| ok(""));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("accounts.csv"),
        "username,password\njohn,\"a,\"\"b\"\njane,päss\n",
    )
    .unwrap();
    let steps = r#"
[[pool]]
name = "accounts"
csv = "accounts.csv"
popularity = "turn"
[[step]]
name = "login"
request = "POST /login"
form = { n = "{accounts}", u = "{username}", p = "{password}" }
"#;
    let rest = format!("{steps}{}", load("\"login\"", "pools = [\"accounts\"]"));
    let finished = crate::place::run_in(folder.path(), &server.url, &rest);
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let mut seen: Vec<_> = server
        .asked_at("POST /login")
        .iter()
        .map(|asked| ["n", "u", "p"].map(|name| asked.field(name)).join(" "))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["0 john a,\"b", "1 jane päss"]);
}

#[test]
fn what_is_wrong_with_a_csv_file_is_said_on_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let text = "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"http://127.0.0.1:9\"\n\
        [[pool]]\nname = \"p\"\ncsv = \"p.csv\"\n[[step]]\nname = \"get\"\nrequest = \"GET /\"\n";
    let text = format!("{text}{}", load("\"get\"", ""));
    let table = [
        (None, "No such file"),
        (Some("a,b\n1\n"), "found record with 1 fields"),
        (
            Some("A b\n1\n"),
            "its first line names the values; `A b` is not accepted",
        ),
        (Some("a\n"), "a pool has 1 to 1000000 members; `p` has 0"),
        (
            Some("a,a\n1,2\n"),
            "pool `p` has a value `a`, which is already there",
        ),
        (
            Some("user\n1\n"),
            "pool `p` has a value `user`, which is already there",
        ),
    ];
    for (content, words) in table {
        if let Some(content) = content {
            std::fs::write(folder.path().join("p.csv"), content).unwrap();
        }
        let said = Scenario::parse(path.to_str().unwrap(), &text, "quick")
            .unwrap_err()
            .to_string();
        assert!(said.contains(words) && !said.contains('\n'), "{said}");
        let line = if said.contains("csv `p.csv`") {
            ":8: "
        } else {
            ":7: "
        };
        assert!(said.contains(line), "{said}");
    }
}

const TOKENS: &str = r#"
[[pool]]
name = "tokens"
size = 7
fill = ["login"]
[[step]]
name = "login"
request = "POST /login?of={tokens}"
save = { token = "json:/token" }
[[step]]
name = "read"
request = "GET /read?of={tokens}"
bearer = "{token}"
"#;

#[test]
fn a_pool_is_filled_once_for_each_member_untimed_and_its_values_follow_the_member() {
    let logins = AtomicUsize::new(0);
    let server = serve(move |asked| {
        logins.fetch_add(1, Ordering::Relaxed);
        ok(&format!(r#"{{"token":"t-{}"}}"#, asked.field("of")))
    });
    let load = load("\"read\"", "pools = [\"tokens\"]").replace("blocks = 1", "blocks = 2");
    let finished = run(&server.url, &format!("{TOKENS}{load}"));
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let filled = counted(&server.asked_at("POST /login"), "of");
    assert_eq!(filled.len(), 7);
    assert!(filled.values().all(|count| *count == 1), "{filled:?}");
    for read in server.asked_at("GET /read") {
        assert_eq!(
            read.header("authorization"),
            format!("Bearer t-{}", read.field("of"))
        );
    }
    assert!(
        finished
            .run
            .merged
            .iter()
            .all(|figure| figure.step == "read")
    );
}

#[test]
fn a_value_that_fill_saved_is_kept_on_the_member_when_a_journey_saves_it_again() {
    let counter = AtomicUsize::new(0);
    let server = serve(move |asked| {
        ok(&format!(
            r#"{{"token":"t-{}-{}"}}"#,
            asked.field("of"),
            counter.fetch_add(1, Ordering::Relaxed)
        ))
    });
    let refresh = "[[step]]\nname = \"refresh\"\nrequest = \"POST /refresh?of={tokens}\"\nbearer = \"{token}\"\nsave = { token = \"json:/token\" }\n";
    let finished = run(
        &server.url,
        &format!(
            "{TOKENS}{refresh}{}",
            load("\"refresh\"", "pools = [\"tokens\"]").replace("users = 2", "users = 1")
        ),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for asked in server.asked_at("POST /refresh") {
        let shown = asked.header("authorization").to_owned();
        assert!(
            shown.starts_with(&format!("Bearer t-{}-", asked.field("of"))),
            "{shown}"
        );
        let before = last.insert(asked.field("of"), shown.clone());
        assert_ne!(
            before,
            Some(shown),
            "each refresh uses the token of the last"
        );
    }
}

#[test]
fn cookies_that_fill_steps_meet_are_not_the_users() {
    let server = serve(|asked| match asked.line.as_str() {
        line if line.starts_with("POST /login") => answer(
            200,
            &[("set-cookie", "sid=of-member; Path=/")],
            r#"{"token":"t"}"#,
        ),
        _ => ok(""),
    });
    let _ = run(
        &server.url,
        &format!("{TOKENS}{}", load("\"read\"", "pools = [\"tokens\"]")),
    );
    for asked in server.asked() {
        assert_eq!(asked.header("cookie"), "", "{asked:?}");
    }
}

#[test]
fn a_member_that_cannot_be_filled_ends_the_run_with_its_step() {
    let server = serve(|asked| match asked.line.as_str() {
        "POST /login?of=3" => answer(403, &[], ""),
        _ => ok(r#"{"token":"t"}"#),
    });
    let finished = run(
        &server.url,
        &format!("{TOKENS}{}", load("\"read\"", "pools = [\"tokens\"]")),
    );
    let said = finished.error.unwrap().to_string();
    assert!(
        said.ends_with("filling pool `tokens`: step `login`: status 403"),
        "{said}"
    );
}

/// The ideal cache is told of the draws that the server's cache is asked about, from the server's start on: with room for every
/// member all are hits but each member's first draw.
#[test]
fn hits_that_a_server_tells_stand_beside_those_of_the_ideal_cache_of_its_size() {
    let known: Mutex<BTreeSet<String>> = Mutex::default();
    let server = serve(move |asked| {
        let is_first = known.lock().unwrap().insert(asked.line.clone());
        let timing = if is_first {
            "cache;dur=0.1"
        } else {
            "cache;desc=hit;dur=0.1"
        };
        answer(200, &[("server-timing", timing)], "")
    });
    let text = format!(
        "name = \"t\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"{}\"\nholds = 3\n{}",
        server.url,
        r#"
[[pool]]
name = "of"
size = 3
[[step]]
name = "read"
request = "GET /{of}"
[[load]]
name = "one"
users = 1
pools = ["of"]
journey = ["read"]
profile.quick = { blocks = 1, slice = "50ms", warm_up = "50ms" }
"#
    );
    let scenario = Scenario::parse("t.toml", &text, "quick").unwrap();
    let finished = run_scenario(&scenario);
    for slice in &finished.run.slices {
        let cache = slice.cache.unwrap();
        assert_eq!(cache.asked, slice.ok);
        assert!(cache.hits + 3 >= cache.asked, "{cache:?}");
        // Both began empty with the server, and neither forgets.
        assert_eq!(cache.ideal, Some(cache.hits), "{cache:?}");
    }
}
