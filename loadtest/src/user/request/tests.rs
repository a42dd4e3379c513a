//! What octets a value becomes in each place of a request, and that the scenarios of this repository send
//! what they sent when values were put in as text.

#![allow(clippy::format_push_string, reason = "a test may allocate")]

use std::path::Path;

use super::*;
use crate::protocol::Protocol;
use crate::scenario::Scenario;

fn endpoint() -> Endpoint {
    Endpoint::of_command(8080, None, &Protocol::default()).unwrap()
}

/// A step of these keys.
fn step(keys: &str) -> Step {
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"http://h\"\n\
         [[pool]]\nname = \"p\"\nsize = 1\n[[step]]\nname = \"t\"\nset = {{ v = \"\", w = \"\" }}\n{keys}\n\
         [[load]]\nname = \"l\"\nusers = 1\njourney = [\"t\"]\nprofile.quick = {{ blocks = 1, slice = \"1ms\" }}\n"
    );
    Scenario::parse("s.toml", &text, "quick").unwrap().steps[0].clone()
}

fn filled(keys: &str, value: &str) -> Result<Parts, String> {
    let mut values = Values::new(0);
    values.put("v", value);
    values.put("w", "w&w");
    Parts::fill(&step(keys), &mut values, &endpoint())
}

/// One of the octets of a request that a step of these keys has for the value.
fn octets(keys: &str, value: &str) -> Result<String, String> {
    let parts = filled(keys, value)?;
    let header = |name: &str| {
        let value = parts.headers.get(name)?;
        Some(String::from_utf8(value.as_bytes().to_vec()).unwrap())
    };
    Ok(if keys.contains("headers = { x") {
        header("x").unwrap()
    } else if keys.contains("headers = { cookie") {
        header("cookie").unwrap()
    } else if let Some(authorization) = header("authorization") {
        authorization
    } else if parts.body.is_empty() {
        parts.uri.to_string()
    } else {
        String::from_utf8(parts.body.to_vec()).unwrap()
    })
}

const PATH: &str = "request = \"GET /a/{v}/b\"";
const QUERY: &str = "request = \"GET /a?x={v}&y={w}\"";
const ADDRESS: &str = "request = \"GET {v}\"";
const BASE: &str = "request = \"GET {v}/{w}\"";
const RAW: &str = "request = \"GET /a/{v:raw}\"";
const HEADER: &str = "request = \"GET /\"\nheaders = { x = \"{v}\" }";
const WITHIN: &str = "request = \"GET /\"\nheaders = { x = \"a {v} b\" }";
const COOKIE: &str = "request = \"GET /\"\nheaders = { cookie = \"a={v}; b=1\" }";
const COOKIES: &str = "request = \"GET /\"\nheaders = { cookie = \"{v}\" }";
const RAW_COOKIE: &str = "request = \"GET /\"\nheaders = { cookie = \"a={v:raw}\" }";
const BEARER: &str = "request = \"GET /\"\nbearer = \"{v}\"";
const BASIC: &str = "request = \"GET /\"\nbasic = [\"{v}\", \"p\"]";
const PASSWORD: &str = "request = \"GET /\"\nbasic = [\"u\", \"{v}\"]";
const JSON: &str = "request = \"POST /\"\njson = { a = \"x {v}\", b = 1 }";
const JSON_RAW: &str =
    "request = \"POST /\"\njson = { a = \"\\\"{v:raw}\", n = \"{v:raw}\", z = [\"{v:raw}\", 1] }";
const JSON_NUMBER: &str = "request = \"POST /\"\njson = { a = \"{v:raw}\" }";
const JSON_TEXT: &str = "request = \"POST /\"\nheaders = { content-type = \"application/json; charset=utf-8\" }\nbody = '{\"a\":\"\\\"{v}\",\"n\":{v},\"l\":\"{v:raw}\"}'";
const FORM: &str = "request = \"POST /\"\nform = { \"a b\" = \"é {v}\" }";
const FORM_RAW: &str = "request = \"POST /\"\nform = { a = \"{v:raw}\" }";
const FORM_TEXT: &str = "request = \"POST /\"\nheaders = { content-type = \"application/x-www-form-urlencoded\" }\nbody = \"a={v}&b={w}\"";
const TEXT: &str = "request = \"POST /\"\nbody = \"a={v}\"";
const BRACES: &str =
    "request = \"POST /\"\nbody = '{{v}} {{{v}}} {{{{v}}}} {v {v}} {V} {\"v\":{}} {{v:raw}}'";

