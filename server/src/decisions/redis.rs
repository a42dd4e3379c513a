//! Decisions in Redis, for several servers at once, beside the sessions that they depend on. An entry and the numbers that
//! may make it stale are read in one step, from the one server that also takes the revocations: a hit is as fresh as a
//! look at the store itself.

use std::fmt::{self, Write as _};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redis::Script;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::key::Parts;
use super::{Entry, Kept};
use crate::cause;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::freshness::FreshnessKind;
use crate::grant::{Generation, Grant, Mark, TokenId};
use crate::policy::{Roles, Scopes};
use crate::sessions::redis::{EPOCHS, RedisSessions, slot_of_subject, slot_of_token};
use crate::subjects::Subjects;

/// KEYS: the entry, where epochs are. ARGV: which of them are asked (0 none, 1 those of all, 2 the token's and the subject's
/// too), a name for the sequence where it has none. Answers the sequence's name and number, then the entry and its number
/// if it holds. A sequence that was lost begins under another name: what was kept under the one before holds no more.
const LOOK: &str = r"
local born = redis.call('HGET', KEYS[2], 'born')
if not born then
    born = ARGV[2]
    redis.call('HSET', KEYS[2], 'born', born)
end
local number = redis.call('HGET', KEYS[2], 'number') or '0'
local nothing = { born, number, false, false }
local kept = redis.call('HMGET', KEYS[1], 'number', 'token', 'subject', 'grant', 'born')
if not kept[4] then return nothing end
if ARGV[1] ~= '0' then
    if kept[5] ~= born then return nothing end
    local asked = { 'all' }
    if ARGV[1] == '2' then asked = { 'all', kept[2], kept[3] } end
    for _, latest in ipairs(redis.call('HMGET', KEYS[2], unpack(asked))) do
        if latest and tonumber(latest) > tonumber(kept[1]) then return nothing end
    end
end
return { born, number, kept[4], kept[1] }
";

/// KEYS: the entry. ARGV: number, token's slot, subject's slot, grant, the sequence's name, milliseconds to keep it.
const KEEP: &str = r"
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'token', ARGV[2], 'subject', ARGV[3], 'grant', ARGV[4], 'born', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
";

const DECISION: &str = "{authlab}:decision:";

/// Our clock judges an entry; Redis's only throws it away, a while later.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(60);

/// The longest that Redis is told to keep an entry: what has no end of its own ends so.
const MOST_MS: u128 = 7 * 24 * 60 * 60 * 1000;

pub(crate) struct Shared {
    look: Script,
    keep: Script,
    /// Which epochs a look asks.
    asks: u8,
    /// Of the design, its keys and its policy: servers that would decide otherwise share nothing.
    namespace: RwLock<Namespace>,
    design: Box<str>,
}

/// What a look finds: a decision that holds, or where one may be kept that begins now.
pub(crate) struct Looked {
    pub(crate) place: Place,
    pub(crate) entry: Option<Entry<Grant>>,
}

/// What keys begin with, and how often that was another.
#[derive(Clone, Default)]
struct Namespace {
    begun: Sha256,
    renamed: u64,
}

/// Where a decision is kept that began with a look: under the keys and the policy of then, in the sequence and under the number
/// of then.
pub(crate) struct Place {
    key: String,
    renamed: u64,
    born: String,
    number: u64,
}

/// A grant as Redis keeps it.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    sub: std::borrow::Cow<'a, str>,
    id: TokenId,
    generation: Generation,
    roles: Roles,
    scopes: Scopes,
    exp: u64,
    from_ns: u64,
    until_ns: u64,
}

impl Shared {
    /// Decisions under this rule, shared by servers of the same `design`: every choice that a decision depends on.
    pub(crate) fn open(freshness: FreshnessKind, design: String) -> Self {
        Self {
            look: Script::new(LOOK),
            keep: Script::new(KEEP),
            asks: match freshness {
                FreshnessKind::Epoch => 2,
                // Of a token and of a subject the sessions tell.
                FreshnessKind::Denylist => 1,
                FreshnessKind::StatusList | FreshnessKind::Ttl | FreshnessKind::Exp => 0,
            },
            namespace: RwLock::default(),
            design: design.into(),
        }
    }

