//! Sessions by device, in memory: an account's few, in the order in which they began.

use std::collections::HashMap;
use std::sync::Arc;

use super::MOST_SESSIONS;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::TokenId;
use crate::sessions::{Device, DeviceFacts, Signed};
use crate::users::Profile;

/// Accounts with their sessions.
#[derive(Debug, Default)]
pub(in crate::sessions) struct Devices {
    accounts: HashMap<Arc<str>, Account>,
    sessions: usize,
}

#[derive(Debug)]
struct Account {
    profile: Profile,
    signed: Vec<Signed>,
}

impl Devices {
    pub(in crate::sessions) fn sign_in(
        &mut self,
        id: TokenId,
        device: Device,
        profile: &Profile,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<TokenId>, Denied> {
        if self.sessions >= MOST_SESSIONS {
            self.forget_ended(now);
        }
        if self.sessions >= MOST_SESSIONS {
            return Err(Denied::Unavailable);
        }
        let account = self
            .accounts
            .entry(Arc::clone(&device.account))
            .or_insert_with(|| Account {
                profile: profile.clone(),
                signed: Vec::new(),
            });
        account.profile = profile.clone();
        let before = account.signed.len();
        let mut ended = Vec::new();
        account.signed.retain(|known| {
            let stays = now < known.device.until && known.device.id != device.id;
            if !stays {
                ended.push(known.session);
            }
            stays
        });
        while account.signed.len() >= most {
            ended.push(account.signed.remove(0).session);
        }
        account.signed.push(Signed {
            session: id,
            device,
        });
        self.sessions = self.sessions + account.signed.len() - before;
        Ok(ended)
    }

    pub(in crate::sessions) fn find(&self, name: &str, id: TokenId) -> Result<DeviceFacts, Denied> {
        let signed = self.accounts.get(name).map(|account| &account.signed);
        let known = signed.and_then(|signed| signed.iter().find(|known| known.session == id));
        known
            .map(|known| known.device.facts())
            .ok_or(Denied::Unknown)
    }

    pub(in crate::sessions) fn all(&self, name: &str, now: Timestamp) -> Vec<Signed> {
        let signed = self.accounts.get(name).map(|account| &account.signed);
        let live = signed
            .into_iter()
            .flatten()
            .filter(|known| now < known.device.until);
        live.cloned().collect()
    }

    pub(in crate::sessions) fn end(&mut self, name: &str, id: TokenId) {
        let Some(account) = self.accounts.get_mut(name) else {
            return;
        };
        let before = account.signed.len();
        account.signed.retain(|known| known.session != id);
        self.sessions -= before - account.signed.len();
        if account.signed.is_empty() {
            self.accounts.remove(name);
        }
    }

    pub(in crate::sessions) fn profile(&self, name: &str) -> Result<Profile, Denied> {
        let account = self.accounts.get(name).ok_or(Denied::Unknown)?;
        Ok(account.profile.clone())
    }

    fn forget_ended(&mut self, now: Timestamp) {
        self.accounts.retain(|_, account| {
            account.signed.retain(|known| now < known.device.until);
            !account.signed.is_empty()
        });
        self.sessions = self
            .accounts
            .values()
            .map(|account| account.signed.len())
            .sum();
    }
}