#[test]
fn a_value_is_encoded_for_its_place() {
    for (keys, value, octets_of_it) in [
        (PATH, "a#b", "/a/a%23b/b"),
        (PATH, "a b", "/a/a%20b/b"),
        (PATH, "a/b?c%d", "/a/a%2Fb%3Fc%25d/b"),
        (
            PATH,
            "é\r\n\"<>\\^`{|}",
            "/a/%C3%A9%0D%0A%22%3C%3E%5C%5E%60%7B%7C%7D/b",
        ),
        (PATH, "plain-1_2.3~", "/a/plain-1_2.3~/b"),
        (PATH, "", "/a//b"),
        (QUERY, "AT&T", "/a?x=AT%26T&y=w%26w"),
        (QUERY, "1+1=2 ?/", "/a?x=1%2B1%3D2%20%3F%2F&y=w%26w"),
        // An address that an answer gave is one already; what is no part of a request target is encoded.
        (ADDRESS, "/a?b=c%20d&e", "/a?b=c%20d&e"),
        (ADDRESS, "http://127.0.0.1:8080/a?b", "/a?b"),
        (ADDRESS, "/a b#c", "/a%20b"),
        (BASE, "/a?b=c", "/a?b=c/w%26w"),
        (RAW, "b/c?d=e&f=%20", "/a/b/c?d=e&f=%20"),
        (HEADER, "a \"b\"; c, é\tt", "a \"b\"; c, é\tt"),
        (WITHIN, " ", "a   b"),
        (COOKIE, "a \"b\" c,d=é%", "a=a \"b\" c,d=é%; b=1"),
        (COOKIES, "a=1; b=2", "a=1; b=2"),
        (RAW_COOKIE, "1; b=2", "a=1; b=2"),
        (BEARER, "a.b-c_d~+/=", "Bearer a.b-c_d~+/="),
        (BASIC, "é", "Basic w6k6cA=="),
        (PASSWORD, "a:\r\nb", "Basic dTphOg0KYg=="),
        (
            JSON,
            "a \"b\" \\ \n\u{1}é/",
            r#"{"a":"x a \"b\" \\ \n\u0001é/","b":1}"#,
        ),
        (JSON_RAW, "7", r#"{"a":"\"7","n":7,"z":[7,1]}"#),
        (JSON_NUMBER, r#"{"b":[null]}"#, r#"{"a":{"b":[null]}}"#),
        (JSON_TEXT, "1", r#"{"a":"\"1","n":1,"l":"1"}"#),
        (JSON_TEXT, "\"q\"", r#"{"a":"\"\"q\"","n":"q","l":""q""}"#),
        (FORM, "x&y=z+ \r\n*~", "a+b=%C3%A9+x%26y%3Dz%2B+%0D%0A*%7E"),
        (FORM_RAW, "1&b=2", "a=1&b=2"),
        (FORM_TEXT, "x&y z+", "a=x%26y%20z%2B&b=w%26w"),
        (TEXT, "a#b&c\r\n\"", "a=a#b&c\r\n\""),
        // `{v {v}}` is text, a value and a brace.
        (BRACES, "1", r#"{v} {1} {{v}} {v 1} {V} {"v":{}} {v:raw}"#),
    ] {
        let found = octets(keys, value);
        assert_eq!(found.as_deref(), Ok(octets_of_it), "{keys} {value:?}");
    }
}

#[test]
fn a_value_that_its_place_cannot_have_is_named_without_being_repeated() {
    for (keys, value, why) in [
        (
            HEADER,
            "s3cret\r\nx: y",
            "header `x`: {v} is filled with a value that cannot stand in a header: it has a line break",
        ),
        (HEADER, "s3cret\0", "it has a control character"),
        (HEADER, " s3cret", "it begins or ends with a space"),
        (WITHIN, "s3cret\n", "it has a line break"),
        (BEARER, "s3cret\n", "it has a line break"),
        (COOKIE, "s3cret; b=2", "it has a `;`"),
        (COOKIE, "s3cret ", "it begins or ends with a space"),
        (COOKIES, "a=s3cret\n", "it has a line break"),
        (BASIC, "s3cret:x", "it has a `:`"),
        (RAW, "s3cret#b", "it has a `#`"),
        (RAW, "s3cret b", "it has a space"),
        (
            JSON_NUMBER,
            "s3cret",
            "cannot stand in JSON outside of a string: it is not one JSON value",
        ),
        (JSON_TEXT, "1,\"s3cret\":2", "it is not one JSON value"),
        (ADDRESS, "http://elsewhere/s3cret", "another server"),
    ] {
        let said = filled(keys, value).unwrap_err();
        assert!(said.contains(why), "{keys} {value:?}: {said}");
        assert!(!said.contains("s3cret") && !said.contains('\n'), "{said}");
    }
}

/// Each step of a scenario file, its values put in as text was before they were encoded.
fn as_text(table: &toml::Value, value: &str) -> Vec<String> {
    let names = |text: &str| {
        let mut text = text.to_owned();
        while let Some(open) = text.find('{') {
            let Some(close) = text[open..].find('}') else {
                break;
            };
            text.replace_range(open..=open + close, value);
        }
        text
    };
    let mut wire = Vec::new();
    for step in table["step"].as_array().unwrap() {
        let mut text = step
            .get("request")
            .map_or("", |at| at.as_str().unwrap())
            .to_owned();
        text = names(&text);
        for (name, header) in step
            .get("headers")
            .and_then(|at| at.as_table())
            .into_iter()
            .flatten()
        {
            text += &format!("\n{name}: {}", names(header.as_str().unwrap()));
        }
        if let Some(bearer) = step.get("bearer") {
            let scheme = if step.get("dpop").is_some() {
                "DPoP"
            } else {
                "Bearer"
            };
            text += &format!(
                "\nauthorization: {scheme} {}",
                names(bearer.as_str().unwrap())
            );
        }
        if let Some(basic) = step.get("basic") {
            let pair = |at: usize| names(basic[at].as_str().unwrap());
            let pair = STANDARD.encode(format!("{}:{}", pair(0), pair(1)));
            text += &format!("\nauthorization: Basic {pair}");
        }
        text += "\n\n";
        if let Some(json) = step.get("json") {
            let json = serde_json::to_value(json).unwrap();
            let mut json = json.as_object().unwrap().clone();
            for field in json.values_mut() {
                if let serde_json::Value::String(field) = field {
                    *field = names(field);
                }
            }
            text += &serde_json::to_string(&json).unwrap();
        }
        if let Some(form) = step.get("form").and_then(|at| at.as_table()) {
            let fields = form
                .iter()
                .map(|(name, field)| (name, names(field.as_str().unwrap())));
            text += &form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
        }
        if let Some(body) = step.get("body") {
            text += &names(body.as_str().unwrap());
        }
        wire.push(text);
    }
    wire
}

fn as_sent(step: &Step, value: &str) -> String {
    let mut values = Values::new(0);
    for place in step.places() {
        values.put(place, value);
    }
    // `{random}` and PKCE's are fresh: their places are compared by their surroundings alone.
    let mut step = step.clone();
    step.set.clear();
    let parts = Parts::fill(&step, &mut values, &endpoint()).unwrap();
    let mut text = format!("{} {}", parts.method, parts.uri);
    let typed = step.headers.iter().map(|(name, _)| name.clone());
    let body = String::from_utf8(parts.body.to_vec()).unwrap();
    let content_types = match step.body {
        Body::Text(_) => 0,
        Body::Json(_) | Body::Form(_) => 1,
    };
    let typed: Vec<_> = typed.collect();
    for name in &typed[..typed.len() - content_types] {
        text += &format!("\n{name}: {}", parts.headers[name].to_str().unwrap());
    }
    if step.credentials.is_some() {
        let value = parts.headers[header::AUTHORIZATION].to_str().unwrap();
        text += &format!("\nauthorization: {value}");
    }
    format!("{text}\n\n{body}")
}

#[test]
fn the_scenarios_of_this_repository_send_plain_values_as_they_did() {
    const PLAIN: &str = "eyJ0-plain_v4lue.1~";
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = ["random", "pkce_verifier", "pkce_challenge"]
            .iter()
            .fold(text, |text, fresh| {
                text.replace(&format!("{{{fresh}}}"), PLAIN)
            });
        let table: toml::Table = text.parse().unwrap();
        let profile = if text.contains("profile.quick") {
            "quick"
        } else {
            "full"
        };
        let scenario = Scenario::parse(path.to_str().unwrap(), &text, profile)
            .unwrap_or_else(|error| panic!("{error}"));
        let wanted = as_text(&toml::Value::Table(table), PLAIN);
        let forms = scenario.variants.iter().filter_map(|at| at.steps.as_ref());
        for steps in std::iter::once(&scenario.steps).chain(forms) {
            for step in steps {
                if step.submit.is_some() {
                    continue;
                }
                let sent = as_sent(step, PLAIN);
                assert!(
                    wanted.contains(&sent),
                    "{}: {sent}\n{wanted:#?}",
                    path.display()
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}
