//! Facts as another server keeps them: JSON, one shape a kind.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Device, Refreshed, Standing, Told};
use crate::bound::{Bound, Confirmation, SealedSender};
use crate::cause::{self, Source};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::{Generation, Mark, TokenId, Verified};
use crate::policy::{Roles, Scopes};
use crate::subjects::Subjects;

/// What a token stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Stood {
    /// The script that finds it looks for it.
    sub: String,
    roles: Roles,
    scope: Scopes,
    nbf: u64,
    exp: u64,
    bnd: Option<SealedSender>,
    cnf: Option<Confirmation>,
    #[serde(default)]
    generation: Generation,
    #[serde(default)]
    secret: Option<Box<str>>,
}

/// A session that is refreshed, without its turn.
#[derive(Serialize, Deserialize)]
pub(super) struct Family {
    sub: String,
    exp: u64,
    bnd: Option<SealedSender>,
    cnf: Option<Confirmation>,
    #[serde(default)]
    generation: Generation,
}

/// A device's session.
#[derive(Serialize, Deserialize)]
pub(super) struct SignedIn {
    sub: String,
    name: String,
    /// The script that signs in looks for it.
    device: String,
    /// What the device told of itself: the same script lets those with less make room first.
    #[serde(default = "named")]
    told: u8,
    ip: IpAddr,
    iat: u64,
    exp: u64,
    roles: Roles,
    scope: Scopes,
    bnd: Option<SealedSender>,
    cnf: Option<Confirmation>,
    #[serde(default)]
    generation: Generation,
}

/// A record that does not say what its device told was written when each was called by a name.
fn named() -> u8 {
    Told::Name as u8
}

/// A record as text. Nothing in one can fail to be written.
pub(super) fn text(record: &impl Serialize) -> Result<String, Denied> {
    serde_json::to_string(record).map_err(|_| cause::unanswered("a record's text"))
}

/// A text as a record. One that somebody else wrote there decides nothing.
pub(super) fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Denied> {
    serde_json::from_str(text).map_err(|_| foreign())
}

impl Stood {
    pub(super) fn of(name: &str, session: &Standing) -> Self {
        let (verified, secret) = (&session.verified, &session.secret);
        let (bnd, cnf) = verified.bound.claims();
        Self {
            sub: name.to_owned(),
            roles: verified.roles,
            scope: verified.scopes,
            nbf: verified.not_before,
            exp: verified.expires_at,
            bnd,
            cnf,
            generation: verified.mark.generation,
            secret: secret.as_deref().map(Box::from),
        }
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    pub(super) fn standing(self, id: TokenId, subjects: &Subjects) -> Result<Standing, Denied> {
        let verified = Verified {
            mark: Mark {
                number: 0,
                id,
                subject: subjects.intern(&self.sub),
                generation: self.generation,
            },
            roles: self.roles,
            scopes: self.scope,
            // Only signed tokens are refreshed.
            narrowed: false,
            not_before: self.nbf,
            expires_at: self.exp,
            bound: bound(self.bnd, self.cnf)?,
        };
        Ok(Standing {
            verified,
            secret: self.secret.map(Into::into),
        })
    }
}

impl Family {
    pub(super) fn of(session: &Refreshed) -> Self {
        let (bnd, cnf) = session.bound.claims();
        Self {
            sub: (*session.name).to_owned(),
            exp: session.end.seconds(),
            bnd,
            cnf,
            generation: session.generation,
        }
    }

    pub(super) fn refreshed(
        self,
        kept: crate::sessions::refresh::Kept,
    ) -> Result<Refreshed, Denied> {
        Ok(Refreshed {
            name: self.sub.into(),
            bound: bound(self.bnd, self.cnf)?,
            end: Timestamp::from_seconds(self.exp),
            generation: self.generation,
            kept,
        })
    }
}

impl SignedIn {
    pub(super) fn of(device: &Device) -> Self {
        let (bnd, cnf) = device.bound.claims();
        Self {
            sub: (*device.account).to_owned(),
            name: (*device.name).to_owned(),
            device: (*device.id).to_owned(),
            told: device.told as u8,
            ip: device.ip,
            iat: device.since.seconds(),
            exp: device.until.seconds(),
            roles: device.roles,
            scope: device.scopes,
            bnd,
            cnf,
            generation: device.generation,
        }
    }

    pub(super) fn device(self) -> Result<Device, Denied> {
        Ok(Device {
            account: self.sub.into(),
            name: self.name.into(),
            id: self.device.into(),
            told: Told::of_rank(self.told),
            ip: self.ip,
            since: Timestamp::from_seconds(self.iat),
            until: Timestamp::from_seconds(self.exp),
            roles: self.roles,
            scopes: self.scope,
            bound: bound(self.bnd, self.cnf)?,
            generation: self.generation,
        })
    }
}

fn foreign() -> Denied {
    cause::unavailable(Source::Sessions, &"a record in Redis is not this server's")
}

fn bound(bnd: Option<SealedSender>, cnf: Option<Confirmation>) -> Result<Bound, Denied> {
    Bound::of_claims(bnd, cnf).ok_or_else(foreign)
}
