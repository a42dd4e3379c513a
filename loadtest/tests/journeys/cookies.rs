//! Cookies: how long a user keeps them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::load;
use crate::place::run;
use crate::server::{Asked, answer, ok, serve};

const STEPS: &str = r#"
[[step]]
name = "login"
request = "GET /login"
[[step]]
name = "home"
request = "GET /app/home"
"#;

/// What `/app/home` was sent, when each `/login` sets a new session, one for another path and one
/// that is over at once.
fn sent_home(keys: &str) -> (Vec<Asked>, Vec<Asked>) {
    let logins = AtomicUsize::new(0);
    let server = serve(move |asked| match asked.line.as_str() {
        "GET /login" => {
            let session = format!("sid=s{}; Path=/", logins.fetch_add(1, Ordering::Relaxed));
            let headers = [
                ("set-cookie", session.as_str()),
                ("set-cookie", "app=1; Path=/app; HttpOnly"),
                ("set-cookie", "other=1; Path=/other"),
                ("set-cookie", "gone=1; Max-Age=0"),
                ("set-cookie", "foreign=1; Domain=elsewhere.example"),
            ];
            answer(200, &headers, "")
        }
        _ => ok(""),
    });
    let _ = run(
        &server.url,
        &format!("{STEPS}{}", load("\"login\", \"home\"", keys)),
    );
    (
        server.asked_at("GET /login"),
        server.asked_at("GET /app/home"),
    )
}

fn names(asked: &Asked) -> Vec<&str> {
    let cookies = asked.header("cookie").split("; ");
    let mut names: Vec<&str> = cookies.filter_map(|pair| pair.split('=').next()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_user_keeps_cookies_for_their_path_until_they_expire() {
    let (logins, homes) = sent_home("");
    assert!(
        homes.iter().all(|home| names(home) == ["app", "sid"]),
        "{homes:?}"
    );
    // Both users come back with their sessions.
    let fresh = logins.iter().filter(|login| names(login) == [""]).count();
    assert_eq!(fresh, 2);
}

#[test]
fn cookies_of_a_journey_end_with_it() {
    let (logins, homes) = sent_home("cookies = \"journey\"");
    assert!(
        homes.iter().all(|home| names(home) == ["app", "sid"]),
        "{homes:?}"
    );
    assert!(logins.iter().all(|login| login.header("cookie").is_empty()));
}

#[test]
fn a_load_without_cookies_sends_none() {
    let (_, homes) = sent_home("cookies = \"none\"");
    assert!(homes.iter().all(|home| home.header("cookie").is_empty()));
}

#[test]
fn own_cookies_of_a_step_and_those_of_the_jar_are_one_field() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /login" => answer(200, &[("set-cookie", "sid=jar"), ("set-cookie", "b=1")], ""),
        _ => ok(""),
    });
    let steps = STEPS.to_owned() + "headers = { cookie = \"own=2; sid=step\" }\n";
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"login\", \"home\"", "")),
    );
    assert_eq!(crate::failures(&finished.run), Vec::<String>::new());
    for home in server.asked_at("GET /app/home") {
        let fields: Vec<_> = home.headers.get_all("cookie").iter().collect();
        assert_eq!(fields, ["own=2; sid=step; b=1"]);
    }
}

#[test]
fn a_cookie_is_sent_back_in_the_octets_that_set_it_and_can_be_saved() {
    let value = http::HeaderValue::from_bytes("n=caf\u{e9}; Path=/".as_bytes()).unwrap();
    let server = serve(move |asked| {
        let mut answer = ok("");
        if asked.line == "GET /login" {
            answer.headers_mut().append("set-cookie", value.clone());
        }
        answer
    });
    let steps = STEPS.replace(
        "\"GET /login\"",
        "\"GET /login\"\nsave = { n = \"cookie:n\" }",
    ) + "headers = { x-saved = \"{n}\" }\n";
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"login\", \"home\"", "")),
    );
    assert_eq!(crate::failures(&finished.run), Vec::<String>::new());
    for home in server.asked_at("GET /app/home") {
        assert_eq!(home.headers["cookie"].as_bytes(), "n=caf\u{e9}".as_bytes());
        assert_eq!(home.headers["x-saved"].as_bytes(), "caf\u{e9}".as_bytes());
    }
}
