//! What `authlab serve` says of files and addresses that may hold a secret: where and what is wrong, and never the text.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

const SECRET: &str = "hunter2hunter2";

/// What a server says that does not start.
fn refused(flags: &[&str], variable: Option<(&str, &str)>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
        .args(flags)
        .envs(variable)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
    assert_eq!(said.matches('\n').count(), 1, "{flags:?}: {said}");
    assert!(!said.contains(SECRET), "{flags:?} {variable:?}: {said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn a_value_of_a_users_or_clients_file_is_never_repeated() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let users = format!("file:{path}");
    for text in [
        r#"{"john":"SECRET"}"#,
        r#"{"john":{"password":["SECRET"]}}"#,
        r#"{"john":{"password":"x","roles":"SECRET"}}"#,
        r#"{"john":{"password":"x","roles":["SECRET"]}}"#,
        r#"{"john":{"SECRET":"x"}}"#,
        r#"{"john:SECRET":{"password":"x"}}"#,
        r#"{"id":{"secret_sha256":["SECRET"],"scopes":[],"grants":[]}}"#,
        r#"{"id":{"secret_sha256":"SECRET","scopes":[],"grants":[]}}"#,
        r#"{"id":{"secret_sha256":"x","scopes":"SECRET","grants":[]}}"#,
        r#"{"id":{"secret_sha256":"x","scopes":["SECRET"],"grants":[]}}"#,
        r#"{"id:SECRET":{"secret_sha256":"","scopes":[],"grants":[]}}"#,
        r#""SECRET""#,
        r#"["SECRET"]"#,
        "john:SECRET",
        r#"{"john":SECRET}"#,
    ] {
        std::fs::write(file.path(), text.replace("SECRET", SECRET)).unwrap();
        for flags in [["--users", &users], ["--clients", path]] {
            let said = refused(&flags, None);
            assert!(said.contains("expected {"), "{text}: {said}");
        }
    }
}

#[test]
fn a_mistyped_address_is_refused_without_what_was_typed() {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let path = file.path().to_str().unwrap();
    for address in [
        "redis:/app:SECRET@db",
        "redis//app:SECRET@db:6379",
        "redis:u:SECRET@h",
        "//u:SECRET@h",
        "u:SECRET@h",
        "SECRET@h",
        "file:SECRET",
        "SECRET",
        "https:/app:SECRET@db/x",
        "http//app:SECRET@db/x",
        "ftp://u:SECRET@h",
        "http://u:SECRET@h",
        "http://h:bad/x?api_key=SECRET",
        "http://h/x#SECRET",
        "http://h/x y?SECRET#",
    ] {
        let address = address.replace("SECRET", SECRET);
        for (key, variable, with) in [
            ("sessions", "AUTHLAB_SESSIONS", &[][..]),
            (
                "introspect-url",
                "AUTHLAB_INTROSPECT_URL",
                &["--credential", "opaque", "--verify", "introspect"],
            ),
            ("issuer", "AUTHLAB_ISSUER", &[]),
        ] {
            let flag = format!("--{key}");
            let said = refused(&[with, &[&flag, &address]].concat(), None);
            assert!(said.contains("accepted: "), "{said}");
            refused(&[with, &[&format!("{flag}={address}")]].concat(), None);
            refused(with, Some((variable, &address)));
            std::fs::write(file.path(), format!("{key} = \"{address}\"\n")).unwrap();
            refused(&[with, &["--config", path]].concat(), None);
        }
    }
}

#[test]
fn a_secret_that_was_filled_and_a_key_of_exponent_three_are_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(file.path(), [b' '; 64]).unwrap();
    let said = refused(&["--secret-file", path], None);
    assert!(
        said.contains("1 different bytes; accepted: at least 8, drawn at random"),
        "{said}"
    );
    for exponent in ["3", "17"] {
        let bits = ["-pkeyopt", "rsa_keygen_bits:2048"];
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-out", path])
            .args(bits)
            .args(["-pkeyopt", &format!("rsa_keygen_pubexp:{exponent}")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let said = refused(&["--jwt", "RS256", "--key-file", path], None);
        assert!(
            said.contains("a public exponent of at least 65537"),
            "{said}"
        );
    }
}

/// Printed as ready, it would answer nothing.
#[test]
fn a_server_with_too_few_descriptors_does_not_start() {
    let serve = |limit: u32| {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_authlab"), "serve"])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--trusted-proxy",
                "127.0.0.1",
                "--routes",
                "/nowhere",
            ])
            .output()
            .unwrap()
    };
    for limit in [10, 16, 31] {
        let output = serve(limit);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let wanted = format!(
            "authlab: the limit of open files is {limit}, and at least 32 are needed (ulimit -n)\n"
        );
        assert_eq!(said, wanted);
        assert!(output.stdout.is_empty());
    }
    let said = String::from_utf8_lossy(&serve(32).stderr).into_owned();
    assert!(said.contains("/nowhere"), "{said}");
}
