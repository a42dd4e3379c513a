//! The parts alone do what they do inside a lab: a benchmark that times one times the real thing.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use authlab_server::parts::{BindingPart, CredentialPart, DecisionPart, PasswordPart};
use authlab_server::{
    Action, BindingKind, CacheStore, Denied, Design, Lab, PasswordKind, Presented, Request, Role,
    Roles, Sender,
};

#[tokio::test]
async fn each_part_alone_agrees_with_the_whole() {
    let quick = || Design {
        password: PasswordKind::Sha256,
        binding: BindingKind::Sha256,
        ..Design::default()
    };
    let password = PasswordPart::open(&quick()).unwrap();
    let stored = password.hash(b"one").unwrap();
    assert!(password.verify(&stored, b"one") && !password.verify(&stored, b"two"));

    let sender = Sender {
        user_agent: b"curl/8.5.0",
        ip: [127, 0, 0, 1].into(),
        proof: None,
    };
    let binding = BindingPart::open(&quick()).unwrap();
    let sealed = binding.seal(&sender).await.unwrap();
    assert_eq!(binding.check(&sealed, &sender).await, Ok(()));
    let thief = Sender {
        user_agent: b"thief",
        ..sender
    };
    assert_eq!(
        binding.check(&sealed, &thief).await,
        Err(Denied::WrongSender)
    );

    let credential = CredentialPart::open(&quick()).unwrap();
    let roles: Roles = [Role::Admin].into_iter().collect();
    let token = credential
        .sign(&credential.claims("john", roles, sealed).unwrap())
        .unwrap();
    assert!(credential.verify(&token).is_ok());
    assert_eq!(credential.verify("a.b.c").unwrap_err(), Denied::Malformed);

    let lab = Lab::open(quick()).unwrap();
    let issued = lab.login("john", "password123", &sender).await.unwrap();
    let presented = Presented::Bearer(&issued.access_token);
    let (route, target, action) = ("/items", "/items/", Action::ItemsRead);
    let request = Request {
        method: "GET",
        route,
        target,
        sender,
        presented,
        action,
    };
    let grant = lab.authorize(&request).await.unwrap();
    for cache_store in [CacheStore::Quick, CacheStore::Moka] {
        let decisions = DecisionPart::open(&Design {
            cache_store,
            ..quick()
        });
        assert_eq!(decisions.get(&request), Ok(None));
        decisions.insert(&request, grant).unwrap();
        assert_eq!(decisions.get(&request), Ok(Some(grant)));
        assert_eq!(
            decisions.get(&Request {
                sender: thief,
                ..request
            }),
            Ok(None)
        );
    }
}
