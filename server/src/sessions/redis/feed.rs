//! What other servers changed: the sequence of revocations, read from where this server left off.
//!
//! A call asks for the changes since the last one that is known. Where they are no longer there, or the sequence is another one
//! (a flush, a failover to a replica that lagged, a restart that lost the end), everything has changed. A call may be answered
//! late, twice or not at all: each says only what is to be verified again.

use super::common::{COMMON, Fact, NOTHING};
use super::stream::Commands;
use super::{EPOCHS, RedisSessions};
use crate::denied::Denied;
use crate::freshness::Slot;
use crate::grant::TokenId;

/// KEYS: where epochs are, one that is never there, where facts are. ARGV: the sequence's name, number and last change, as they
/// are known; a name for a sequence without; names of facts. Answers name, number, last change, the facts, and the slots that
/// changed; no slots where they are not known.
pub(super) const HEAR: &str = r"
-- A replica refuses to write, whatever there is: what it tells may be old.
redis.call('DEL', KEYS[2])
local kept = redis.call('HMGET', KEYS[1], 'born', 'number')
local born, number = kept[1], tonumber(kept[2] or '0')
if not born then
    born = ARGV[4]
    -- A full Redis takes no name. Without one, nothing is known of the changes that follow.
    if type(redis.pcall('HSET', KEYS[1], 'born', born)) ~= 'number' then born = '' end
end
local function change(at) return redis.call('HGET', KEYS[1], 'c' .. at % 1024) or '' end
local last, known = change(number), tonumber(ARGV[2])
local facts = redis.call('HMGET', KEYS[3], unpack(ARGV, 5))
local everything = { born, number, last, facts, false }
if born == '' or born ~= ARGV[1] or number < known or number - known >= 1024 then return everything end
if known > 0 and change(known) ~= ARGV[3] then return everything end
local slots = {}
for at = known + 1, number do
    local of, slot = string.match(change(at), '^(%d+) (%S+) ')
    if tonumber(of) ~= at then return everything end
    slots[#slots + 1] = slot
end
return { born, number, last, facts, slots }
";

/// How far a server has read the sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The sequence's name; empty where it has none.
    pub(crate) born: String,
    pub(crate) number: u64,
    /// The change of that number, as it is kept.
    pub(crate) last: String,
}

/// What a call found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) known: Known,
    pub(crate) changed: Changed,
    /// As they were asked for.
    pub(crate) facts: Vec<Fact>,
}

/// What is to be verified again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Everything,
    These(Vec<Slot>),
}

impl RedisSessions {
    /// What changed since `known`, up to a moment that is after the call began, and what is said now of the facts of these names.
    pub(crate) async fn hear(&self, known: &Known, facts: &[&str]) -> Result<Heard, Denied> {
        let name = format!("{:032x}", TokenId::draw()?.number());
        let mut invocation = self.hear.prepare_invoke();
        invocation.key(EPOCHS).key(NOTHING).key(COMMON);
        invocation.arg(&known.born).arg(known.number);
        invocation.arg(&known.last).arg(name).arg(facts);
        let (born, number, last, facts, slots) = self
            .run::<(
                String,
                u64,
                String,
                Vec<Option<String>>,
                Option<Vec<String>>,
            )>(&invocation)
            .await?;
        let changed = match slots {
            None => Changed::Everything,
            Some(slots) => {
                let slots = slots.iter().filter_map(|slot| slot.parse().ok());
                Changed::These(slots.collect())
            }
        };
        let facts = facts.iter().map(|text| Fact::of(text.as_deref()));
        Ok(Heard {
            known: Known { born, number, last },
            changed,
            facts: facts.collect(),
        })
    }

    /// Rings at each change of the sequence, for as long as the connection is kept: `None` where Redis does not tell. By
    /// client-side caching (RESP3), which costs scripts nothing and tells of a flush and an eviction too. A ring that is lost
    /// costs time alone.
    pub(crate) async fn bell(&self, ring: impl Fn() + Send + Sync + 'static) -> Option<Bell> {
        let mut commands = self.link.told(ring).await.ok()?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST");
        track.arg("PREFIX").arg(EPOCHS);
        let tracked = commands.ask(async |redis| track.exec_async(redis).await);
        tracked.await.ok()?;
        Some(Bell(commands))
    }
}

/// A connection that rings.
pub(crate) struct Bell(Commands);

impl Bell {
    /// Whether its other end is there: one that went without a word is not told of.
    pub(crate) async fn is_there(&mut self) -> bool {
        let ping = redis::cmd("PING");
        let asked = self.0.ask(async |redis| ping.exec_async(redis).await);
        asked.await.is_ok()
    }
}

#[cfg(test)]
mod tests;
