//! A login at somebody else's identity provider: npm `oidc-provider`, installed once into
//! `target/`, with its own login and consent pages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use authlab_reports::run::{Run, Status};
use place::{count, run};

/// From the authorization request to the code: RFC 6749 §4.1 with RFC 7636.
const LOGIN: &str = r#"
[[pool]]
name = "accounts"
size = 20
[[step]]
name = "authorize"
set = { state = "{random}" }
request = "GET /auth?client_id=lab&response_type=code&redirect_uri=https%3A%2F%2Fclient.example%2Fcb&scope=openid&state={state}&code_challenge={pkce_challenge}&code_challenge_method=S256"
follow = 5
contains = "Sign-in"
[[step]]
name = "login"
submit = { login = "account-{accounts}", password = "any" }
follow = 5
contains = "Authorize"
[[step]]
name = "consent"
submit = {}
follow = 5
expect = [303]
save = { code = "query:code", state_returned = "query:state" }
"#;

const LOAD: &str = r#"
[[load]]
name = "logins"
users = 2
pools = ["accounts"]
cookies = "journey"
journey = ["authorize", "login", "consent", "token", "userinfo*3"]
profile.quick = { blocks = 1, slice = "300ms", warm_up = "1ms", min_samples = 2 }
"#;

#[test]
fn a_login_with_pkce_and_consent_ends_in_a_token_that_is_accepted() {
    let Some(provider) = Provider::start() else {
        return;
    };
    let token = r#"
[[step]]
name = "token"
request = "POST /token"
basic = ["lab", "lab+secret%2F%2B"]
form = { grant_type = "authorization_code", code = "{code}", code_verifier = "{pkce_verifier}", redirect_uri = "https://client.example/cb" }
save = { token = "json:/access_token" }
[[step]]
name = "userinfo"
request = "GET /me"
bearer = "{token}"
contains = '"sub":"account-'
"#;
    let finished = run(&provider.url, &format!("{LOGIN}{token}{LOAD}"));
    assert_eq!(finished.run.status, Status::Complete);
    every_step_was_answered(&finished.run);
}

#[test]
fn a_token_bound_to_a_key_is_got_and_used_with_proofs_that_carry_the_servers_nonce() {
    let Some(provider) = Provider::start() else {
        return;
    };
    let token = r#"
[[step]]
name = "token"
request = "POST /token"
basic = ["lab", "lab+secret%2F%2B"]
dpop = true
form = { grant_type = "authorization_code", code = "{code}", code_verifier = "{pkce_verifier}", redirect_uri = "https://client.example/cb" }
contains = '"token_type":"DPoP"'
save = { token = "json:/access_token" }
[[step]]
name = "userinfo"
request = "GET /me"
bearer = "{token}"
dpop = true
contains = '"sub":"account-'
"#;
    let finished = run(&provider.url, &format!("{LOGIN}{token}{LOAD}"));
    assert_eq!(finished.run.status, Status::Complete);
    every_step_was_answered(&finished.run);
}

fn every_step_was_answered(run: &Run) {
    for slice in &run.slices {
        assert!(slice.failed.is_empty(), "{:?}", slice.failed);
    }
    for step in ["authorize", "login", "consent", "token"] {
        assert!(count(run, step, "service") >= 2, "{step}");
    }
    assert!(count(run, "userinfo", "service") >= 6);
}

/// The provider's process, stopped when it is dropped.
struct Provider {
    url: String,
    process: Child,
}

impl Provider {
    /// None, said aloud, where it cannot be had outside CI.
    fn start() -> Option<Self> {
        let installed = installed()?;
        let mut process = Command::new("node")
            .arg(here("provider.mjs"))
            .arg(installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        Some(Self {
            url: format!("http://127.0.0.1:{}", port.trim()),
            process,
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn installed() -> Option<PathBuf> {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("identity-provider");
    let output = Command::new(here("install.sh"))
        .arg(&into)
        .output()
        .unwrap();
    if output.status.success() {
        return Some(into);
    }
    let why = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "an identity provider of somebody else is needed in CI: {why}"
    );
    eprintln!("NOT TESTED: a login at npm oidc-provider: {why}");
    None
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/identity")
        .join(file)
}
