//! Changes, made as clients, administrators and whoever runs the servers make them.

use std::collections::BTreeMap;

use authlab_server::{CredentialKind, Role, Roles, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use hyper::http::request::Builder;
use serde_json::{Value, json};

use crate::asked::{Answer, Nth, Question, Resource, Sender, Shown, Spelling, shown, with_body};
use crate::combination::Place;
use crate::history::{Change, Password, Who};
use crate::played::{Broken, Held, Play, Played, client};
use crate::promise::Promise;

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::John => "john",
            Self::Jane => "jane",
            Self::Alice => "alice",
            Self::Newcomer => "newcomer",
        }
    }

    fn password(self, Password(nth): Password) -> &'static str {
        match (nth, self) {
            (1, _) => "the second password",
            (2, _) => "the third password",
            (_, Self::John) => "password123",
            (_, Self::Jane) => "password456",
            (_, Self::Alice) => "securePass",
            (_, Self::Newcomer) => "the first password",
        }
    }
}

/// Roles, by number.
fn roles(number: u8) -> Vec<Role> {
    match number {
        0 => vec![],
        1 => vec![Role::User],
        2 => vec![Role::Admin],
        _ => vec![Role::Admin, Role::User],
    }
}

/// Policies, by number; the first is the one that there is at first.
fn policy(number: u8) -> BTreeMap<Role, Vec<Scope>> {
    use Scope::{ItemsRead, ItemsWrite};
    let (admin, user) = match number {
        0 => (vec![ItemsRead, ItemsWrite], vec![ItemsRead]),
        1 => (vec![ItemsRead, ItemsWrite], vec![ItemsRead, ItemsWrite]),
        2 => (vec![ItemsRead, ItemsWrite], vec![]),
        _ => (vec![ItemsRead], vec![ItemsRead]),
    };
    [(Role::Admin, admin), (Role::User, user)].into()
}

