//! Cookies of sessions. The model reads octets as RFC 6265 §4.2.1 and §5.4 write them, and knows which sessions live.

use authlab_server::{CacheKind, CredentialKind, Design};
use http_body_util::Full;

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::stand::{Stand, get, quick, shown, with_field};

pub(crate) struct Cookies {
    servers: Vec<Server>,
}

struct Server {
    stand: Stand,
    /// Of john and of jane.
    live: [String; 2],
    ended: String,
}

const USERS: [(&str, &str); 2] = [("john", "password123"), ("jane", "password456")];

/// What the model says of a request.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Model {
    /// Of this user.
    Granted(usize),
    /// No session, or none that lives.
    Unknown,
    /// The cookie is there more than once.
    Ambiguous,
    /// A change that is not shown to be from the same origin.
    CrossSite,
    /// Readers differ over a tab: any refusal, or this user's grant.
    Either(Option<usize>),
}

impl Target for Cookies {
    const NAME: &'static str = "cookies";

    async fn open() -> Self {
        let mut servers = Vec::new();
        for cache in [CacheKind::None, CacheKind::Token, CacheKind::Decision] {
            let stand = Stand::open(Design {
                credential: CredentialKind::Session,
                cache,
                ..quick()
            });
            let mut server = Server {
                live: [String::new(), String::new()],
                ended: String::new(),
                stand,
            };
            server.renew(0).await;
            server.renew(1).await;
            let logout = Server::logout(&server.live[0]);
            assert_eq!(server.stand.ask_or_503(logout).await.status, 200);
            server.renew(0).await;
            servers.push(server);
        }
        Self { servers }
    }

    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        let at = choices.below(self.servers.len());
        let server = &mut self.servers[at];
        let (method, path) = *choices.pick(&[
            ("GET", "/protected"),
            ("GET", "/user"),
            ("POST", "/logout"),
            ("HEAD", "/user"),
        ]);
        let fields = fields(choices, server);
        let origin = if method == "POST" {
            origins(choices)
        } else {
            Vec::new()
        };
        let mut request = get(method, path);
        for value in &fields {
            let Some(with) = with_field(request, "cookie", value) else {
                return Ok(());
            };
            request = with;
        }
        for (name, value) in &origin {
            let Some(with) = with_field(request, name, value) else {
                return Ok(());
            };
            request = with;
        }
        let model = model(server, method, &fields, &origin);
        let answer = server
            .stand
            .ask(request.body(Full::default()).unwrap())
            .await?;
        seen.note(
            &answer,
            match model {
                Model::Granted(_) => "granted",
                Model::Unknown => "unknown",
                Model::Ambiguous => "ambiguous",
                Model::CrossSite => "cross site",
                Model::Either(_) => "either",
            },
        );
        let fits = match model {
            Model::Granted(_) => answer.status == 200,
            Model::Unknown => answer.status == 401,
            Model::Ambiguous => matches!(answer.status, 400 | 403),
            Model::CrossSite => answer.status == 403,
            Model::Either(user) => !answer.is_granted() || user.is_some(),
        };
        let what = {
            let cookies: Vec<String> = fields.iter().map(|value| shown(value)).collect();
            let origin: Vec<String> = origin
                .iter()
                .map(|(name, value)| format!("{name}: {}", shown(value)))
                .collect();
            format!(
                "{method} {path} with Cookie {} {} (live {:?}) was answered {}, the model says {model:?}",
                cookies.join(" and "),
                origin.join(" "),
                server.live,
                answer.status
            )
        };
        if answer.is_granted() && method == "POST" {
            // Some session ended: by the model this user's, where it grants at all.
            if let Model::Granted(user) | Model::Either(Some(user)) = model {
                server.ended.clone_from(&server.live[user]);
            }
            server.renew(0).await;
            server.renew(1).await;
        }
        if !fits {
            let kind = match (answer.is_granted(), model) {
                (true, Model::CrossSite) => "a grant across sites",
                (true, _) => "a grant that is refused",
                (false, Model::Granted(_)) => "a refusal of a session that lives",
                (false, _) => "another refusal",
            };
            return fault(kind, what);
        }
        let (Model::Granted(user) | Model::Either(Some(user))) = model else {
            return Ok(());
        };
        if answer.is_granted() && method == "GET" && !answer.text().contains(USERS[user].0) {
            return fault("a grant to another", format!("{what}: {}", answer.text()));
        }
        Ok(())
    }
}

impl Server {
    async fn renew(&mut self, user: usize) {
        let (name, password) = USERS[user];
        self.live[user] = self.stand.sign_in(name, password).await;
        if self.ended.is_empty() {
            self.ended.clone_from(&self.live[user]);
        }
    }

    fn logout(id: &str) -> hyper::Request<Full<hyper::body::Bytes>> {
        get("POST", "/logout")
            .header("cookie", format!("session_id={id}"))
            .header("sec-fetch-site", "same-origin")
            .body(Full::default())
            .unwrap()
    }
}

