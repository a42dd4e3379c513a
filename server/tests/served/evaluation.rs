//! Decisions for other services by OpenID's Authorization API (AuthZEN).

use authlab_server::{BindTo, BindingKind, CacheKind, CredentialKind, Design};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::forward::served;
use crate::harness::{Answer, BROWSER, Client, Served, quick};

/// `demo-client:demo-secret`
const CLIENT: &str = "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=";
const ONE: &str = "/access/v1/evaluation";
const SEVERAL: &str = "/access/v1/evaluations";

async fn post(client: &Client, path: &str, as_whom: &str, body: &Value) -> Answer {
    let request = client
        .request("POST", path)
        .header(AUTHORIZATION, as_whom)
        .header(CONTENT_TYPE, "application/json")
        .header("x-request-id", "7-of-9");
    client.send(request, body.to_string()).await
}

fn question(subject: [&str; 2], method: &str, target: &str) -> Value {
    json!({
        "subject": { "type": subject[0], "id": subject[1] },
        "action": { "name": method },
        "resource": { "type": "route", "id": target },
    })
}

/// The decision, and the reason of a refusal.
async fn decided(client: &Client, body: &Value) -> (bool, Option<String>) {
    let answer = post(client, ONE, CLIENT, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-request-id"), Some("7-of-9"));
    let reason = answer.body["context"]["reason"].as_str().map(str::to_owned);
    (answer.body["decision"].as_bool().unwrap(), reason)
}

#[tokio::test]
async fn a_token_is_judged_as_at_the_door_of_proxies_and_a_user_by_its_roles() {
    for cache in CacheKind::ALL.iter().copied() {
        let asked = served(Design { cache, ..quick() }).await;
        let client = asked.server.client();
        for name in ["john", "jane"] {
            let token = asked.server.token(name).await;
            for (method, target) in [
                ("GET", "/reports/7?x=1"),
                ("HEAD", "/reports/7"),
                ("DELETE", "/reports/7"),
                ("PUT", "/reports/7"),
                ("GET", "/other"),
                ("GET", "/reports/../reports/7"),
                ("GET", "/%72eports/7"),
                ("get", "/reports/7"),
                ("", ""),
            ] {
                let request = client
                    .request("GET", "/authorize")
                    .header(AUTHORIZATION, format!("Bearer {token}"))
                    .header("x-original-method", method)
                    .header("x-original-uri", target);
                let passed = client.send(request, "").await.status == 204;
                // Twice: from the cache as well.
                for subject in [["token", &*token], ["user", name], ["token", &*token]] {
                    let (decision, reason) =
                        decided(&client, &question(subject, method, target)).await;
                    assert_eq!(decision, passed, "{cache} {subject:?} {method} {target}");
                    assert_eq!(reason.is_none(), decision);
                }
            }
            let revoke = client
                .request("POST", "/token/revoke")
                .header(AUTHORIZATION, format!("Bearer {token}"));
            assert!(client.send(revoke, "").await.status.is_success());
            let ended = question(["token", &*token], "GET", "/reports/7");
            assert!(!decided(&client, &ended).await.0, "{cache}");
        }
        for (subject, kind, reason) in [
            (["user", "nobody"], "route", "not_found"),
            (["user", ""], "route", "not_found"),
            (["token", "nonsense"], "route", "invalid_token"),
            (["group", "john"], "route", "unknown_subject_type"),
            (["user", "john"], "document", "unknown_resource_type"),
        ] {
            let mut body = question(subject, "GET", "/reports/7");
            body["resource"]["type"] = kind.into();
            let refused = decided(&client, &body).await;
            assert_eq!(refused, (false, Some(reason.to_owned())), "{subject:?}");
        }
    }
}

#[tokio::test]
async fn a_bound_token_is_judged_for_the_sender_that_the_service_tells() {
    let asked = served(Design {
        binding: BindingKind::Sha256,
        bind_to: BindTo::UserAgentAndIp,
        cache: CacheKind::Decision,
        ..quick()
    })
    .await;
    let client = asked.server.client();
    let token = asked.server.token("jane").await;
    let mut body = question(["token", &token], "GET", "/reports/7");
    assert!(
        !decided(&client.clone().with_user_agent("gateway"), &body)
            .await
            .0
    );
    body["context"] = json!({ "sender_ip": "127.0.0.1", "sender_user_agent": BROWSER });
    assert!(decided(&client, &body).await.0);
    body["context"]["sender_ip"] = "127.0.0.2".into();
    assert!(!decided(&client, &body).await.0);
    // The example of the documentation, of another sender.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let mut example: Value = serde_json::from_str(example).unwrap();
    example["subject"]["id"] = token.clone().into();
    assert!(!decided(&client, &example).await.0);
    for (at, told) in [("sender_ip", "127.0.0.1"), ("sender_user_agent", BROWSER)] {
        example["context"][at] = told.into();
    }
    assert!(decided(&client, &example).await.0);
    body["context"]["sender_ip"] = "here".into();
    let answer = post(&client, ONE, CLIENT, &body).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn several_are_answered_in_order_and_end_as_they_were_asked_to() {
    let asked = served(quick()).await;
    let client = asked.server.client();
    let named = |id: &str| json!({ "resource": { "type": "route", "id": id } });
    let ask = async |semantic: &str| {
        let mut body = json!({
            "subject": { "type": "user", "id": "jane" },
            "action": { "name": "GET" },
            "evaluations": [
                named("/reports/1"),
                { "action": { "name": "DELETE" }, "resource": { "type": "route", "id": "/reports/1" } },
                named("/reports/2"),
            ],
        });
        if !semantic.is_empty() {
            body["options"] = json!({ "evaluations_semantic": semantic });
        }
        let answer = post(&client, SEVERAL, CLIENT, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let all = answer.body["evaluations"].as_array().unwrap();
        all.iter()
            .map(|one| one["decision"] == true)
            .collect::<Vec<bool>>()
    };
    assert_eq!(ask("").await, [true, false, true]);
    assert_eq!(ask("execute_all").await, [true, false, true]);
    assert_eq!(ask("deny_on_first_deny").await, [true, false]);
    assert_eq!(ask("permit_on_first_permit").await, [true]);
    // Without a list it is one question.
    let one = post(
        &client,
        SEVERAL,
        CLIENT,
        &question(["user", "jane"], "GET", "/reports/1"),
    )
    .await;
    assert_eq!(one.body, json!({ "decision": true }));
}

#[tokio::test]
async fn only_a_client_is_answered_and_what_is_no_question_is_said() {
    let asked = served(quick()).await;
    let client = asked.server.client();
    let body = question(["user", "john"], "GET", "/reports/7");
    let token = format!("Bearer {}", asked.server.token("john").await);
    for whose in ["Basic ZGVtby1jbGllbnQ6d3Jvbmc=", "Basic !", &token] {
        for path in [ONE, SEVERAL] {
            let answer = post(&client, path, whose, &body).await;
            assert_eq!(answer.status, 401, "{whose}");
            assert!(answer.body["decision"].is_null());
        }
    }
    for missing in ["subject", "action", "resource"] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove(missing);
        let answer = post(&client, ONE, CLIENT, &body).await;
        assert_eq!(answer.status, 400, "{missing}");
        assert!(answer.text.contains(&format!("{missing} is missing")));
    }
    let many = json!({ "evaluations": vec![body.clone(); 101] });
    assert_eq!(post(&client, SEVERAL, CLIENT, &many).await.status, 400);
    let wrong = json!({ "subject": "john" });
    assert_eq!(post(&client, ONE, CLIENT, &wrong).await.status, 422);
    let about = client.request("GET", "/.well-known/authzen-configuration");
    let about = client.send(about, "").await.body;
    let here = format!("http://{}", asked.server.address);
    assert_eq!(about["policy_decision_point"], here.as_str());
    assert_eq!(about["access_evaluation_endpoint"], format!("{here}{ONE}"));
    // A server that signs nobody's tokens has no such door.
    let cookies = Served::start(Design {
        credential: CredentialKind::Session,
        ..quick()
    })
    .await;
    assert_eq!(
        post(&cookies.client(), ONE, CLIENT, &body).await.status,
        404
    );
}
