//! A hit is free: what is remembered is found and judged without allocating.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use authlab_server::{
    Action, App, BindingKind, CacheForm, CacheKey, CacheKind, CacheStore, Design, FreshnessKind,
    Lab, PasswordKind, Period, PolicyKind, Presented, Request, Sender,
};

const MANY: u64 = 1000;

#[test]
fn a_hit_allocates_nothing_under_any_key_and_freshness() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let stores = [(CacheStore::Quick, 0), (CacheStore::Moka, MANY / 10)];
    let forms = CacheForm::ALL.iter().copied();
    for ((cache_store, least_ones), cache_form) in
        forms.flat_map(|form| stores.map(|store| (store, form)))
    {
        for cache_key in CacheKey::ALL.iter().copied() {
            for freshness in FreshnessKind::ALL.iter().copied() {
                let (password, cache, binding) = (
                    PasswordKind::Sha256,
                    CacheKind::Decision,
                    BindingKind::Sha256,
                );
                let design = Design {
                    password,
                    cache,
                    binding,
                    cache_store,
                    cache_form,
                    cache_key,
                    freshness,
                    status_list_ttl: Period::minutes(60),
                    ..Design::default()
                };
                let lab = Lab::open(design).unwrap();
                let sender = Sender {
                    user_agent: b"Mozilla/5.0 (X11; Linux x86_64)",
                    ip: [127, 0, 0, 1].into(),
                    proof: None,
                };
                let token = runtime
                    .block_on(lab.login("john", "password123", &sender))
                    .unwrap()
                    .access_token;
                if freshness == FreshnessKind::StatusList {
                    // Nobody serves it here.
                    let list = lab.status_list().unwrap();
                    lab.take_status_list(&list).unwrap();
                }
                let presented = Presented::Bearer(&token);
                let (route, target, action) = ("/items", "/items/", Action::ItemsRead);
                let request = Request {
                    method: "GET",
                    route,
                    target,
                    sender,
                    presented,
                    action,
                };
                runtime.block_on(async {
                    lab.authorize(&request).await.unwrap();
                    // moka keeps its books in passing; quick_cache has none.
                    lab.authorize(&request).await.unwrap();
                });
                let hits = allocation_counter::measure(|| {
                    runtime.block_on(async {
                        for _ in 0..MANY {
                            lab.authorize(&request).await.unwrap();
                        }
                    });
                });
                let case = format!("{cache_store} {cache_form} {cache_key} {freshness}: {hits:?}");
                assert!(hits.count_total <= least_ones, "{case}");
            }
        }
    }
}

/// A whole request in this process: what the routes allocate is everybody's, what authorization does would be a hit's alone.
#[test]
fn a_server_with_remembered_decisions_allocates_nothing_that_the_control_does_not() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let counts = [
        (PolicyKind::AllowAll, CacheForm::Exact),
        (PolicyKind::Enforce, CacheForm::Exact),
        (PolicyKind::Enforce, CacheForm::Digest),
    ]
    .map(|(policy, cache_form)| {
        runtime.block_on(async {
            let lab = Lab::open(Design {
                password: PasswordKind::Sha256,
                cache: CacheKind::Decision,
                cache_form,
                policy,
                ..Design::default()
            })
            .unwrap();
            let sender = Sender {
                user_agent: b"",
                ip: [127, 0, 0, 1].into(),
                proof: None,
            };
            let issued = lab.login("john", "password123", &sender).await.unwrap();
            let bearer = format!("Bearer {}", issued.access_token);
            let app = App::new(lab);
            let ask = async || {
                let request = http::Request::get("/items")
                    .header("authorization", &bearer)
                    .body(String::new())
                    .unwrap();
                let answer = app.answer(request, [127, 0, 0, 1].into()).await;
                assert_eq!(answer.status(), 200);
            };
            ask().await;
            ask().await;
            let mut asked = std::pin::pin!(async {
                for _ in 0..MANY {
                    ask().await;
                }
            });
            let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
            allocation_counter::measure(|| {
                assert!(asked.as_mut().poll(context).is_ready(), "nobody waits");
            })
            .count_total
        })
    });
    assert_eq!(counts[1], counts[0], "exact");
    assert_eq!(counts[2], counts[0], "digest");
}
