//! Sessions that go on, and credentials that are ended by whoever holds them.

use authlab_server::CredentialKind;
use hyper::Request;
use hyper::http::request::Builder;
use serde_json::json;

use crate::asked::{Nth, Resource, Sender};
use crate::changed::{done, posted, probe, sure};
use crate::played::{Held, Play, Played};
use crate::sent::{Answer, shown, with_body};

impl Play<'_> {
    pub(crate) async fn refresh(&mut self, at: usize, of: Nth, again: bool) -> Played {
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
            let until = self.stand.now_seconds() + answer.expires_in().unwrap();
            self.hold(answer.field("access_token").unwrap(), who, from, until);
            let held = self.held.len() - 1;
            self.held[held].session = Some(session);
            self.sessions[session].push(answer.field("refresh_token").unwrap());
        }
        Ok(())
    }

    pub(crate) async fn revoke(&mut self, at: usize, of: Nth, from: Sender) -> Played {
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

    pub(crate) async fn revoke_by_client(&mut self, at: usize, of: Nth) -> Played {
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

    pub(crate) async fn sign_out_device(&mut self, at: usize, by: Nth, device: u8) -> Played {
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

    pub(crate) async fn sign_out_everywhere(&mut self, at: usize, by: Nth) -> Played {
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
}
