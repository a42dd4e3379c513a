//! Changes that users and clients make by their requests.

use authlab_server::CredentialKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use serde_json::{Value, json};

use crate::administered::known;
use crate::asked::{Nth, Question, Resource, Sender, Shown, Spelling};
use crate::history::{Change, Password, Who};
use crate::played::{Broken, Held, Play, Played};
use crate::sent::{Answer, client, shown, with_body};

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

impl Play<'_> {
    /// Makes a change, at this server where it is one server's.
    pub(crate) async fn change(&mut self, at: usize, change: &Change) -> Played {
        self.tally.changes.add(1);
        self.changed_at = Some(self.stand.now_seconds());
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

    pub(crate) fn kind(&self) -> CredentialKind {
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
            known(&made)?
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

    pub(crate) fn hold(
        &mut self,
        text: String,
        who: Option<Who>,
        from: Sender,
        until_seconds: u64,
    ) {
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
}

impl Play<'_> {
    /// Whether the server would grant it without its cache: with one, the request that follows may be remembered.
    pub(crate) async fn foretell(
        &mut self,
        at: usize,
        probe: Question,
        held: usize,
    ) -> Played<bool> {
        let answer = self.oracle(at, probe, held).await?;
        self.heard(probe, held, &answer);
        Ok(probe.is_granted(&answer))
    }
}

pub(crate) fn probe(what: Resource, from: Sender, with: Nth) -> Question {
    Question {
        what,
        spelled: Spelling::Plain,
        from,
        with,
        shown: Shown::AsItIs,
    }
}

pub(crate) fn posted(
    path: &str,
    from: Sender,
    body: &Value,
) -> Request<http_body_util::Full<hyper::body::Bytes>> {
    with_body(from.named(Request::post(path)), body.to_string())
}

/// Whether it was done; nobody knows of a store that did not answer.
pub(crate) fn done(answer: &Answer) -> Played<bool> {
    match answer.status {
        503 => Err(Broken::Off),
        status => Ok((200..300).contains(&status)),
    }
}

pub(crate) fn sure(holds: bool, what: &str) -> Played {
    if holds {
        Ok(())
    } else {
        let wrong = format!("it does not hold that {what}");
        Err(Broken::Promise(proptest::test_runner::TestCaseError::fail(
            wrong,
        )))
    }
}
