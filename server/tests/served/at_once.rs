//! What is only read is answered without the router where a decision is cached, and by it where one is made. Both answers are
//! the same.

use authlab_server::{BindingKind, CacheKind, Design, PolicyKind};
use hyper::header::DATE;

use crate::harness::{Answer, ELSEWHERE, Served, quick};

/// The whole answer, but for its time.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, &str) {
    let headers = answer.headers.iter().filter(|(name, _)| **name != DATE);
    let mut headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, &answer.text)
}

fn cached() -> Design {
    Design {
        cache: CacheKind::Decision,
        binding: BindingKind::Sha256,
        ..quick()
    }
}

#[tokio::test]
async fn a_decision_that_is_made_one_that_is_cached_and_none_at_all_have_the_same_answer() {
    let uncached = Design {
        cache: CacheKind::None,
        ..cached()
    };
    let control = Design {
        policy: PolicyKind::AllowAll,
        ..uncached.clone()
    };
    let (made, cached) = (Served::start(uncached).await, Served::start(cached()).await);
    let control = Served::start(control).await;
    for path in [
        "/items",
        "/items/",
        "/items/?page=2",
        "/%69tems",
        "//items/",
        "/todos",
        "/./todos/",
        "/secure-data",
        "/items/7",
        "/todo",
        "/",
        "/items/%2e",
    ] {
        for name in ["john", "jane"] {
            let (token, others) = (cached.token(name).await, made.token(name).await);
            let first = cached.client().get(path, &token).await;
            let second = cached.client().get(path, &token).await;
            let expected = made.client().get(path, &others).await;
            assert_eq!(whole(&first), whole(&expected), "{path}");
            assert_eq!(whole(&second), whole(&expected), "{path}");
        }
    }
    // Of the control every request is an administrator's, and its answer says so.
    let (token, admin) = (control.token("jane").await, made.token("john").await);
    for path in ["/items", "/items/", "/todos"] {
        let answer = control.client().get(path, &token).await;
        let expected = made.client().get(path, &admin).await;
        assert_eq!(whole(&answer), whole(&expected), "{path}");
    }
}

#[tokio::test]
async fn a_cached_decision_is_for_its_method_its_sender_and_its_time() {
    let served = Served::start(cached()).await;
    let (client, token) = (served.client(), served.token("jane").await);
    for _ in 0..3 {
        assert_eq!(client.get("/items/", &token).await.status, 200);
    }
    let head = client.ask("HEAD", "/items/", &token).await;
    assert_eq!((head.status.as_u16(), &*head.text), (200, ""));
    assert_eq!(client.ask("POST", "/items/", &token).await.status, 403);
    assert_eq!(client.ask("DELETE", "/items/", &token).await.status, 405);
    let elsewhere = client.clone().at(ELSEWHERE);
    assert_eq!(elsewhere.get("/items/", &token).await.status, 401);
    let another = client.clone().with_user_agent("curl/8.5.0");
    assert_eq!(another.get("/items/", &token).await.status, 401);
    assert_eq!(
        client.ask("POST", "/token/revoke", &token).await.status,
        200
    );
    assert_eq!(client.get("/items/", &token).await.status, 401);
}
