//! Users files, replaced while a server runs. The model lets in whom the file names, with the password it gives, where the
//! file is JSON and says nothing twice; 503 is right where the file is not one of the documented shapes.

use std::path::PathBuf;

use authlab_server::{CacheKind, Design, HashOn, UsersFrom};
use tempfile::TempDir;

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::json::Json;
use crate::stand::{Stand, get, quick, shown, with_json};

pub(crate) struct Files {
    stand: Stand,
    folder: TempDir,
    hash: String,
}

/// What `hash` is of.
const HASHED: &str = "hashed password";

impl Target for Files {
    const NAME: &'static str = "users_files";

    async fn open() -> Self {
        // In memory where that is to be had.
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let hash = bcrypt::hash(HASHED, 4).unwrap();
        let file = folder.path().join("users.json");
        std::fs::write(&file, "{}").unwrap();
        Self {
            stand: Stand::open(design(file)),
            folder,
            hash,
        }
    }

    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        let text = self.text(choices);
        self.replace(&text);
        let json = Json::read(&text).filter(|json| matches!(json, Json::Object(_)));
        let shape = shape(json.as_ref(), &self.hash);
        let opens_too = choices.once_in(8);
        if opens_too {
            let opened = Stand::try_open(design(self.file()));
            match (&shape, &opened) {
                (Shape::Documented, Err(error)) => {
                    return fault(
                        "a refusal of a valid file",
                        format!("{}: {error}", shown(&text)),
                    );
                }
                (Shape::Refused(why), Ok(_)) => {
                    return fault(*why, format!("the file {} opens", shown(&text)));
                }
                _ => {}
            }
        }
        for (name, password) in Self::attempts(choices, json.as_ref()) {
            let body = serde_json::json!({ "username": name, "password": password });
            let request = with_json(get("POST", "/token"), body.to_string()).unwrap();
            let answer = self.stand.ask_or_503(request).await;
            let account = account(json.as_ref(), &name, &password);
            let what = || {
                format!(
                    "`{}` with `{}` and the file {} was answered {}",
                    name.escape_debug(),
                    password.escape_debug(),
                    shown(&text),
                    answer.status
                )
            };
            seen.note(
                &answer,
                match (&shape, account) {
                    (Shape::Documented, Some(_)) => "account",
                    (Shape::Documented, None) => "no account",
                    (Shape::Open, _) => "another shape",
                    (Shape::Refused(why), _) => why,
                },
            );
            match (&shape, account) {
                _ if answer.status >= 500 && answer.status != 503 => {
                    return fault("a 5xx that is no 503", what());
                }
                (Shape::Documented, _) if answer.status == 503 => {
                    return fault("a 503 with a valid file", what());
                }
                (Shape::Documented, Some(_))
                    if !answer.is_granted() && is_plain(&name, &password) =>
                {
                    return fault("a refusal of an account", what());
                }
                (Shape::Refused(_), _) if answer.is_granted() => {
                    return fault("a sign-in by a file that is refused", what());
                }
                (_, None) if answer.is_granted() => {
                    return fault("a sign-in that no account explains", what());
                }
                _ => {}
            }
            let (true, Some(is_admin)) = (answer.is_granted(), account) else {
                continue;
            };
            let token = answer.field("access_token").unwrap();
            let write = get("POST", "/items/").header("authorization", format!("Bearer {token}"));
            let write = self
                .stand
                .ask(with_json(write, r#"{"name":"x"}"#).unwrap())
                .await?;
            if write.is_granted() && !is_admin {
                return fault("a role that the file does not give", what());
            }
        }
        Ok(())
    }
}

fn design(file: PathBuf) -> Design {
    Design {
        users: UsersFrom::File(file),
        cache: CacheKind::None,
        // A thread of its own would only be waited for.
        hash_on: HashOn::Inline,
        ..quick()
    }
}

impl Files {
    fn file(&self) -> PathBuf {
        self.folder.path().join("users.json")
    }