impl Play<'_> {
    /// Makes a change, at this server where it is one server's.
    pub(crate) async fn change(&mut self, at: usize, change: &Change) -> Played {
        self.tally.changes.add(1);
        match *change {
            Change::SignUp(who) => self.sign_up(at, who).await,
            Change::SignIn {
                who,
                password,
                from,
                device,
            } => {
                let password = password.or_else(|| self.accounts.get(&who).copied());
                let password = password.unwrap_or(Password(0));
                self.sign_in(at, who, password, from, device).await
            }
            Change::SignInClient => self.sign_in_client(at).await,
            Change::Refresh { of, again } => self.refresh(at, of, again).await,
            Change::Revoke { of, from } => self.revoke(at, of, from).await,
            Change::RevokeByClient(of) => self.revoke_by_client(at, of).await,
            Change::SignOutDevice { by, device } => self.sign_out_device(at, by, device).await,
            Change::SignOutEverywhere(by) => self.sign_out_everywhere(at, by).await,
            Change::NextPassword { by, to } => self.change_password(at, by, to).await,
            Change::GiveRoles { who, roles, by } => self.give_roles(at, who, roles, by).await,
            Change::Remove { who, by } => self.remove(at, who, by).await,
            Change::RotateKeys { each, by } => self.rotate_keys(at, each, by).await,
            Change::ReplacePolicy { with, each, by } => {
                self.replace_policy(at, with, each, by).await
            }
        }
    }

    fn kind(&self) -> CredentialKind {
        self.combination.design.credential
    }

    async fn sign_up(&mut self, at: usize, who: Who) -> Played {
        let password = who.password(Password(0));
        let by_http = matches!(self.kind(), CredentialKind::Session | CredentialKind::Basic);
        let is_made = if by_http {
            let body = json!({ "username": who.name(), "password": password });
            let request = (posted("/signup", Sender::Home, &body), Sender::Home.ip());
            done(&Answer::of(self.stand.desk(at), request).await)?
        } else {
            let made = self.stand.desk_lab(at).sign_up(who.name(), password).await;
            made.is_ok()
        };
        let is_free = !self.accounts.contains_key(&who);
        sure(is_made == is_free, "who has no account may have one")?;
        self.accounts.entry(who).or_insert(Password(0));
        Ok(())
    }

    pub(crate) async fn sign_in(
        &mut self,
        at: usize,
        who: Who,
        password: Password,
        from: Sender,
        device: u8,
    ) -> Played {
        let (name, word) = (who.name(), who.password(password));
        let both = STANDARD.encode(format!("{name}:{word}"));
        let mut body = json!({ "username": name, "password": word });
        let request = match self.kind() {
            CredentialKind::Basic => {
                // Nobody signs in.
                self.hold(both, Some(who), from, u64::MAX);
                if let Some(held) = self.held.last_mut() {
                    held.password = Some(password);
                }
                return Ok(());
            }
            CredentialKind::Session => {
                let builder = from.named(Request::post("/login"));
                with_body(shown(builder, CredentialKind::Basic, &both), "")
            }
            CredentialKind::SessionJwt => {
                body["device_id"] = format!("device-{device}").into();
                posted("/login", from, &body)
            }
            _ => posted("/token", from, &body),
        };
        let answer = Answer::of(self.stand.desk(at), (request, from.ip())).await;
        let is_in = done(&answer)?;
        let may = self.accounts.get(&who) == Some(&password);
        sure(is_in == may, "who knows an account's password may sign in")?;
        if is_in {
            let token = answer.session().or_else(|| answer.field("access_token"));
            let until = self.stand.now_seconds() + self.combination.design.token_ttl.0.as_secs();
            self.hold(token.unwrap(), Some(who), from, until);
            let held = self.held.len() - 1;
            self.held[held].device = device;
            if let Some(refresh) = answer.field("refresh_token") {
                self.held[held].session = Some(self.sessions.len());
                self.sessions.push(vec![refresh]);
            }
        }
        Ok(())
    }

    fn hold(&mut self, text: String, who: Option<Who>, from: Sender, until_seconds: u64) {
        self.held.push(Held {
            text,
            who,
            from,
            until_seconds,
            session: None,
            device: 0,
            password: None,
            has_ended: false,
        });
    }

    async fn sign_in_client(&mut self, at: usize) -> Played {
        if !matches!(self.kind(), CredentialKind::Jwt | CredentialKind::Opaque) {
            return Ok(());
        }
        let request = client("/oauth/token", "grant_type=client_credentials");
        let answer = Answer::of(self.stand.desk(at), request).await;
        if done(&answer)? {
            let until = self.stand.now_seconds() + self.combination.design.token_ttl.0.as_secs();
            let token = answer.field("access_token").unwrap();
            self.hold(token, None, Sender::Home, until);
        }
        Ok(())
    }

    async fn refresh(&mut self, at: usize, of: Nth, again: bool) -> Played {
        let Some((held, session)) = self.nth(of).and_then(|held| {
            let session = self.held[held].session?;
            Some((held, session))
        }) else {
            return Ok(());
        };
        let turns = &self.sessions[session];
        let turn = if again {
            turns.len().checked_sub(2)
        } else {
            turns.len().checked_sub(1)
        };
        let Some(turn) = turn else {
            return Ok(());
        };
        let (who, from) = (self.held[held].who, self.held[held].from);
        let body = json!({ "refresh_token": turns[turn] });
        let request = (posted("/token/refresh", from, &body), from.ip());
        let answer = Answer::of(self.stand.desk(at), request).await;
        let is_new = done(&answer)?;
        if again {
            sure(!is_new, "a refresh token is used once")?;
            self.end(|held| held.session == Some(session));
        } else if is_new {
            let now = self.stand.now_seconds();
            let until = now + self.combination.design.token_ttl.0.as_secs();
            self.hold(answer.field("access_token").unwrap(), who, from, until);
            let held = self.held.len() - 1;
            self.held[held].session = Some(session);
            self.sessions[session].push(answer.field("refresh_token").unwrap());
        }
        Ok(())
    }

    async fn revoke(&mut self, at: usize, of: Nth, from: Sender) -> Played {
        let path = match self.kind() {
            CredentialKind::Basic => return Ok(()),
            CredentialKind::Session | CredentialKind::SessionJwt => "/logout",
            _ => "/token/revoke",
        };
        let Some(held) = self.nth(of) else {
            return Ok(());
        };
        let builder = shown(
            from.named(Request::post(path)),
            self.kind(),
            &self.held[held].text,
        );
        let app = &self.stand.servers[at].cached;
        let answer = Answer::of(app, (with_body(builder, ""), from.ip())).await;
        if done(&answer)? {
            let over = self.end_with(held);
            if self.sees_its_own() {
                for text in over {
                    self.granted.forget(&text);
                }
            }
        }
        Ok(())
    }

    async fn revoke_by_client(&mut self, at: usize, of: Nth) -> Played {
        let is_known = matches!(
            self.kind(),
            CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
        );
        let (Some(held), true) = (self.nth(of), is_known) else {
            return Ok(());
        };
        // One that is over has nothing to end: RFC 7009 §2.2.
        let is_good =
            !self.held[held].has_ended && self.stand.now_seconds() < self.held[held].until_seconds;
        let request = self.by_client("/oauth/revoke", held);
        if done(&Answer::of(self.stand.desk(at), request).await)? && is_good {
            self.end_with(held);
        }
        Ok(())
    }

    /// A credential has ended, and where it is of a session all of that: their texts.
    fn end_with(&mut self, held: usize) -> Vec<String> {
        let (session, text) = (self.held[held].session, self.held[held].text.clone());
        let is_over =
            |other: &Held| other.text == text || session.is_some() && other.session == session;
        self.end(is_over);
        let over = self.held.iter().filter(|other| is_over(other));
        over.map(|other| other.text.clone()).collect()
    }

    async fn sign_out_device(&mut self, at: usize, by: Nth, device: u8) -> Played {
        let path = format!("/devices/device-{device}");
        let builder = Request::delete(path);
        let Some((held, answer)) = self.by_device(at, by, builder).await? else {
            return Ok(());
        };
        if done(&answer)? {
            let who = self.held[held].who;
            self.end(|other| other.who == who && other.device == device);
        }
        Ok(())
    }

    async fn sign_out_everywhere(&mut self, at: usize, by: Nth) -> Played {
        let Some((held, answer)) = self.by_device(at, by, Request::post("/logout/all")).await?
        else {
            return Ok(());
        };
        if done(&answer)? {
            let who = self.held[held].who;
            self.end(|other| other.who == who);
        }
        Ok(())
    }

    async fn by_device(
        &mut self,
        at: usize,
        by: Nth,
        builder: Builder,
    ) -> Played<Option<(usize, Answer)>> {
        let (Some(held), CredentialKind::SessionJwt) = (self.nth(by), self.kind()) else {
            return Ok(None);
        };
        let from = self.held[held].from;
        self.foretell(at, probe(Resource::Devices, from, by), held)
            .await?;
        let builder = shown(from.named(builder), self.kind(), &self.held[held].text);
        let app = &self.stand.servers[at].cached;
        let answer = Answer::of(app, (with_body(builder, ""), from.ip())).await;
        Ok(Some((held, answer)))
    }

    async fn change_password(&mut self, at: usize, by: Nth, to: Password) -> Played {
        let Some(held) = self.nth(by) else {
            return Ok(());
        };
        let (Some(who), from) = (self.held[held].who, self.held[held].from) else {
            return Ok(());
        };
        let Some(now) = self.accounts.get(&who).copied() else {
            return Ok(());
        };
        if self.stand.central.is_none() {
            let probe = probe(Resource::PasswordThatIsNone, from, by);
            self.foretell(at, probe, held).await?;
        }
        let Held { text, .. } = &self.held[held];
        let body = json!({ "password": who.password(now), "new_password": who.password(to) });
        let builder = shown(from.named(Request::post("/password")), self.kind(), text);
        let request = with_body(builder, body.to_string());
        let answer = Answer::of(self.stand.desk(at), (request, from.ip())).await;
        if done(&answer)? {
            self.accounts.insert(who, to);
            self.end(|held| held.who == Some(who));
        }
        Ok(())
    }

    async fn give_roles(&mut self, at: usize, who: Who, number: u8, by: Option<Nth>) -> Played {
        let roles = roles(number);
        let is_given = if let Some(by) = by {
            let builder = Request::post(format!("/admin/accounts/{}/roles", who.name()));
            self.administer(at, by, builder, &json!({ "roles": labels(&roles) }))
                .await?
        } else {
            let roles: Roles = roles.into_iter().collect();
            let given = self.stand.desk_lab(at).set_roles(who.name(), roles).await;
            sure(
                given.is_ok() == self.accounts.contains_key(&who),
                "who has an account may be given roles",
            )?;
            given.is_ok()
        };
        if is_given {
            self.end(|held| held.who == Some(who));
        }
        Ok(())
    }

    async fn remove(&mut self, at: usize, who: Who, by: Option<Nth>) -> Played {
        let is_removed = if let Some(by) = by {
            let builder = Request::delete(format!("/admin/accounts/{}", who.name()));
            self.administer(at, by, builder, &Value::Null).await?
        } else {
            let removed = self.stand.desk_lab(at).remove_account(who.name()).await;
            removed.is_ok()
        };
        if is_removed {
            self.accounts.remove(&who);
            self.end(|held| held.who == Some(who));
        }
        Ok(())
    }

    async fn rotate_keys(&mut self, at: usize, each: bool, by: Option<Nth>) -> Played {
        if !self.kind().is_signed() {
            return Ok(());
        }
        self.stand.draw_secret();
        let is_rotated = match by {
            Some(by) => {
                self.administer(at, by, Request::post("/admin/keys"), &Value::Null)
                    .await?
            }
            None => self.stand.desk_lab(at).rotate_keys().await.is_ok(),
        };
        let servers = self.stand.servers.len();
        let is_whole = each || servers == 1;
        if each && self.stand.central.is_none() {
            for other in (0..servers).filter(|other| *other != at) {
                sure(
                    self.stand.servers[other].lab.rotate_keys().await.is_ok(),
                    "keys can be rotated",
                )?;
            }
        }
        if is_rotated {
            self.rotated();
        }
        if is_rotated && (is_whole || self.stand.central.is_some()) {
            self.end(|_| true);
        }
        Ok(())
    }

    /// Of the servers that are asked; a central server's is another matter, and changes with `each`.
    async fn replace_policy(&mut self, at: usize, with: u8, each: bool, by: Option<Nth>) -> Played {
        let carried = policy(with);
        let servers = &self.stand.servers;
        match by {
            Some(by) if self.combination.place == Place::Here => {
                let body = carried
                    .iter()
                    .map(|(role, scopes)| {
                        let scopes = scopes.iter().map(|scope| scope.label());
                        (role.label().to_owned(), scopes.collect())
                    })
                    .collect::<serde_json::Map<String, Value>>();
                self.administer(at, by, Request::post("/admin/policy"), &body.into())
                    .await?;
            }
            _ => {
                let chosen = (0..servers.len()).filter(|other| each || *other == at);
                for server in chosen {
                    let replaced = servers[server].lab.replace_policy(&carried).await;
                    sure(replaced.is_ok(), "the policy can be replaced")?;
                }
                if let Some(central) = self.stand.central.as_ref().filter(|_| each) {
                    let replaced = central.lab.replace_policy(&carried).await;
                    sure(replaced.is_ok(), "the policy can be replaced")?;
                }
                if self.sees_its_own() {
                    self.granted.forget_all();
                }
            }
        }
        Ok(())
    }

    /// An administrator's request: whether it was granted and done. It is granted if and only if it is without a cache.
    async fn administer(
        &mut self,
        at: usize,
        by: Nth,
        builder: Builder,
        body: &Value,
    ) -> Played<bool> {
        let Some(held) = self.nth(by) else {
            return Ok(false);
        };
        let from = self.held[held].from;
        let probe = probe(Resource::PolicyThatIsNone, from, by);
        let is_asked_here = self.stand.central.is_none();
        let may = is_asked_here && self.foretell(at, probe, held).await?;
        let builder = shown(from.named(builder), self.kind(), &self.held[held].text);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = (with_body(builder, body), from.ip());
        let answer = Answer::of(self.stand.desk(at), request).await;
        let is_done = done(&answer)?;
        let is_granted = !matches!(answer.status, 401 | 403);
        if is_asked_here && self.promise == Promise::Equal && is_granted != may {
            let said = format!("{answer:?} to an administrator's request");
            return Err(self.wrong(probe, held, &said));
        }
        Ok(is_done)
    }
}

