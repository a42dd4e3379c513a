//! Redirects and forms.

use crate::place::{count, run};
use crate::server::{Answer, Asked, answer, ok, page, serve};
use crate::{failures, load};

/// `/a` leads to `/b` leads to `/c`, and `/c` leaves the server.
fn chain(asked: &Asked) -> Answer {
    let status = if asked.line.contains("keep") {
        307
    } else {
        302
    };
    match asked.line.split(['?', ' ']).nth(1).unwrap() {
        "/a" if status == 307 => answer(307, &[("location", "/b?keep")], ""),
        "/a" => answer(302, &[("location", "b?x=1#part")], ""),
        "/b" => answer(
            status,
            &[("location", &format!("http://{}/c", asked.header("host")))],
            "",
        ),
        "/c" => answer(
            303,
            &[("location", "http://elsewhere.example/cb?code=7")],
            "",
        ),
        _ => ok(""),
    }
}

fn run_chain(keys: &str, request: &str) -> (Vec<String>, Vec<Asked>) {
    let server = serve(chain);
    let step = format!("[[step]]\nname = \"go\"\nrequest = \"{request}\"\n{keys}\n");
    let finished = run(&server.url, &format!("{step}{}", load("\"go\"", "")));
    (failures(&finished.run), server.asked())
}

#[test]
fn a_redirect_is_asserted_and_not_followed_unless_asked() {
    let (failed, asked) = run_chain("expect = [302]", "GET /a");
    assert_eq!(failed, Vec::<String>::new());
    assert!(asked.iter().all(|asked| asked.line == "GET /a"));
    let (failed, _) = run_chain("", "GET /a");
    assert_eq!(failed, ["go: status 302", "go: status 302"]);
}

#[test]
fn redirects_are_followed_within_the_server_and_the_one_that_leaves_it_is_the_answer() {
    let (failed, asked) = run_chain(
        "follow = 5\nexpect = [303]\nsave = { code = \"query:code\" }",
        "GET /a",
    );
    assert_eq!(failed, Vec::<String>::new());
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert!(
        lines.contains(&"GET /b?x=1") && lines.contains(&"GET /c"),
        "{lines:?}"
    );
    // No more than asked for: the second redirect is the answer.
    let (failed, asked) = run_chain("follow = 1\nexpect = [302]", "GET /a");
    assert_eq!(failed, Vec::<String>::new());
    assert!(asked.iter().all(|asked| asked.line != "GET /c"));
}

#[test]
fn a_307_repeats_the_request_and_others_become_a_get() {
    let post = "follow = 5\nexpect = [303]\nform = { x = \"1\" }";
    let (_, asked) = run_chain(post, "POST /a?keep");
    let at = |line: &str| asked.iter().find(|asked| asked.line == line).unwrap();
    assert_eq!(at("POST /b?keep").field("x"), "1");
    assert_eq!(at("POST /c").field("x"), "1");
    let (_, asked) = run_chain(post, "POST /a");
    let at = |line: &str| asked.iter().find(|asked| asked.line == line).unwrap();
    assert_eq!(
        (
            at("GET /b?x=1").body.as_str(),
            at("GET /b?x=1").header("content-type")
        ),
        ("", "")
    );
}

#[test]
fn a_step_is_counted_once_and_lasts_as_long_as_all_its_requests() {
    let server = serve(|asked| {
        if asked.line == "GET /" {
            return ok("");
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        chain(asked)
    });
    let step = "[[step]]\nname = \"go\"\nrequest = \"GET /a\"\nfollow = 5\nexpect = [303]\n";
    let finished = run(
        &server.url,
        &format!(
            "{step}{}",
            load("\"go\"", "").replace("users = 2", "users = 1")
        ),
    );
    let service = finished
        .run
        .merged
        .iter()
        .find(|figure| figure.metric == "service")
        .unwrap();
    assert!(service.min >= 60_000_000, "{}", service.min);
    assert_eq!(service.count, count(&finished.run, "go", "response"));
}

const LOGIN: &str = r#"
[[step]]
name = "page"
request = "GET /login?next=1"
[[step]]
name = "login"
submit = { username = "john & co", password = "x{user}" }
"#;

#[test]
fn a_form_is_submitted_with_its_own_fields_and_ours_over_them() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /login?next=1" => page(
            "<form action=/search><input name=q></form>\
             <form method=post action='do/../session?x=1'><input type=hidden name=csrf value=t&amp;1>\
             <input name=username value=nobody><input name=password type=password></form>",
        ),
        _ => ok(""),
    });
    let finished = run(
        &server.url,
        &format!("{LOGIN}{}", load("\"page\", \"login\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let sent = &server.asked_at("POST /session?x=1")[0];
    assert_eq!(
        sent.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(sent.field("csrf"), "t&1");
    assert_eq!(sent.field("username"), "john & co");
    assert!(
        sent.body.contains("username=john+%26+co&password=x"),
        "{}",
        sent.body
    );
}

#[test]
fn a_form_of_method_get_is_sent_in_the_query() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /login?next=1" => {
            page("<form action='?old=1'><input name=username><input name=password></form>")
        }
        _ => ok(""),
    });
    let finished = run(
        &server.url,
        &format!("{LOGIN}{}", load("\"page\", \"login\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    assert_eq!(
        server.asked_at("GET /login?username=john+%26+co&password=x")[0].body,
        ""
    );
}

#[test]
fn a_page_without_a_form_or_with_one_for_another_server_is_an_error_in_words() {
    let table = [
        ("{}", "login: the step before it got no page with a form"),
        (
            "<form action='https://elsewhere.example/'></form>",
            "login: the page's form goes to another server",
        ),
        (
            "<form method=dialog></form>",
            "login: the page's form has the method `dialog`, which sends no request",
        ),
    ];
    for (body, said) in table {
        let server = serve(move |_| page(body));
        let finished = run(
            &server.url,
            &format!("{LOGIN}{}", load("\"page\", \"login\"", "")),
        );
        assert_eq!(failures(&finished.run)[0], said);
    }
}

#[test]
fn an_address_that_an_answer_gave_is_followed_by_the_next_step_only_within_the_server() {
    for (host, said) in [
        ("", Vec::new()),
        (
            "https://elsewhere.example",
            vec!["then: what was filled in is an address of another server".to_owned(); 2],
        ),
    ] {
        let server = serve(move |asked| match asked.line.as_str() {
            "GET /a" => answer(302, &[("location", &format!("{host}/b?x=1"))], ""),
            _ => ok(""),
        });
        let steps = "[[step]]\nname = \"a\"\nrequest = \"GET /a\"\nexpect = [302]\nsave = { next = \"header:location\" }\n\
                     [[step]]\nname = \"then\"\nrequest = \"GET {next}\"\n";
        let finished = run(
            &server.url,
            &format!("{steps}{}", load("\"a\", \"then\"", "")),
        );
        assert_eq!(failures(&finished.run), said);
        let asked = server.asked();
        assert_eq!(
            asked.iter().any(|asked| asked.line == "GET /b?x=1"),
            host.is_empty()
        );
    }
}
