//! Mistakes in a scenario, and how they are told.

use authlab_loadtest::scenario::Scenario;

/// What is replaced in a good scenario, by what, the line that is named, words that must appear.
pub(crate) type Mistake = (&'static str, &'static str, usize, &'static str);

/// What is said of a scenario.
pub(crate) fn refusal(text: &str) -> String {
    match Scenario::parse("s.toml", text, "quick") {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Each is told on one line, with its place.
pub(crate) fn each_is_told(good: &str, mistakes: &[Mistake]) {
    assert_eq!(refusal(good), "accepted");
    for (old, new, line, words) in mistakes {
        assert!(good.contains(old), "{old}");
        let said = refusal(&good.replacen(old, new, 1));
        assert!(
            said.starts_with(&format!("s.toml:{line}: ")),
            "{new}: {said}"
        );
        assert!(said.contains(words), "{new}: {said}");
        assert!(!said.contains('\n'), "{new}: {said}");
    }
}
