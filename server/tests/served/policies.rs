//! Cedar policies decide at every door: the server's own routes, a proxy's question, another service's question.

use authlab_server::{CacheKey, CacheKind, Design, Lab, PoliciesFrom, PolicyKind};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::forward;
use crate::harness::quick;

/// Not what roles and scopes would say: john is an administrator and may write.
const POLICIES: &str = r#"
permit (principal, action, resource);
forbid (principal == Account::"john", action == Action::"items-write", resource == Route::"/items");
forbid (principal, action, resource == Route::"/reports/{p}") unless { context.method == "GET" };
forbid (principal == Account::"jane", action == Action::"items-read", resource == Route::"/items")
when { context.scopes.contains("items:read") };
"#;

/// `demo-client:demo-secret`
const CLIENT: &str = "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=";

#[tokio::test]
async fn policies_decide_alike_at_every_door_whatever_is_cached() {
    let policies = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policies.path(), POLICIES).unwrap();
    for cache in CacheKind::ALL.iter().copied() {
        let asked = forward::served(Design {
            cache,
            policy: PolicyKind::Cedar,
            cedar_policies: PoliciesFrom::File(policies.path().to_owned()),
            ..quick()
        })
        .await;
        let client = asked.server.client();
        for (name, own, forwarded) in [
            ("john", [("GET", true), ("POST", false)], [true, false]),
            // No scope of hers is for writing: policies alone decide.
            ("jane", [("GET", false), ("POST", true)], [true, false]),
        ] {
            let token = asked.server.token(name).await;
            let bearer = format!("Bearer {token}");
            // Twice: from the cache as well.
            for (method, allowed) in [own, own].concat() {
                let request = client
                    .request(method, "/items")
                    .header(CONTENT_TYPE, "application/json")
                    .header(AUTHORIZATION, &bearer);
                let body = json!({ "title": "a title" }).to_string();
                let answer = client.send(request, body).await;
                let case = format!("{cache} {name} {method}: {}", answer.text);
                assert_eq!(answer.status != 403, allowed, "{case}");
            }
            for (method, allowed) in ["GET", "DELETE", "GET", "DELETE"]
                .into_iter()
                .zip([forwarded, forwarded].concat())
            {
                let request = client
                    .request("GET", "/authorize")
                    .header(AUTHORIZATION, &bearer)
                    .header("x-original-method", method)
                    .header("x-original-uri", "/reports/7");
                let passed = client.send(request, "").await.status == 204;
                assert_eq!(passed, allowed, "{cache} {name} {method}");
                for subject in [("user", name), ("token", &*token)] {
                    let question = json!({
                        "subject": { "type": subject.0, "id": subject.1 },
                        "action": { "name": method },
                        "resource": { "type": "route", "id": "/reports/7" },
                    });
                    let request = client
                        .request("POST", "/access/v1/evaluation")
                        .header(CONTENT_TYPE, "application/json")
                        .header(AUTHORIZATION, CLIENT);
                    let answer = client.send(request, question.to_string()).await;
                    let case = format!("{cache} {subject:?} {method}");
                    assert_eq!(answer.body["decision"], allowed, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_kept_decision_that_leaves_the_route_out_is_refused() {
    for cache_key in [CacheKey::Sender, CacheKey::Article] {
        let design = |policy| Design {
            cache: CacheKind::Decision,
            cache_key,
            policy,
            ..quick()
        };
        assert!(Lab::open(design(PolicyKind::Enforce)).is_ok());
        let refused = Lab::open(design(PolicyKind::Cedar)).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("accepted for --cache-key: route"),
            "{refused}"
        );
    }
}
