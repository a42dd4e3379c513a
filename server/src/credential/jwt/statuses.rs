//! Status List Tokens (draft-ietf-oauth-status-list-21 §5.1): the statuses of this server's tokens, signed as they are.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Jwt;
use super::wire::OwnHeader;
use crate::cause;
use crate::denied::Denied;
use crate::members::{object, read_object, rounded_down, some};
use crate::status_list::{Lasts, StatusList};

/// What nothing else that this key signs is (§5.1).
const TYPE: &str = "statuslist+jwt";

#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    /// Where it is: what the tokens that it tells of name.
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(deserialize_with = "rounded_down")]
    iat: u64,
    #[serde(deserialize_with = "rounded_down")]
    exp: u64,
    /// How many seconds it may be kept. Without it, as long as it has not expired.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    ttl: Option<f64>,
    #[serde(borrow, deserialize_with = "object")]
    status_list: Packed<'a>,
}

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    bits: u8,
    #[serde(borrow)]
    lst: Cow<'a, str>,
}

impl Jwt {
    /// A list of its tokens, made now.
    pub(in crate::credential) fn list_statuses(
        &self,
        list: &StatusList,
        lasts: Lasts,
        now_seconds: u64,
    ) -> Result<String, Denied> {
        let unwritten = || cause::unanswered("a status list's text");
        let claims = Claims {
            sub: self.status_list.as_deref().unwrap_or_default().into(),
            iat: now_seconds,
            exp: lasts.expires_at,
            ttl: Some(lasts.ttl.as_secs_f64()),
            status_list: Packed {
                bits: list.bits(),
                lst: list.pack().map_err(|_| unwritten())?.into(),
            },
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| unwritten())?;
        let signing = self.signing();
        let header = OwnHeader {
            typ: TYPE,
            alg: self.algorithm,
            kid: signing.key.id(),
        };
        let header = serde_json::to_vec(&header).map_err(|_| unwritten())?;
        signing.sealed(&URL_SAFE_NO_PAD.encode(header), &claims)
    }

    /// What a list of its tokens says, and for how long, once it is proven (§8.3). Whether it has expired is not judged.
    pub(in crate::credential) fn statuses(
        &self,
        token: &str,
    ) -> Result<(StatusList, Lasts), Denied> {
        let (message, signature) = token.rsplit_once('.').ok_or(Denied::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Denied::Malformed)?;
        let signing = self.signing();
        self.check_header(header, &signing.key, TYPE)?;
        signing.key.verify(message.as_bytes(), signature)?;
        drop(signing);
        let payload = URL_SAFE_NO_PAD.decode(payload);
        let payload = payload.map_err(|_| Denied::Malformed)?;
        let claims: Claims<'_> = read_object(&payload).ok_or(Denied::Malformed)?;
        if self.status_list.as_deref() != Some(&*claims.sub) {
            return Err(Denied::Malformed);
        }
        let ttl = match claims.ttl {
            // A number that is not positive, or none that a period can be.
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|ttl| !ttl.is_zero())
                .ok_or(Denied::Malformed)?,
            None => Duration::MAX,
        };
        let Packed { bits, lst } = claims.status_list;
        let list = StatusList::unpack(bits, &lst).map_err(|error| {
            cause::tell(cause::Source::StatusList, &error);
            Denied::Malformed
        })?;
        let lasts = Lasts {
            ttl,
            expires_at: claims.exp,
        };
        Ok((list, lasts))
    }
}