    /// Puts a file in the place of the last one, as an editor does.
    fn replace(&self, text: &[u8]) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, self.file()).unwrap();
    }

    /// A file of accounts in the published shapes, and what choices make of it.
    fn text(&self, choices: &mut Choices<'_>) -> Vec<u8> {
        let names = [
            "john",
            "jane",
            "alice",
            "j\u{e9}r\u{f4}me",
            "je\u{301}ro\u{302}me",
            "joh\u{200b}n",
            "John",
            "",
        ];
        let mut accounts = Vec::new();
        for number in 0..=choices.below(4) {
            let at = choices.below(names.len());
            // Plainly, each has a name of its own.
            let name = if at == 0 {
                names[number.min(2)]
            } else {
                names[at]
            };
            let mut account = match choices.below(5) {
                1 => Json::object([
                    ("password", Json::text("open sesame")),
                    ("role", Json::text("admin")),
                ]),
                2 => Json::object([
                    ("username", Json::text(name)),
                    ("email", Json::text("a@example.com")),
                    ("password", Json::text("1234")),
                    ("bio", Json::text("")),
                ]),
                3 => Json::object([
                    ("password_hash", Json::text(&*self.hash)),
                    ("roles", Json::texts(&["user"])),
                ]),
                4 => Json::object([
                    ("password", Json::text("p\u{e4}ssword")),
                    ("roles", Json::texts(&["user", "admin"])),
                ]),
                _ => Json::object([
                    ("password", Json::text("password123")),
                    ("roles", Json::texts(&["user"])),
                ]),
            };
            for _ in 0..choices.below(4) / 2 {
                account.edit(choices, &self.more());
            }
            accounts.push((name.to_owned(), account));
        }
        let mut json = Json::Object(accounts);
        if choices.once_in(6) {
            let again = Json::object([
                ("password", Json::text("another password")),
                ("roles", Json::texts(&["admin"])),
            ]);
            json.edit(choices, &[("john", again)]);
        }
        let mut text = json.write(choices).into_bytes();
        if choices.once_in(6) {
            // One name in two spellings of JSON.
            let plain = String::from_utf8_lossy(&text).replacen(
                "\"john\":",
                "\"\\u006aohn\":{\"password\":\"another password\",\"roles\":[]},\"john\":",
                1,
            );
            text = plain.into_bytes();
        }
        match choices.below(24) {
            19..=21 => choices.edit(&mut text),
            22 => text = [&b"\xef\xbb\xbf"[..], &text].concat(),
            23 => text.extend(
                choices
                    .pick(&[&b"{}"[..], b",", b"\0", b"\n\n", b"//"])
                    .iter(),
            ),
            _ => {}
        }
        text
    }

    fn more(&self) -> Vec<(&'static str, Json)> {
        vec![
            ("password", Json::text("another password")),
            ("password", Json::text("")),
            ("password", Json::text("a".repeat(100))),
            ("password_hash", Json::text(&*self.hash)),
            (
                "password_hash",
                Json::text("$2b$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ),
            (
                "password_hash",
                Json::text("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaA"),
            ),
            ("password_hash", Json::text("$sha256$$")),
            ("role", Json::text("admin")),
            ("role", Json::text("Admin")),
            ("roles", Json::texts(&["admin", "user"])),
            ("roles", Json::texts(&["admin", "admin"])),
            ("roles", Json::texts(&["root"])),
            ("roles", Json::text("admin")),
            ("username", Json::text("john")),
            ("username", Json::text("mallory")),
            ("email", Json::text("x@example.com")),
            ("bio", Json::Null),
            ("is_admin", Json::Bool(true)),
        ]
    }

    /// Names and passwords to sign in with: of the file, each of them, and some that it may not have.
    fn attempts(choices: &mut Choices<'_>, json: Option<&Json>) -> Vec<(String, String)> {
        let mut attempts = Vec::new();
        for (name, account) in json.map(Json::members).unwrap_or_default() {
            let passwords = account.all("password").filter_map(Json::as_text);
            attempts.extend(passwords.map(|password| (name.clone(), password.to_owned())));
            if account.get("password_hash").is_some() {
                attempts.push((name.clone(), HASHED.to_owned()));
            }
        }
        attempts.truncate(4);
        let others = [
            ("john", "password123"),
            ("john", ""),
            ("", ""),
            ("jane", "another password"),
            ("joh\u{200b}n", "password123"),
        ];
        let (name, password) = *choices.pick(&others);
        attempts.push((name.to_owned(), password.to_owned()));
        attempts
    }
}

enum Shape {
    /// It has to be read.
    Documented,
    /// It may be refused.
    Open,
    /// It has to be refused.
    Refused(&'static str),
}

fn shape(json: Option<&Json>, hash: &str) -> Shape {
    let Some(json) = json else {
        return Shape::Refused("no JSON object");
    };
    if !json.is_unique() {
        return Shape::Refused("a name twice");
    }
    let is_role = |role: &Json| matches!(role.as_text(), Some("admin" | "user"));
    let is_documented = |(name, account): &(String, Json)| {
        let matches =
            |member: &str, fits: &dyn Fn(&Json) -> bool| account.get(member).is_none_or(fits);
        let is_text = |value: &Json| value.as_text().is_some();
        name.bytes().all(|c| c.is_ascii_alphanumeric())
            && !name.is_empty()
            && account.members().iter().all(|(member, _)| {
                matches!(
                    &**member,
                    "password" | "password_hash" | "roles" | "role" | "username" | "email" | "bio"
                )
            })
            && account.get("password").is_some() != account.get("password_hash").is_some()
            && (account.get("role").is_none() || account.get("roles").is_none())
            && matches("password", &|text| {
                text.as_text().is_some_and(|text| {
                    !text.is_empty() && text.len() <= 72 && !text.contains('\0')
                })
            })
            && matches("password_hash", &|text| text.as_text() == Some(hash))
            && matches(
                "roles",
                &|roles| matches!(roles, Json::List(all) if all.iter().all(is_role) && all.first() != all.get(1)),
            )
            && matches("role", &is_role)
            && matches("username", &|text| text.as_text() == Some(name))
            && matches("email", &is_text)
            && matches("bio", &is_text)
    };
    if json.members().iter().all(is_documented) {
        Shape::Documented
    } else {
        Shape::Open
    }
}

/// Whether the file has this account, and as an administrator.
fn account(json: Option<&Json>, name: &str, password: &str) -> Option<bool> {
    let account = json?.get(name)?;
    let is_right = account.get("password").and_then(Json::as_text) == Some(password)
        || account.get("password_hash").is_some() && password == HASHED;
    let is_admin = account.get("role").is_some_and(|role| role.names("admin"))
        || account
            .get("roles")
            .is_some_and(|roles| roles.names("admin"));
    is_right.then_some(is_admin)
}

/// Whether an account of this name and password has to be let in by any server.
fn is_plain(name: &str, password: &str) -> bool {
    name.bytes().all(|c| c.is_ascii_alphanumeric()) && !password.is_empty() && password.is_ascii()
}
