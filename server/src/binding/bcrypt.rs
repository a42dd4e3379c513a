//! Binding by bcrypt, as the article's first stage does it, but without its hole: bcrypt ignores what comes after
//! 72 bytes, where many User-Agents differ. So bcrypt is given the SHA-256 digest of the input, in base64 because
//! bcrypt also stops at a NUL byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::Digest as _;

use super::BindTo;
use super::digest::AddressText;
use crate::bound::{Bound, Seal, SealedSender};
use crate::denied::Denied;
use crate::hashing::{Hasher, Hashing, not_hashed};
use crate::password::{self, HashError, Password, PasswordKind};
use crate::request::Sender;
use crate::shares::Origin;

#[derive(Debug)]
pub(crate) struct BcryptBinding {
    pub(super) cost: u32,
    pub(super) to: BindTo,
}

impl BcryptBinding {
    pub(super) async fn seal(
        &self,
        sender: &Sender<'_>,
        hashing: &Hashing,
    ) -> Result<Bound, Denied> {
        let hashing = &hashing.by(Origin::of(sender.ip));
        Ok(Bound::Sender(SealedSender {
            user_agent: self.seal_one(sender.user_agent, hashing).await?,
            ip: match self.to {
                BindTo::UserAgentAndIp => {
                    self.seal_one(AddressText::of(sender.canonical_ip()).as_bytes(), hashing)
                        .await?
                }
                BindTo::UserAgent => Seal::default(),
            },
        }))
    }

    /// One after the other, as in the article: two hashes are what its request pays.
    pub(super) async fn check(
        &self,
        bound: &Bound,
        sender: &Sender<'_>,
        hashing: &Hashing,
    ) -> Result<(), Denied> {
        let bound = bound.sender()?;
        let hashing = &hashing.by(Origin::of(sender.ip));
        check_one(&bound.user_agent, sender.user_agent, hashing).await?;
        match self.to {
            BindTo::UserAgentAndIp => {
                check_one(
                    &bound.ip,
                    AddressText::of(sender.canonical_ip()).as_bytes(),
                    hashing,
                )
                .await
            }
            BindTo::UserAgent => Ok(()),
        }
    }

    async fn seal_one(&self, input: &[u8], hashing: &Hasher<'_>) -> Result<Seal, Denied> {
        let hashed = hashing
            .hash(Password::bcrypt(self.cost), whole(input))
            .await?;
        let text = hashed.map_err(not_hashed)?;
        Seal::of_text(&text).ok_or_else(|| not_hashed(HashError::System))
    }
}

async fn check_one(seal: &Seal, input: &[u8], hashing: &Hasher<'_>) -> Result<(), Denied> {
    // A token from a server that binds otherwise is nobody's here; its text is not handed to bcrypt's parser.
    let of_bcrypt = PasswordKind::of_stored(seal.as_str()) == Some(PasswordKind::Bcrypt);
    if !of_bcrypt || password::check_stored(seal.as_str()).is_err() {
        return Err(Denied::WrongSender);
    }
    if hashing.verify(seal.as_str().into(), whole(input)).await? {
        Ok(())
    } else {
        Err(Denied::WrongSender)
    }
}

/// All of the input, in 43 bytes that bcrypt reads to the end.
fn whole(input: &[u8]) -> Vec<u8> {
    STANDARD_NO_PAD
        .encode(sha2::Sha256::digest(input))
        .into_bytes()
}
