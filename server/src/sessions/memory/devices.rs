//! Sessions by device, in memory: an account's few, in the order in which they began.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::TokenId;
use crate::sessions::{Device, DeviceFacts, Signed};
use crate::users::Profile;

/// Sessions by account, and the documents of the accounts that have any.
#[derive(Debug)]
pub(in crate::sessions) struct Devices {
    signed: Bounded<Arc<str>, Device>,
    profiles: HashMap<Arc<str>, Profile>,
}

impl Devices {
    /// An account's share is how many devices it may be signed in from: each sign-in says it.
    pub(super) fn new(most: usize) -> Self {
        Self {
            signed: Bounded::new(most, most),
            profiles: HashMap::new(),
        }
    }

    pub(in crate::sessions) fn sign_in(
        &mut self,
        id: TokenId,
        device: Device,
        profile: &Profile,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<TokenId>, Denied> {
        let profiles = &mut self.profiles;
        self.signed.forget_ended(now, |signed, gone| {
            if signed.count(&gone.owner) == 0 {
                profiles.remove(&gone.owner);
            }
        });
        let account = Arc::clone(&device.account);
        let mut ended: Vec<TokenId> = self
            .signed
            .of(&account)
            .filter(|(_, known)| now >= known.until || known.id == device.id)
            .map(|(known, _)| known)
            .collect();
        for known in &ended {
            self.signed.remove(*known);
        }
        while self.signed.count(&account) >= most {
            // Of those that tell the least of themselves the oldest.
            let first = self.signed.of(&account);
            let Some((first, _)) = first.min_by_key(|(_, known)| known.told) else {
                break;
            };
            self.signed.remove(first);
            ended.push(first);
        }
        if let Some(evicted) = self.signed.make_room(&account)? {
            ended.push(evicted.id);
        }
        self.profiles.insert(Arc::clone(&account), profile.clone());
        let end = device.until;
        self.signed.insert(id, account, device, end);
        Ok(ended)
    }

    pub(in crate::sessions) fn find(&self, name: &str, id: TokenId) -> Result<DeviceFacts, Denied> {
        let known = self.signed.get(id);
        known
            .filter(|known| &*known.account == name)
            .map(Device::facts)
            .ok_or(Denied::Unknown)
    }

    pub(in crate::sessions) fn all(&self, name: &str, now: Timestamp) -> Vec<Signed> {
        self.signed
            .of(&name.into())
            .filter(|(_, known)| now < known.until)
            .map(|(session, device)| Signed {
                session,
                device: device.clone(),
            })
            .collect()
    }

    pub(in crate::sessions) fn end(&mut self, name: &str, id: TokenId) {
        if self.find(name, id).is_err() {
            return;
        }
        if let Some(gone) = self.signed.remove(id)
            && self.signed.count(&gone.owner) == 0
        {
            self.profiles.remove(&gone.owner);
        }
    }

    pub(in crate::sessions) fn profile(&self, name: &str) -> Result<Profile, Denied> {
        self.profiles.get(name).cloned().ok_or(Denied::Unknown)
    }
}
