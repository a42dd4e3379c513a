//! One vocabulary: each axis's labels are its only spelling.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::collections::HashSet;

use authlab_server::setup::Idle;
use authlab_server::users::UsersKind;
use authlab_server::{
    Action, BindTo, BindingKind, CacheForm, CacheKey, CacheKind, CacheStore, CredentialKind,
    FreshnessKind, HashOn, JwtAlgorithm, PasswordKind, PolicyKind, Preset, Role, Scope, VerifyKind,
    Warning,
};
use clap::ValueEnum as _;

macro_rules! check {
    ($($Axis:ty),+ $(,)?) => { $(
        let mut labels = HashSet::new();
        for value in <$Axis>::ALL.iter().copied() {
            let label = value.label();
            assert!(labels.insert(label), "{} has {label} twice", <$Axis>::AXIS);
            assert!(!value.help().is_empty(), "{label} has no help");
            assert_eq!(value.to_string(), label);
            assert_eq!(label.parse::<$Axis>().unwrap(), value, "parsing");
            assert_eq!(value.to_possible_value().unwrap().get_name(), label, "clap");
            assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{label}\""), "serde");
            assert_eq!(serde_json::from_str::<$Axis>(&format!("\"{label}\"")).unwrap(), value);
        }
        let line = "bogus".parse::<$Axis>().unwrap_err().to_string();
        assert!(labels.iter().all(|label| line.contains(label)), "{line}");
    )+ };
}

#[test]
fn labels_are_unique_on_each_axis_and_the_same_in_flags_files_and_reports() {
    check!(
        Action,
        BindTo,
        BindingKind,
        CacheForm,
        CacheKey,
        CacheKind,
        CacheStore,
        CredentialKind,
        FreshnessKind,
        HashOn,
        Idle,
        JwtAlgorithm,
        PasswordKind,
        PolicyKind,
        Preset,
        Role,
        Scope,
        UsersKind,
        VerifyKind,
        Warning,
    );
}

#[test]
fn a_mistyped_label_is_answered_with_the_nearest_one() {
    let line = "bcrpt".parse::<PasswordKind>().unwrap_err().to_string();
    let expected = "`bcrpt` is not a value of password; accepted: bcrypt, argon2id, scrypt, pbkdf2, md5, sha256, blake3 \
                    (did you mean `bcrypt`?)";
    assert_eq!(line, expected);
}
