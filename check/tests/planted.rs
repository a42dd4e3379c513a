//! Gates that are wrong in one way each, and are found out; and the same gate without a fault, which is not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "planted/gate.rs"]
mod gate;

use std::time::Duration;

use authlab_check::contract::Contract;
use authlab_check::{Bounds, Options, Outcome, Verdict, check};
use gate::Planted;

fn checked(planted: Planted, requests: u64) -> Outcome {
    let expires = planted == Planted::CachedBeyondExpiry;
    let lives = if expires {
        gate::LIFE
    } else {
        Duration::from_secs(3_600)
    };
    let address = gate::start(planted, lives);
    let mut text =
        include_str!("planted/contract.toml").replace("BASE", &format!("http://{address}"));
    if expires {
        text += "\n[expiry]\nafter = \"400ms\"\nwithin = \"0s\"\nearly = \"0s\"\n";
    }
    let contract = Contract::parse("planted.toml", &text).unwrap();
    let options = Options {
        seed: 1,
        bounds: Bounds {
            rate: 100_000.0,
            requests,
            time: Duration::from_secs(300),
        },
        keeps_going: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(check(&contract, options)).unwrap()
}

#[test]
fn eleven_of_twelve_planted_faults_are_found_and_shortened_to_six_requests() {
    let mut missed = Vec::new();
    for planted in Planted::FAULTS {
        let began = std::time::Instant::now();
        let outcome = checked(planted, 20_000);
        println!(
            "{planted:?}: {:?} after {} requests, {:?}",
            outcome.verdict,
            outcome.requests,
            began.elapsed()
        );
        for doubt in &outcome.undecided {
            println!("  undecided: {doubt}");
        }
        for violation in &outcome.violations {
            println!(
                "  {:?} {} ({} requests, first {} operations)",
                violation.kind, violation.sentence, violation.requests, violation.found_in
            );
            for step in &violation.steps {
                println!("    {step}");
            }
            for line in &violation.curl {
                println!("      {line}");
            }
            assert!(
                violation.requests <= 6,
                "{planted:?}: {:?}",
                violation.steps
            );
        }
        if outcome.verdict != Verdict::Violation {
            missed.push(planted);
        }
    }
    assert!(missed.len() <= 1, "{missed:?}");
}

#[test]
fn the_gate_without_a_fault_raises_no_alarm() {
    let outcome = checked(Planted::Nothing, 3_000);
    assert_eq!(
        outcome.verdict,
        Verdict::NothingFound,
        "{:#?} {:?}",
        outcome.violations,
        outcome.undecided
    );
    assert!(
        outcome.coverage.combinations > 200,
        "{:?}",
        outcome.coverage
    );
}
