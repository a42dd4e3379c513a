//! The contracts of this repository are accepted: the one that is ready, and the one of the page.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use authlab_check::contract::Contract;

#[test]
fn the_contracts_that_readers_are_given_are_accepted() {
    let ready = include_str!("../contracts/authlab.toml");
    Contract::parse("authlab.toml", ready).unwrap();
    let decisions = include_str!("../contracts/authzen.toml");
    Contract::parse("authzen.toml", decisions).unwrap();
    let page = include_str!("../../docs/check.md");
    let mut blocks = page.split("```toml\n").skip(1);
    let shown = blocks.next().unwrap().split("```").next().unwrap();
    let contract = Contract::parse("check.md", shown).unwrap();
    assert!(blocks.next().is_none());
    assert_eq!(contract.principals.len(), 3);
    assert!(contract.expiry.is_some() && contract.tenant.is_some() && contract.sender.is_some());
}
