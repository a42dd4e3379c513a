//! Changes that administrators make by requests, and whoever runs the servers without.

use std::collections::BTreeMap;

use authlab_server::{Denied, Role, Roles, Scope};
use hyper::Request;
use hyper::http::request::Builder;
use serde_json::{Value, json};

use crate::asked::{Nth, Resource};
use crate::changed::{done, probe, sure};
use crate::combination::Place;
use crate::history::Who;
use crate::played::{Broken, Play, Played};
use crate::promise::Promise;
use crate::sent::{Answer, shown, with_body};

impl Play<'_> {
    pub(crate) async fn give_roles(
        &mut self,
        at: usize,
        who: Who,
        number: u8,
        by: Option<Nth>,
    ) -> Played {
        let roles = roles(number);
        let is_given = if let Some(by) = by {
            let builder = Request::post(format!("/admin/accounts/{}/roles", who.name()));
            self.administer(at, by, builder, &json!({ "roles": labels(&roles) }))
                .await?
        } else {
            let roles: Roles = roles.into_iter().collect();
            let given = self.stand.desk_lab(at).set_roles(who.name(), roles).await;
            let is_given = known(&given)?;
            sure(
                is_given == self.accounts.contains_key(&who),
                "who has an account may be given roles",
            )?;
            is_given
        };
        if is_given {
            self.end(|held| held.who == Some(who));
        }
        Ok(())
    }

    pub(crate) async fn remove(&mut self, at: usize, who: Who, by: Option<Nth>) -> Played {
        let is_removed = if let Some(by) = by {
            let builder = Request::delete(format!("/admin/accounts/{}", who.name()));
            self.administer(at, by, builder, &Value::Null).await?
        } else {
            let removed = self.stand.desk_lab(at).remove_account(who.name()).await;
            known(&removed)?
        };
        if is_removed {
            self.accounts.remove(&who);
            self.end(|held| held.who == Some(who));
        }
        Ok(())
    }

    pub(crate) async fn rotate_keys(&mut self, at: usize, each: bool, by: Option<Nth>) -> Played {
        if !self.kind().is_signed() {
            return Ok(());
        }
        self.stand.draw_secret();
        let is_rotated = match by {
            Some(by) => {
                self.administer(at, by, Request::post("/admin/keys"), &Value::Null)
                    .await?
            }
            None => known(&self.stand.desk_lab(at).rotate_keys().await)?,
        };
        if !is_rotated {
            self.stand.take_secret_back();
            return Ok(());
        }
        self.rotated_at = Some(self.stand.now_seconds());
        let servers = self.stand.servers.len();
        // Over one Redis it is one key set.
        let is_one = self.combination.place.is_over_redis();
        let is_whole = each || is_one || servers == 1;
        if each && !is_one && self.stand.central.is_none() {
            for other in (0..servers).filter(|other| *other != at) {
                let rotated = self.stand.servers[other].lab.rotate_keys().await;
                sure(known(&rotated)?, "keys can be rotated")?;
            }
        }
        if is_whole || self.stand.central.is_some() {
            self.end(|_| true);
        }
        Ok(())
    }

    /// Of the servers that are asked; a central server's is another matter, and changes with `each`.
    pub(crate) async fn replace_policy(
        &mut self,
        at: usize,
        with: u8,
        each: bool,
        by: Option<Nth>,
    ) -> Played {
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
                // Over one Redis it is one policy.
                let each = each && !self.combination.place.is_over_redis();
                let chosen = (0..servers.len()).filter(|other| each || *other == at);
                for server in chosen {
                    let replaced = servers[server].lab.replace_policy(&carried).await;
                    sure(known(&replaced)?, "the policy can be replaced")?;
                }
                if let Some(central) = self.stand.central.as_ref().filter(|_| each) {
                    let replaced = central.lab.replace_policy(&carried).await;
                    sure(known(&replaced)?, "the policy can be replaced")?;
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

/// Whether it was done; nobody knows of a store that did not answer.
pub(crate) fn known<T>(done: &Result<T, Denied>) -> Played<bool> {
    match done {
        Ok(_) => Ok(true),
        Err(Denied::Unavailable) => Err(Broken::Off),
        Err(_) => Ok(false),
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

fn labels(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.label()).collect()
}
