//! Sessions by device: the third published design.

use sha2::{Digest as _, Sha256};

use super::{Lab, SignedIn};
use crate::credential::Named;
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::grant::{Grant, IssuedToken, TokenId};
use crate::request::{Request, Sender};
use crate::sessions::{
    Device, Signed, Told, device_id_fits, device_name, device_name_fits, told_name,
};
use crate::users::{Profile, called, fits_into_a_path};

/// What a device calls itself when it signs in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Naming<'a> {
    /// For its user to know it by; without one, it is called by its `User-Agent`.
    pub(crate) name: Option<&'a str>,
    /// The same at each sign-in of the same device; without one, devices are told apart by `User-Agent` and address, and by
    /// whether they have a name.
    pub(crate) id: Option<&'a str>,
}

/// A session as its account sees it.
pub(crate) struct Listed {
    pub(crate) signed: Signed,
    /// The one that asks.
    pub(crate) current: bool,
}

impl Lab {
    /// Signs a user in from a device. The answer also names the device.
    ///
    /// # Errors
    /// As [`Lab::login`]; [`Denied::UnfitDevice`] for a name or an id that is none.
    pub(crate) async fn login_from(
        &self,
        name: &str,
        password: &str,
        sender: &Sender<'_>,
        naming: Naming<'_>,
    ) -> Result<(IssuedToken, Box<str>), Denied> {
        let named = naming.name.is_none_or(device_name_fits);
        let told = naming
            .id
            .is_none_or(|id| device_id_fits(id) && fits_into_a_path(id));
        if !(named && told) {
            return Err(Denied::UnfitDevice);
        }
        let name = &*called(name);
        let signed_in = self.authenticate(name, password, sender).await?;
        self.begin_device(name, signed_in, sender, naming).await
    }

    pub(super) async fn begin_device(
        &self,
        account: &str,
        signed_in: SignedIn,
        sender: &Sender<'_>,
        naming: Naming<'_>,
    ) -> Result<(IssuedToken, Box<str>), Denied> {
        let now = self.clock.now();
        let id = TokenId::draw()?;
        let name = naming.name.and_then(told_name);
        let lifetime = self.design.token_ttl.0;
        let device_id: Box<str> = match naming.id {
            Some(id) => id.into(),
            None => id_of(name.is_some(), sender),
        };
        let device = Device {
            account: account.into(),
            told: match (&name, naming.id) {
                (Some(_), _) => Told::Name,
                (None, Some(_)) => Told::Id,
                (None, None) => Told::Nothing,
            },
            name: name.unwrap_or_else(|| device_name(sender.user_agent)),
            id: device_id.clone(),
            ip: sender.canonical_ip(),
            since: now,
            until: now.after(lifetime),
            roles: signed_in.roles,
            scopes: self.world.policy.carried(signed_in.roles),
            bound: signed_in.bound,
            generation: signed_in.generation,
        };
        let (most, scopes, expires_at) = (
            self.design.max_sessions.get(),
            device.scopes,
            device.until.seconds(),
        );
        let ended = self
            .world
            .sessions
            .sign_in(id, device, &signed_in.profile, most, now)
            .await;
        // A store that did not answer may have ended sessions all the same.
        if ended.as_ref().map_or(true, |ended| ended.perhaps_more)
            && let Some(subject) = self.world.subjects.known(account)
        {
            self.freshness.revoked(Revoked::Subject(subject));
        }
        for session in ended?.sessions {
            self.freshness.revoked(Revoked::Token(session));
        }
        let named = Named {
            sub: account.to_owned(),
            session: id,
            not_before: 0,
            expires_at,
        };
        let issued = IssuedToken {
            access_token: self.world.credential.name(&named, now)?,
            token_type: self.token_type(),
            expires_in: lifetime.as_secs(),
            scopes,
            refresh_token: None,
        };
        Ok((issued, device_id))
    }

