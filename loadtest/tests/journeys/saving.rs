//! Values kept from answers.

use crate::place::{count, run};
use crate::server::{Answer, Asked, answer, ok, serve};
use crate::{failures, load};

const EVERY_PLACE: &str = r#"
[[step]]
name = "get"
request = "GET /get"
expect = [303]
save = { j = "json:/a/0", n = "json:n", h = "header:X-Token", c = "cookie:sid", f = "field:csrf", q = "query:code" }
[[step]]
name = "use"
request = "GET /use?j={j}&n={n}&h={h}&c={c}&q={q}"
"#;

fn get(body: &str) -> Answer {
    let headers = [
        ("x-token", "header-value"),
        ("set-cookie", "other=no; Path=/"),
        ("set-cookie", "sid=cookie-value; Path=/; HttpOnly"),
        ("location", "https://client.example/cb?state=s&code=c%2Fd#f"),
    ];
    answer(303, &headers, body)
}

fn scripted(asked: &Asked) -> Answer {
    match asked.line.as_str() {
        "GET /get" => get(r#"{"a":["first"],"n":7}"#),
        _ => ok(""),
    }
}

#[test]
fn values_are_kept_from_json_header_cookie_and_redirect() {
    let server = serve(scripted);
    let steps = EVERY_PLACE.replace("f = \"field:csrf\", ", "");
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"get\", \"use\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    let used = &server.asked_at("GET /use")[0];
    let values = ["j", "n", "h", "c", "q"].map(|name| used.field(name));
    assert_eq!(
        values,
        ["first", "7", "header-value", "cookie-value", "c/d"]
    );
}

#[test]
fn a_value_is_kept_from_a_field_of_a_page() {
    let server = serve(|asked| match asked.line.as_str() {
        "GET /page" => ok("<form><input type=hidden name=csrf value='a&amp;b'></form>"),
        _ => ok(""),
    });
    let steps = r#"
[[step]]
name = "page"
request = "GET /page"
save = { csrf = "field:csrf" }
[[step]]
name = "use"
request = "POST /use"
form = { csrf = "{csrf}" }
"#;
    let finished = run(
        &server.url,
        &format!("{steps}{}", load("\"page\", \"use\"", "")),
    );
    assert_eq!(failures(&finished.run), Vec::<String>::new());
    assert_eq!(server.asked_at("POST /use")[0].field("csrf"), "a&b");
}

#[test]
fn what_is_not_there_is_named_by_its_place_and_the_journey_starts_again() {
    let table = [
        ("json:/b", "the body has no text at /b"),
        ("header:x-other", "the answer has no header `x-other`"),
        ("cookie:none", "the answer sets no cookie `none`"),
        ("field:csrf", "the page has no field `csrf`"),
        (
            "query:error",
            "the answer's Location has no parameter `error`",
        ),
    ];
    for (place, said) in table {
        let server = serve(scripted);
        let step = format!(
            "[[step]]\nname = \"get\"\nrequest = \"GET /get\"\nexpect = [303]\nsave = {{ x = \"{place}\" }}\n\
             [[step]]\nname = \"use\"\nrequest = \"GET /use?x={{x}}\"\n"
        );
        let finished = run(
            &server.url,
            &format!("{step}{}", load("\"get\", \"use\"", "timeout = \"100ms\"")),
        );
        let failures = failures(&finished.run);
        assert!(failures.contains(&format!("get: {said}")), "{failures:?}");
        assert_eq!(count(&finished.run, "use", "failed"), 0);
    }
}
