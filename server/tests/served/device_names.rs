//! Sign-ins that tell no device id, and names of devices that a person could not read.

use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::devices::{devices, listed};
use crate::harness::{Answer, Client, Served};

async fn login(client: &Client, user_agent: &str, more: Value) -> Answer {
    let mut body = json!({ "username": "user124", "password": "password124" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let client = client.clone().with_user_agent(user_agent);
    let request = client
        .request("POST", "/login")
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sign_ins_without_an_id_from_one_place_are_one_device_whatever_their_names() {
    let server = Served::start(devices()).await;
    let client = server.client();
    let phone = json!({ "device_name": "phone", "device_id": "p1" });
    let phone = token(&login(&client, "app", phone).await);
    let named = json!({ "device_name": "tablet" });
    let tablet = token(&login(&client, "browser", named).await);
    for number in 0..20 {
        let named = json!({ "device_name": format!("job {number}") });
        token(&login(&client, "curl/8", named).await);
        // One without a name does not take the place of one with a name.
        token(&login(&client, "browser", json!({})).await);
    }
    for token in [&phone, &tablet] {
        assert_eq!(client.status("/items/", token).await, 200);
    }
    let (ids, _) = listed(&client, &phone).await;
    assert_eq!(ids.len(), 4, "{ids:?}");
}

/// The name of the device that asks, as its owner sees it.
async fn called(client: &Client, answer: &Answer) -> String {
    let list = client.get("/devices", &token(answer)).await;
    let all = list.body["devices"].as_array().unwrap().clone();
    let here = all.iter().find(|device| device["current"] == true).unwrap();
    here["device_name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_name_that_a_client_tells_is_treated_as_a_user_agent_is() {
    let server = Served::start(devices()).await;
    let client = server.client();
    for (name, shown) in [
        ("phone", "phone"),
        (" phone ", "phone"),
        ("a\u{202e}b", "a\u{fffd}b"),
        ("\u{200b}", "\u{fffd}"),
        ("a\u{61c}b\u{2066}c", "a\u{fffd}b\u{fffd}c"),
        ("a\u{2060}\u{ad}b", "a\u{fffd}\u{fffd}b"),
        ("caf\u{e9} \u{2764}\u{fe0f}", "caf\u{e9} \u{2764}\u{fe0f}"),
        // A name of spaces alone is none.
        ("   ", "curl/8"),
    ] {
        let answer = login(&client, "curl/8", json!({ "device_name": name })).await;
        assert_eq!(called(&client, &answer).await, shown, "{name:?}");
    }
    for (more, status) in [
        (json!({ "device_name": "" }), 422),
        (json!({ "device_name": "a\u{1b}[31m" }), 422),
        (json!({ "device_name": "x".repeat(129) }), 422),
        // An id is compared as it is, so nothing in it is replaced.
        (json!({ "device_id": "a\u{202e}b" }), 422),
        (json!({ "device_id": "\u{200b}" }), 422),
        (json!({ "device_id": "caf\u{e9}" }), 200),
    ] {
        let answer = login(&client, "curl/8", more.clone()).await;
        assert_eq!(answer.status, status, "{more}: {}", answer.text);
    }
}