    /// Begins anew under the keys and the policy of now.
    pub(super) fn rename(&self, key: &str, policy: u64) {
        let mut hasher = Sha256::new();
        hasher.update(b"authlab decision 1");
        for text in [&*self.design, key] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.update(policy.to_le_bytes());
        let namespace = self.namespace.write();
        let mut namespace = namespace.unwrap_or_else(PoisonError::into_inner);
        namespace.begun = hasher;
        namespace.renamed += 1;
    }

    /// What is kept under the parts.
    pub(super) async fn look(
        &self,
        redis: &RedisSessions,
        parts: &Parts<'_>,
        now: Timestamp,
        subjects: &Subjects,
    ) -> Result<Looked, Denied> {
        let Namespace { begun, renamed } = self.namespace();
        let key = key(begun, parts);
        let name = TokenId::draw()?.number();
        let mut invocation = self.look.prepare_invoke();
        invocation
            .key(&key)
            .key(EPOCHS)
            .arg(self.asks)
            .arg(format!("{name:032x}"));
        let (born, number, text, from) = redis
            .run::<(String, u64, Option<String>, Option<u64>)>(&invocation)
            .await?;
        let entry = text.and_then(|text| {
            let record: Record<'_> = serde_json::from_str(&text).ok()?;
            let entry = record.entry(from?, subjects);
            entry.in_time(now).then_some(entry)
        });
        Ok(Looked {
            place: Place {
                key,
                renamed,
                born,
                number,
            },
            entry,
        })
    }

    /// Runs both scripts on a key that is no decision's.
    pub(super) async fn probe(&self, redis: &RedisSessions) -> Result<(), Denied> {
        let name = format!("{:032x}", TokenId::draw()?.number());
        let key = format!("{DECISION}{name}");
        let mut look = self.look.prepare_invoke();
        look.key(&key).key(EPOCHS).arg(self.asks).arg(&name);
        let (born, number, ..) = redis
            .run::<(String, u64, Option<String>, Option<u64>)>(&look)
            .await?;
        let mut keep = self.keep.prepare_invoke();
        // No grant, so nothing can be made of it.
        keep.key(&key)
            .arg(number)
            .arg("t0")
            .arg("s0")
            .arg("")
            .arg(born);
        keep.arg(1);
        redis.run::<()>(&keep).await
    }

    /// Keeps a grant where it began, unless keys or policy were changed since: it may have been made by the new ones.
    pub(super) async fn keep(
        &self,
        redis: &RedisSessions,
        place: &Place,
        grant: &Grant,
        kept: Kept,
        now: Timestamp,
        name: &str,
    ) -> Result<(), Denied> {
        if self.namespace().renamed != place.renamed {
            return Ok(());
        }
        let record = Record {
            sub: name.into(),
            id: grant.mark.id,
            generation: grant.mark.generation,
            roles: grant.roles,
            scopes: grant.scopes,
            exp: grant.expires_at,
            from_ns: kept.from.nanoseconds(),
            until_ns: kept.until.nanoseconds(),
        };
        let text =
            serde_json::to_string(&record).map_err(|_| cause::unanswered("a record's text"))?;
        let stays = kept.until.since(now) + BETWEEN_CLOCKS;
        let mut invocation = self.keep.prepare_invoke();
        invocation
            .key(&place.key)
            .arg(place.number)
            .arg(slot_of_token(grant.mark.id))
            .arg(slot_of_subject(name))
            .arg(text)
            .arg(&place.born)
            .arg(stays.as_millis().min(MOST_MS) as u64);
        redis.run::<()>(&invocation).await
    }

    fn namespace(&self) -> Namespace {
        let namespace = self.namespace.read();
        namespace.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// SHA-256 of all parts, whose borders the head tells. Tokens are random or signed, of 256 bits: it tells nothing of them.
fn key(mut hasher: Sha256, parts: &Parts<'_>) -> String {
    let (head, parts) = parts.pieces();
    hasher.update(head);
    for part in parts {
        hasher.update(part);
    }
    let mut key = String::from(DECISION);
    for byte in hasher.finalize() {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

impl Record<'_> {
    fn entry(&self, number: u64, subjects: &Subjects) -> Entry<Grant> {
        let kept = Kept {
            from: Timestamp::from_nanoseconds(self.from_ns),
            until: Timestamp::from_nanoseconds(self.until_ns),
        };
        kept.entry(Grant {
            mark: Mark {
                number,
                id: self.id,
                subject: subjects.intern(&self.sub),
                generation: self.generation,
            },
            roles: self.roles,
            scopes: self.scopes,
            expires_at: self.exp,
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}
