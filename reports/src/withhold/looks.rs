//! What looks like a credential: by its name, or by itself.

/// The last word of a name that a credential has: `api-key`, `DB_PASSWORD`, `clientSecret`, `spring.datasource.password`.
const NAMES: [&str; 30] = [
    "password",
    "passwords",
    "passwd",
    "pass",
    "passphrase",
    "pwd",
    "token",
    "tokens",
    "secret",
    "secrets",
    "key",
    "keys",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "cred",
    "creds",
    "cookie",
    "cookies",
    "signature",
    "sig",
    "assertion",
    "otp",
    "sid",
    "userpass",
    "masterauth",
    "jwks",
];
/// Names may be written as one word.
const ENDINGS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "requirepass",
];
/// Headers that hold one.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// Flags of the reference server whose names are those of credentials and whose values are choices of a design.
pub const PUBLIC_CHOICES: [(&str, &[&str]); 3] = [
    (
        "password",
        &["bcrypt", "argon2id", "md5", "sha256", "blake3"],
    ),
    ("cache-key", &["route", "sender", "article"]),
    (
        "credential",
        &[
            "jwt",
            "opaque",
            "session",
            "session-jwt",
            "api-key",
            "basic",
        ],
    ),
];

/// Shorter words are not judged by their looks.
const LEAST: usize = 24;

/// Whether a name of a flag, a parameter or a member says that its value is a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    // `-Dpassword=…` of a Java virtual machine.
    let name = name
        .strip_prefix('D')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        .unwrap_or(name);
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let mut start = 0;
    let mut before = ' ';
    for (at, c) in name.char_indices() {
        if !c.is_ascii_alphanumeric() {
            start = at + c.len_utf8();
        } else if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            start = at;
        }
        before = c;
    }
    let last = name[start..].to_ascii_lowercase();
    NAMES.contains(&last.as_str()) || ENDINGS.iter().any(|ending| last.ends_with(ending))
}

/// Whether it is the name of a header that holds a credential.
pub(super) fn is_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    HEADERS.contains(&lower.as_str()) || lower.contains('-') && is_credential(&lower)
}

/// Whether a flag of the reference server has this as one of its choices; whatever the value, where none is given.
pub(super) fn is_public_choice(flag: &str, value: Option<&str>) -> bool {
    let flag = flag.trim_start_matches('-');
    PUBLIC_CHOICES
        .iter()
        .any(|(name, values)| *name == flag && value.is_none_or(|value| values.contains(&value)))
}

/// Whether a text of letters, digits and `+/_-.` is a JSON Web Token, or looks drawn at random and is no path.
pub(super) fn looks_random(text: &str) -> bool {
    if text.len() < LEAST {
        return false;
    }
    if text.starts_with("eyJ") && text.contains('.') {
        return true;
    }
    if text.contains('.') {
        // A host, a version or a file has dots, a random text has none: each part for itself.
        return !text.contains('/') && text.split('.').any(looks_random);
    }
    let plain: Vec<u8> = text
        .trim_start_matches('+')
        .bytes()
        .filter(|b| !b"-_".contains(b))
        .collect();
    if plain.len() < LEAST {
        return false;
    }
    if plain.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    let has = |kind: Kind| plain.iter().any(|byte| Kind::of(*byte) == kind);
    let changes = plain
        .windows(2)
        .filter(|two| Kind::of(two[0]) != Kind::of(two[1]))
        .count();
    let mixed = has(Kind::Upper) && has(Kind::Lower);
    let (digits, other) = (has(Kind::Digit), has(Kind::Other));
    if plain.contains(&b'/') {
        // A path has long parts of one kind.
        let share = if text.starts_with('/') { 5 } else { 6 };
        return mixed && (digits || other) && changes * share >= plain.len() * 2;
    }
    if digits && (mixed || has(Kind::Lower) || has(Kind::Upper)) || mixed && plain.contains(&b'+') {
        return changes * 5 >= plain.len();
    }
    // `HeapDumpOnOutOfMemoryError` has fewer.
    mixed && changes * 2 > plain.len()
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Upper,
            b'a'..=b'z' => Self::Lower,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}