    /// The sessions of who asks, the oldest first.
    ///
    /// # Errors
    /// As [`Lab::authorize`].
    pub(crate) async fn devices(&self, request: &Request<'_>) -> Result<Vec<Listed>, Denied> {
        let (grant, here) = self.here(request).await?;
        let name = self.name(&grant);
        let all = self.world.sessions.devices(&name, self.clock.now()).await?;
        // Those of an earlier generation have ended, though their time has not.
        let of_now = |signed: &Signed| signed.device.generation == grant.mark.generation;
        let listed = all.into_iter().filter(of_now).map(|signed| Listed {
            current: signed.session == here,
            signed,
        });
        Ok(listed.collect())
    }

    /// Signs a device of who asks out, from whichever other.
    ///
    /// # Errors
    /// As [`Lab::authorize`]; [`Denied::NoDevice`] where there is none of that id.
    pub(crate) async fn sign_out(&self, request: &Request<'_>, device: &str) -> Result<(), Denied> {
        let (grant, _) = self.here(request).await?;
        let name = self.name(&grant);
        let all = self.world.sessions.devices(&name, self.clock.now()).await?;
        let found = all.iter().find(|signed| &*signed.device.id == device);
        let found = found.ok_or(Denied::NoDevice)?;
        self.end_device(&name, found.session).await
    }

    /// Signs all devices of who asks out, this one too: how many there were.
    ///
    /// # Errors
    /// As [`Lab::authorize`].
    pub(crate) async fn sign_out_everywhere(&self, request: &Request<'_>) -> Result<usize, Denied> {
        let (grant, here) = self.here(request).await?;
        let name = self.name(&grant);
        let mut all = self.world.sessions.devices(&name, self.clock.now()).await?;
        // Its own last: whoever is told to come back still can.
        all.sort_by_key(|signed| signed.session == here);
        for signed in &all {
            self.end_device(&name, signed.session).await?;
        }
        self.freshness.revoked(Revoked::Subject(grant.subject()));
        Ok(all.len())
    }

    /// The account's document, as it is kept beside its sessions.
    ///
    /// # Errors
    /// [`Denied::Unknown`] when the last session has ended.
    pub(crate) async fn profile(&self, grant: &Grant) -> Result<Profile, Denied> {
        if self.control().is_some() {
            return Ok(Profile::default());
        }
        self.world.sessions.profile(&self.name(grant)).await
    }

    /// Who asks, and by which session. Not from the cache: what is shown and ended here is the store's.
    async fn here(&self, request: &Request<'_>) -> Result<(Grant, TokenId), Denied> {
        let grant = self.authorize(request).await?;
        let token = request.presented.token()?;
        self.keep_up().await?;
        match self.verify(token, &request.sender).await {
            Ok(verified) => Ok((grant, verified.mark.id)),
            Err(denied) => {
                // The store may have lost the sessions that a remembered grant was made of: it goes, and all of its account.
                let name = self.name(&grant);
                let forgotten = self.world.sessions.make_all_of_stale(&name).await;
                self.freshness.revoked(Revoked::Subject(grant.subject()));
                forgotten?;
                Err(denied)
            }
        }
    }

    async fn end_device(&self, name: &str, session: TokenId) -> Result<(), Denied> {
        let ended = self.world.sessions.sign_out(name, session).await;
        // Whatever became of it there: here it is never wrong to look again.
        self.freshness.revoked(Revoked::Token(session));
        ended
    }
}

/// The id of a device that sent none: the same for each sign-in with the same `User-Agent` and address, so that the last one
/// takes the place of the one before, whatever name it sent. A sign-in without a name does not take the place of one with a
/// name. The id tells neither `User-Agent` nor address.
fn id_of(is_named: bool, sender: &Sender<'_>) -> Box<str> {
    let mut digest = Sha256::new();
    digest.update(sender.ip_bytes());
    digest.update([u8::from(is_named)]);
    digest.update(sender.user_agent);
    let digest: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    format!("{:032x}", u128::from_be_bytes(half)).into()
}
