//! What all servers have in common beside accounts and sessions: the policy, and which signing keys have ended. No key is here: a
//! key stays in its file. Each fact has a version, by which servers that lost touch agree again.

use redis::Script;

use super::{EPOCHS, RedisSessions};
use crate::denied::Denied;

/// Where they are, each by its name.
pub(super) const COMMON: &str = "{authlab}:common";

/// A key that is never there.
pub(super) const NOTHING: &str = "{authlab}:nothing";

/// How many ended keys are known at once.
pub(crate) const MOST_ENDED: usize = 32;

/// KEYS: where facts are, where epochs are, one that is never there. ARGV: the fact's name, its version as it is known here, what it says. Answers its
/// version and what it says now. Sent twice, it is the same fact under a later version. A full Redis takes it: it refuses what
/// takes memory only to a script that has deleted nothing before.
pub(super) const SHARE: &str = with_raise!(
    r"
redis.call('DEL', KEYS[3])
local kept = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local version = math.max(tonumber(string.match(kept, '^%d+') or '0'), tonumber(ARGV[2])) + 1
local said = string.format('%d %s', version, ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], said)
raise(KEYS[2], 'all')
return said
"
);

/// The same of keys that ended. ARGV: name, version, the key that ends, the one that takes its place, how many are kept. What it
/// says is those that ended, the latest first.
pub(super) const END_KEY: &str = with_raise!(
    r"
redis.call('DEL', KEYS[3])
local kept = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local version = math.max(tonumber(string.match(kept, '^%d+') or '0'), tonumber(ARGV[2])) + 1
local said, count = string.format('%d %s', version, ARGV[3]), 1
for ended in string.gmatch(string.match(kept, '^%d+ (.*)$') or '', '%S+') do
    if ended ~= ARGV[3] and ended ~= ARGV[4] and count < tonumber(ARGV[5]) then
        said, count = said .. ' ' .. ended, count + 1
    end
end
redis.call('HSET', KEYS[1], ARGV[1], said)
raise(KEYS[2], 'all')
return said
"
);

/// The same of a fact that Redis has lost, as a flush or a failover loses it. ARGV: name, version, what it says.
pub(super) const RESTORE: &str = with_raise!(
    r"
redis.call('DEL', KEYS[3])
local kept = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if tonumber(string.match(kept, '^%d+') or '0') < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
    raise(KEYS[2], 'all')
end
"
);

/// A fact that all servers have in common. Of version 0 there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) version: u64,
    pub(crate) says: Box<str>,
}

impl Fact {
    /// As it is kept. What is no fact is none.
    pub(super) fn of(text: Option<&str>) -> Self {
        let parts = text.and_then(|text| text.split_once(' '));
        let version = parts.and_then(|(version, _)| version.parse().ok());
        match (version, parts) {
            (Some(version), Some((_, says))) => Self {
                version,
                says: says.into(),
            },
            _ => Self::default(),
        }
    }
}

/// Changes that all servers make.
pub(super) struct Scripts {
    share: Script,
    end_key: Script,
    restore: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            share: Script::new(SHARE),
            end_key: Script::new(END_KEY),
            restore: Script::new(RESTORE),
        }
    }
}

impl RedisSessions {
    /// Says something else of a fact that is `known` so far, for all servers.
    pub(crate) async fn share(&self, name: &str, known: &Fact, says: &str) -> Result<Fact, Denied> {
        let mut invocation = self.common.share.prepare_invoke();
        invocation.key(COMMON).key(EPOCHS).key(NOTHING);
        invocation.arg(name).arg(known.version).arg(says);
        let said = self.run::<String>(&invocation).await?;
        Ok(Fact::of(Some(&said)))
    }

    /// Ends a signing key, for all servers.
    pub(crate) async fn end_key(
        &self,
        name: &str,
        known: &Fact,
        ended: &str,
        next: &str,
    ) -> Result<Fact, Denied> {
        let mut invocation = self.common.end_key.prepare_invoke();
        invocation.key(COMMON).key(EPOCHS).key(NOTHING);
        invocation.arg(name).arg(known.version);
        invocation.arg(ended).arg(next).arg(MOST_ENDED);
        let said = self.run::<String>(&invocation).await?;
        Ok(Fact::of(Some(&said)))
    }

    /// Says a fact again that Redis has lost.
    pub(crate) async fn restore(&self, name: &str, fact: &Fact) -> Result<(), Denied> {
        let mut invocation = self.common.restore.prepare_invoke();
        invocation.key(COMMON).key(EPOCHS).key(NOTHING);
        invocation.arg(name).arg(fact.version).arg(&*fact.says);
        self.run::<()>(&invocation).await
    }
}
