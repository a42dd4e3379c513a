//! What looks like a credential: by its name, or by itself.

/// The last word of a name that a credential has: `api-key`, `DB_PASSWORD`, `clientSecret`, `spring.datasource.password`.
const NAMES: [&str; 40] = [
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
    "pw",
    "pin",
    "psk",
    "passcode",
    "passkey",
    "passin",
    "passout",
    "session",
    "sessionid",
    "sessid",
];
/// Names may be written as one word.
const ENDINGS: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "requirepass",
    "sessionid",
    "sessid",
    "privatekey",
    "authkey",
    "cookie",
    "dbpass",
    "userpw",
    "rootpw",
];
/// Words that say of any name in which they stand that its value is one: `secret-id`, `password-plain`.
const ANYWHERE: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pw",
    "secret",
    "credential",
    "credentials",
    "apikey",
];
/// Words that say what a credential is written as: `token-value`.
const CONTENTS: [&str; 8] = [
    "value",
    "string",
    "text",
    "plain",
    "plaintext",
    "base64",
    "b64",
    "hex",
];
/// Last words of names whose values are about a credential, and are none: `secret-file`, `min-password-bytes`.
const ABOUT: [&str; 34] = [
    "file",
    "files",
    "path",
    "dir",
    "directory",
    "ttl",
    "lifetime",
    "age",
    "expiry",
    "timeout",
    "bytes",
    "length",
    "len",
    "size",
    "min",
    "max",
    "count",
    "cost",
    "rounds",
    "type",
    "kind",
    "format",
    "algorithm",
    "alg",
    "name",
    "env",
    "url",
    "uri",
    "host",
    "port",
    "stdin",
    "prompt",
    "policy",
    "store",
];
/// Schemes of addresses that have a user and no password: `git:user@host`, `npm:package@1.2`.
const WITHOUT_PASSWORD: [&str; 20] = [
    "mailto",
    "sip",
    "sips",
    "xmpp",
    "acct",
    "npm",
    "jsr",
    "git",
    "git+ssh",
    "ssh",
    "scp",
    "sftp",
    "github",
    "gitlab",
    "bitbucket",
    "file",
    "pkg",
    "docker",
    "oci",
    "urn",
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
        &[
            "bcrypt", "argon2id", "scrypt", "pbkdf2", "md5", "sha256", "blake3",
        ],
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
    let words = words(name);
    let Some((last, others)) = words.split_last() else {
        return false;
    };
    let one =
        |word: &str| NAMES.contains(&word) || ENDINGS.iter().any(|ending| word.ends_with(ending));
    let before = others.last();
    let any = |word: &String| ANYWHERE.contains(&word.as_str());
    one(last)
        // `session-id`, `pass_code`.
        || before.is_some_and(|before| NAMES.contains(&&*format!("{before}{last}")))
        || others.iter().any(any) && !ABOUT.contains(&last.as_str())
        || CONTENTS.contains(&last.as_str()) && before.is_some_and(|before| one(before))
}

/// The words of a name, however they are joined: `api-key`, `DB_PASSWORD`, `clientSecret`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let joins = !c.is_ascii_alphanumeric();
        if joins || c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(String::new());
        }
        if let (false, Some(word)) = (joins, words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether what stands before the `@` of an address holds a password: `user:password`, `amqp:user:password`. The number of
/// leading bytes that are the scheme and hold none.
pub(super) fn information(before: &str, after: &str) -> Option<usize> {
    // `image:tag@sha256:…`
    if ["sha256:", "sha384:", "sha512:"]
        .iter()
        .any(|digest| after.starts_with(digest))
    {
        return None;
    }
    let (first, rest) = before.split_once(':')?;
    let slashes = |text: &str| text.len() - text.trim_start_matches('/').len();
    // What has two colons, or slashes, begins with a scheme, right or mistyped.
    let scheme = if let Some(at) = before.find("//") {
        at + slashes(&before[at..])
    } else if is_scheme(first) && (rest.contains(':') || rest.starts_with('/')) {
        first.len() + 1 + slashes(rest)
    } else {
        0
    };
    if scheme == 0 && WITHOUT_PASSWORD.contains(&first) {
        return None;
    }
    let (user, password) = before[scheme..].split_once(':')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A time of day; a name that still has to be filled in.
    let none = password.is_empty() || digits(user) && digits(password);
    (!none).then_some(scheme)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
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