impl Play<'_> {
    /// Whether the server would grant it without its cache: with one, the request that follows may be remembered.
    async fn foretell(&mut self, at: usize, probe: Question, held: usize) -> Played<bool> {
        let answer = self.oracle(at, probe, held).await?;
        self.heard(probe, held, &answer);
        Ok(probe.is_granted(&answer))
    }
}

fn labels(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.label()).collect()
}

fn probe(what: Resource, from: Sender, with: Nth) -> Question {
    Question {
        what,
        spelled: Spelling::Plain,
        from,
        with,
        shown: Shown::AsItIs,
    }
}

fn posted(
    path: &str,
    from: Sender,
    body: &Value,
) -> Request<http_body_util::Full<hyper::body::Bytes>> {
    with_body(from.named(Request::post(path)), body.to_string())
}

/// Whether it was done; nobody knows of a store that did not answer.
fn done(answer: &Answer) -> Played<bool> {
    match answer.status {
        503 => Err(Broken::Off),
        status => Ok((200..300).contains(&status)),
    }
}

fn sure(holds: bool, what: &str) -> Played {
    if holds {
        Ok(())
    } else {
        let wrong = format!("it does not hold that {what}");
        Err(Broken::Promise(proptest::test_runner::TestCaseError::fail(
            wrong,
        )))
    }
}