/// The fields of a request: one with the session's cookie, and what choices make of it.
fn fields(choices: &mut Choices<'_>, server: &Server) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    for field in 0..=choices.below(3) {
        let mut text = Vec::new();
        for pair in 0..=choices.below(4) {
            if pair > 0 {
                text.extend(
                    choices
                        .pick(&[&b"; "[..], b";", b" ; ", b";\t", b", ", b";;"])
                        .iter(),
                );
            }
            let is_first = field == 0 && pair == 0;
            // Plainly, the first is the session's cookie, and others are foreign.
            let kind = choices.below(4);
            if is_first && kind != 1 || kind == 3 {
                let names: [&[u8]; 6] = [
                    b"session_id",
                    b"Session_id",
                    b"session%5Fid",
                    b"session_id ",
                    b"\"session_id\"",
                    b"xsession_id",
                ];
                text.extend(if choices.below(3) < 2 {
                    names[0]
                } else {
                    *choices.pick(&names)
                });
                text.extend(
                    choices
                        .pick(&[&b"="[..], b"=", b"=", b" = ", b"== ", b""])
                        .iter(),
                );
                let mut value = match choices.below(6) {
                    0..=2 => server.live[0].clone().into_bytes(),
                    3 => server.live[1].clone().into_bytes(),
                    4 => server.ended.clone().into_bytes(),
                    _ => Vec::new(),
                };
                match choices.below(8) {
                    5 => value = [b"\"", &*value, b"\""].concat(),
                    6 => crate::jws::edit(choices, &mut value),
                    7 => choices.edit(&mut value),
                    _ => {}
                }
                text.extend(value);
            } else {
                let foreign: [&[u8]; 8] = [
                    b"p=1",
                    b"p=\xc3\xbc",
                    b"p=\xff",
                    b"p",
                    b"=x",
                    b"p=\"a b\"",
                    b"p=session_id=1",
                    b"\xc3\xbc=1",
                ];
                text.extend(*choices.pick(&foreign));
            }
        }
        if choices.once_in(8) {
            choices.edit(&mut text);
        }
        fields.push(text);
    }
    fields
}

/// What shows where a request comes from; plainly, that it is the same origin.
fn origins(choices: &mut Choices<'_>) -> Vec<(&'static str, Vec<u8>)> {
    const SITES: [&[u8]; 7] = [
        b"same-origin",
        b"none",
        b"cross-site",
        b"same-site",
        b"Same-Origin",
        b"",
        b"\xff",
    ];
    const ORIGINS: [&[u8]; 8] = [
        b"http://authlab",
        b"https://authlab",
        b"http://authlab:80",
        b"http://evil",
        b"null",
        b"http://evil/authlab",
        b"http://authlab\xff",
        b"http://AUTHLAB",
    ];
    let mut fields = Vec::new();
    let kind = choices.below(6);
    if kind < 4 {
        for _ in 0..=choices.below(5) / 4 {
            fields.push(("sec-fetch-site", choices.pick(&SITES).to_vec()));
        }
    }
    if kind > 2 {
        for _ in 0..=choices.below(5) / 4 {
            fields.push(("origin", choices.pick(&ORIGINS).to_vec()));
        }
    }
    fields
}

fn model(server: &Server, method: &str, fields: &[Vec<u8>], origin: &[(&str, Vec<u8>)]) -> Model {
    // RFC 6265 §4.2.1 has a space around a pair; some readers also take tabs away.
    let (strict, wide) = (values(fields, b" "), values(fields, b" \t"));
    let of = |values: &[&[u8]]| match values {
        [one] => match server.live.iter().position(|id| id.as_bytes() == *one) {
            Some(user) => Model::Granted(user),
            None => Model::Unknown,
        },
        [] => Model::Unknown,
        _ => Model::Ambiguous,
    };
    let (model, other) = (of(&strict), of(&wide));
    if model != other {
        let user = [model, other].into_iter().find_map(|model| match model {
            Model::Granted(user) => Some(user),
            _ => None,
        });
        return Model::Either(user.filter(|_| is_same_origin(method, origin) != Some(false)));
    }
    if wide.is_empty() {
        // Nothing is at stake.
        return model;
    }
    if strict.is_empty() {
        return Model::Either(None);
    }
    match (is_same_origin(method, origin), model) {
        (Some(true), _) | (_, Model::Ambiguous) => model,
        (Some(false), _) => Model::CrossSite,
        (None, Model::Granted(user)) => Model::Either(Some(user)),
        (None, _) => Model::Either(None),
    }
}

/// Each value of a cookie that is named `session_id`, to the octet.
fn values<'a>(fields: &'a [Vec<u8>], spaces: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    for pair in fields
        .iter()
        .flat_map(|field| field.split(|byte| *byte == b';'))
    {
        let mut pair = pair;
        while let [first, rest @ ..] = pair
            && spaces.contains(first)
        {
            pair = rest;
        }
        while let [rest @ .., last] = pair
            && spaces.contains(last)
        {
            pair = rest;
        }
        if let Some(value) = pair.strip_prefix(b"session_id=") {
            found.push(value);
        }
    }
    found
}

/// What is documented: `Sec-Fetch-Site`, or without that field an `Origin` whose authority is the request's. `None`
/// where that leaves it open.
fn is_same_origin(method: &str, fields: &[(&str, Vec<u8>)]) -> Option<bool> {
    if method != "POST" {
        return Some(true);
    }
    let of = |wanted: &str| -> Vec<&[u8]> {
        let named = fields.iter().filter(|(name, _)| *name == wanted);
        named.map(|(_, value)| &**value).collect()
    };
    match (&*of("sec-fetch-site"), &*of("origin")) {
        ([one], _) => Some(matches!(*one, b"same-origin" | b"none")),
        ([], [one]) if one.ends_with(b":80") => None,
        ([], [one]) => {
            let authority = one
                .strip_prefix(b"http://")
                .or_else(|| one.strip_prefix(b"https://"));
            Some(authority.is_some_and(|authority| authority.eq_ignore_ascii_case(b"authlab")))
        }
        _ => Some(false),
    }
}
