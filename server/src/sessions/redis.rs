//! Sessions in Redis, which may lose any of them: by a flush, an eviction, or a restart without persistence. Each fact that
//! a grant depends on is therefore the presence of a key. A token is good while its record and its subject's generation are
//! there, so a lost key refuses and never grants. To revoke is to delete, which takes no memory: a full Redis (`noeviction`)
//! cannot refuse it.
//!
//! What must happen together is one script: all keys have one tag in braces, so that a cluster keeps them in one slot. Every
//! script may run twice with the same arguments: a call whose connection was lost is sent again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{FromRedisValue, Script, ScriptInvocation};

use super::record::{self, Family, SignedIn, Stood};
use super::{Device, DeviceFacts, Ended, Refreshed, Signed, Standing, Turned, refresh};
use crate::cause::{Source, unavailable};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::freshness::Slot;
use crate::grant::{Generation, Mark, TokenId};
use crate::subjects::{SLOTS, Subjects};
use crate::users::Profile;
use address::Address;
pub(super) use address::FORMS;
pub(crate) use common::Fact;
pub(crate) use feed::{Bell, Changed, Heard, Known};
use link::{Answer, Call, Link};

/// How far Redis's clock may be ahead of ours: a record must not end before its token does.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(60);

/// From the read of a generation to the issue of the token that carries it: longer than any sign-in waits.
const SIGNING_IN: Duration = Duration::from_secs(3600);

/// One sequence of revocations for all servers here, and for each slot the number of its latest one, as
/// [`crate::freshness`] has them in memory: a hash of `number`, `all`, `t` and a token's slot, `s` and a subject's. Each
/// revocation raises its slot in the step that commits it. Without the hash, or its `born`, every decision is stale. The
/// latest changes are there one by one, `c` and their number's remainder, for [`feed`]: number, slot and time, which tells
/// apart two that have one number, as after a failover to a replica that lagged.
pub(crate) const EPOCHS: &str = "{authlab}:epochs";

/// A script takes a token's slot from the last three digits of its id.
const _: () = assert!(SLOTS == 0x1000);

/// Makes the decisions of a slot stale. A full Redis refuses what takes memory; to delete all epochs takes none, and makes
/// every decision stale.
macro_rules! with_raise {
    ($script:literal) => {
        concat!(
            r"
local function raise(epochs, slot)
    local number = redis.pcall('HINCRBY', epochs, 'number', 1)
    if type(number) == 'number' then
        local time = redis.call('TIME')
        local change = string.format('%d %s %s.%s', number, slot, time[1], time[2])
        if type(redis.pcall('HSET', epochs, slot, number, 'c' .. number % 1024, change)) == 'number' then return end
    end
    redis.call('DEL', epochs)
end
",
            $script
        )
    };
}

mod address;
mod common;
mod connecting;
mod failure;
mod feed;
mod guides;
mod link;
mod once;
mod probe;
mod stream;

/// ARGV: the slot. KEYS: where epochs are.
const RAISE: &str = with_raise!("raise(KEYS[1], ARGV[1])");

/// KEYS: what a token, or all tokens of a subject, depend on; where epochs are. ARGV: the slot. Deleted first: who reads the
/// number before a verification also meets the commit.
const END: &str = with_raise!(
    r"
redis.call('DEL', KEYS[1])
raise(KEYS[2], ARGV[1])
"
);

/// KEYS: the account, where epochs are. ARGV: the session's id and record, the document, the device's id, how many sessions
/// are kept, when this one ends, the time. Answers the ids of those that ended.
const SIGN_IN: &str = with_raise!(
    r"
local last, going_on, ended = 0, {}, {}
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
    local id, kept = all[at], all[at + 1]
    if id ~= 'profile' and id ~= ARGV[1] then
        local space = string.find(kept, ' ', 1, true) or 0
        local number = tonumber(string.sub(kept, 1, space - 1)) or 0
        local read, known = pcall(cjson.decode, string.sub(kept, space + 1))
        if number > last then last = number end
        local goes_on = read and type(known) == 'table' and (tonumber(known.exp) or 0) > tonumber(ARGV[7])
        if not goes_on or known.device == ARGV[4] then
            ended[#ended + 1] = id
        else
            going_on[#going_on + 1] = { number = number, id = id, told = known.told or 2 }
        end
    end
end
-- Of those that told the least of themselves the oldest makes room.
table.sort(going_on, function(one, other)
    if one.told ~= other.told then return one.told < other.told end
    return one.number < other.number
end)
while #going_on >= tonumber(ARGV[5]) do
    ended[#ended + 1] = table.remove(going_on, 1).id
end
-- What takes memory comes first: a full Redis refuses it before anything has ended.
local record = string.format('%d', last + 1) .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], record, 'profile', ARGV[3])
for _, id in ipairs(ended) do
    redis.call('HDEL', KEYS[1], id)
    raise(KEYS[2], 't' .. tonumber(string.sub(id, -3), 16))
end
-- The account ends with its last session: one that began under a longer lifetime may be here.
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[6]) - tonumber(redis.call('TIME')[1]) then
    redis.call('EXPIREAT', KEYS[1], ARGV[6])
end
return ended
"
);

/// KEYS: the account, where epochs are. ARGV: the session's id and slot. The document goes with the last session.
const SIGN_OUT: &str = with_raise!(
    r"
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HLEN', KEYS[1]) <= redis.call('HEXISTS', KEYS[1], 'profile') then redis.call('DEL', KEYS[1]) end
raise(KEYS[2], ARGV[2])
"
);

/// KEYS: the session. ARGV: what is kept of the next turn, and of those that take it: the one that was shown, and such as an
/// earlier request for it may have begun whose answer was lost. What is compared are digests of secrets: the time it takes
/// tells nothing of those.
const TURN: &str = r"
local session = redis.call('GET', KEYS[1])
local length = #ARGV[1]
if not session or #session <= length then return 0 end
local kept = string.sub(session, 1, length)
-- Taken by this very call, whose answer was lost.
if kept == ARGV[1] then return 1 end
for at = 2, #ARGV do
    if kept == ARGV[at] then
        redis.call('SET', KEYS[1], ARGV[1] .. string.sub(session, length + 1), 'KEEPTTL')
        return 1
    end
end
return 2
";

/// KEYS: what a token stands for. ARGV: where generations are. Answers the record, and the current generation of whose it is.
const FIND: &str = r"
local stood = redis.call('GET', KEYS[1])
if not stood then return false end
return { stood, redis.call('GET', ARGV[1] .. cjson.decode(stood).sub) }
";

/// KEYS: a subject's generation. ARGV: for how many seconds it is needed. It ends after every token that carries it.
const GENERATION_OF: &str = r"
local generation = redis.call('GET', KEYS[1])
if generation and redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return generation
";

/// The same, with a number that was drawn for one where there is none.
const BEGIN_GENERATION: &str = r"
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1], 'NX')
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return redis.call('GET', KEYS[1])
";

const GENERATION: &str = "{authlab}:generation-of:";

/// The record of a token that says everything itself: that it is there says that the token was not revoked.
const LIVE: &str = "-";

/// The field of an account's document, beside the ids of its sessions.
const PROFILE: &str = "profile";

/// How many sessions are remembered whose next turn was asked for without an answer, and how many turns of each.
const MOST_UNSURE: usize = 1024;
const MOST_LOST: usize = 4;

pub(crate) struct RedisSessions {
    link: Link,
    /// For how many seconds a generation is needed that is read now.
    needed: u64,
    unsure: Mutex<HashMap<TokenId, Unsure>>,
    sign_in: Script,
    sign_out: Script,
    turn: Script,
    find: Script,
    end: Script,
    raise: Script,
    generation_of: Script,
    begin_generation: Script,
    hear: Script,
    common: common::Scripts,
    use_once: Script,
}

/// A session whose next turn was asked for, and Redis did not answer: the turn may have been taken. Its client was given no
/// new token and shows the same one again, which must not be mistaken for a stolen one.
struct Unsure {
    shown: refresh::Kept,
    lost: Vec<refresh::Kept>,
}

impl RedisSessions {
    /// Connects when it is first needed, and again whenever the connection was lost. What is wrong with the address is the
    /// error.
    pub(super) fn open(url: &str, longest: Duration) -> Result<Self, String> {
        Ok(Self {
            link: Link::open(url)?,
            needed: (longest + SIGNING_IN + BETWEEN_CLOCKS).as_secs(),
            unsure: Mutex::default(),
            sign_in: Script::new(SIGN_IN),
            sign_out: Script::new(SIGN_OUT),
            turn: Script::new(TURN),
            find: Script::new(FIND),
            end: Script::new(END),
            raise: Script::new(RAISE),
            generation_of: Script::new(GENERATION_OF),
            begin_generation: Script::new(BEGIN_GENERATION),
            hear: Script::new(feed::HEAR),
            common: common::Scripts::new(),
            use_once: Script::new(once::USE),
        })
    }

    /// An address without its password; `None` for a text that is none.
    pub(super) fn address(url: &str) -> Option<String> {
        let address = Address::parse(url).ok()?;
        Some(address.to_string())
    }

    /// Whether an address leads to another machine without TLS.
    pub(super) fn is_in_the_clear(url: &str) -> bool {
        Address::parse(url).is_ok_and(|address| address.is_in_the_clear())
    }

    pub(super) async fn answers(&self) -> bool {
        self.ask::<String>(redis::cmd("PING")).await.is_ok()
    }

    pub(super) async fn check(&self, mark: &Mark, name: &str) -> Result<(), Denied> {
        let mut both = redis::cmd("MGET");
        both.arg(live(mark.id)).arg(generation_key(name));
        let (live, generation) = self
            .ask::<(Option<String>, Option<Generation>)>(both)
            .await?;
        if live.is_some() && generation == Some(mark.generation) {
            Ok(())
        } else {
            Err(Denied::Revoked)
        }
    }

    /// The same of what has no record: a name and a password on each request.
    pub(super) async fn check_generation(&self, mark: &Mark, name: &str) -> Result<(), Denied> {
        let mut get = redis::cmd("GET");
        get.arg(generation_key(name));
        if self.ask::<Option<Generation>>(get).await? == Some(mark.generation) {
            Ok(())
        } else {
            Err(Denied::Revoked)
        }
    }

    /// Keeps that a token was issued which says everything itself.
    pub(super) async fn begin_signed(&self, id: TokenId, end: Timestamp) -> Result<(), Denied> {
        self.set(&live(id), LIVE, end.after(BETWEEN_CLOCKS)).await
    }

    pub(super) async fn revoke(&self, id: TokenId) -> Result<(), Denied> {
        self.delete(&live(id), &slot_of_token(id)).await
    }

    pub(super) async fn begin(&self, name: &str, session: &Standing) -> Result<(), Denied> {
        let verified = &session.verified;
        let end = Timestamp::from_seconds(verified.expires_at);
        let stood = record::text(&Stood::of(name, session))?;
        self.set(&token(verified.mark.id), &stood, end).await
    }

    pub(super) async fn find(&self, id: TokenId, subjects: &Subjects) -> Result<Standing, Denied> {
        let mut invocation = self.find.prepare_invoke();
        invocation.key(token(id)).arg(GENERATION);
        let found = self
            .run::<Option<(String, Option<Generation>)>>(&invocation)
            .await?;
        let (text, generation) = found.ok_or(Denied::Unknown)?;
        let stood = record::read::<Stood>(&text)?;
        if generation == Some(stood.generation()) {
            stood.standing(id, subjects)
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(super) async fn end(&self, id: TokenId) -> Result<(), Denied> {
        self.delete(&token(id), &slot_of_token(id)).await
    }

    pub(super) async fn generation(&self, name: &str) -> Result<Option<Generation>, Denied> {
        let mut invocation = self.generation_of.prepare_invoke();
        invocation.key(generation_key(name)).arg(self.needed);
        self.run(&invocation).await
    }

    /// The generation of a subject, which begins where there is none: only of a name whose secret was shown, or strangers
    /// would fill the store.
    pub(super) async fn begin_generation(&self, name: &str) -> Result<Generation, Denied> {
        let mut drawn = [0; 4];
        getrandom::fill(&mut drawn).map_err(crate::cause::no_randomness)?;
        // Random: one that was lost or deleted must not come again. Not zero, which is what a token without one has.
        let drawn = Generation::from_be_bytes(drawn).max(1);
        let mut invocation = self.begin_generation.prepare_invoke();
        invocation
            .key(generation_key(name))
            .arg(self.needed)
            .arg(drawn);
        self.run(&invocation).await
    }

    pub(super) async fn end_all_of(&self, name: &str) -> Result<(), Denied> {
        self.delete(&generation_key(name), &slot_of_subject(name))
            .await
    }

    pub(super) async fn make_stale(&self, slot: &str) -> Result<(), Denied> {
        let mut invocation = self.raise.prepare_invoke();
        invocation.key(EPOCHS).arg(slot);
        self.run::<()>(&invocation).await
    }

    /// Commits a revocation, and in the same step raises its slot.
    async fn delete(&self, key: &str, slot: &str) -> Result<(), Denied> {
        let mut invocation = self.end.prepare_invoke();
        invocation.key(key).key(EPOCHS).arg(slot);
        self.run::<()>(&invocation).await
    }

    /// Runs a script, in time or not at all.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, Denied> {
        let answer = self.link.answer(Call::Script(invocation)).await?;
        Ok(answer.value)
    }

    pub(super) async fn begin_refreshed(
        &self,
        id: TokenId,
        session: &Refreshed,
    ) -> Result<(), Denied> {
        let family = record::text(&Family::of(session))?;
        let kept = URL_SAFE_NO_PAD.encode(session.kept);
        self.set(&live(id), &format!("{kept}{family}"), session.end)
            .await
    }

    pub(super) async fn look(
        &self,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Option<Refreshed>, Denied> {
        let mut get = redis::cmd("GET");
        get.arg(live(id));
        let Some(text) = self.ask::<Option<String>>(get).await? else {
            return Ok(None);
        };
        // The record of a token that is not refreshed is too short.
        let Some((text, family)) = text.split_at_checked(KEPT_CHARACTERS) else {
            return Ok(None);
        };
        let mut kept = refresh::Kept::default();
        match URL_SAFE_NO_PAD.decode_slice(text, &mut kept) {
            Ok(length) if length == kept.len() => {}
            _ => return Err(unreadable()),
        }
        let session = record::read::<Family>(family)?.refreshed(kept)?;
        Ok(Some(session).filter(|session| now < session.end))
    }

    pub(super) async fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
    ) -> Result<(), Turned> {
        let mut invocation = self.turn.prepare_invoke();
        invocation.key(live(id)).arg(URL_SAFE_NO_PAD.encode(next));
        invocation.arg(URL_SAFE_NO_PAD.encode(kept));
        for lost in self.lost(id, kept) {
            invocation.arg(URL_SAFE_NO_PAD.encode(lost));
        }
        let Ok(taken) = self.run::<u8>(&invocation).await else {
            self.lose(id, kept, next);
            return Err(Turned::Unavailable);
        };
        self.unsure().remove(&id);
        match taken {
            1 => Ok(()),
            2 => Err(Turned::Again),
            _ => Err(Turned::Unknown),
        }
    }

    /// The turns that were asked for with the same token, and may have been taken.
    fn lost(&self, id: TokenId, shown: &refresh::Kept) -> Vec<refresh::Kept> {
        let unsure = self.unsure();
        let same = unsure.get(&id).filter(|unsure| unsure.shown == *shown);
        same.map(|unsure| unsure.lost.clone()).unwrap_or_default()
    }

    fn lose(&self, id: TokenId, shown: &refresh::Kept, next: refresh::Kept) {
        let mut unsure = self.unsure();
        if unsure.len() >= MOST_UNSURE && !unsure.contains_key(&id) {
            // Those sessions end as they would have without this memory.
            unsure.clear();
        }
        let known = unsure.entry(id).or_insert_with(|| Unsure {
            shown: *shown,
            lost: Vec::new(),
        });
        if known.shown != *shown {
            // An old token says nothing of the current one.
            return;
        }
        if known.lost.len() == MOST_LOST {
            known.lost.remove(0);
        }
        known.lost.push(next);
    }

    fn unsure(&self) -> std::sync::MutexGuard<'_, HashMap<TokenId, Unsure>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions by device: an account's are one key, so that none is lost without the others. Each is kept with its number, which
/// tells the order in which they began.
impl RedisSessions {
    pub(super) async fn sign_in(
        &self,
        id: TokenId,
        device: &Device,
        profile: &Profile,
        most: usize,
        now: Timestamp,
    ) -> Result<Ended, Denied> {
        if device.until <= now {
            return Err(Denied::Unavailable);
        }
        let mut invocation = self.sign_in.prepare_invoke();
        invocation
            .key(account(&device.account))
            .key(EPOCHS)
            .arg(hex(id))
            .arg(record::text(&SignedIn::of(device))?)
            .arg(record::text(profile)?)
            .arg(&*device.id)
            .arg(most)
            .arg(device.until.seconds())
            .arg(now.seconds());
        let answer = self.link.answer::<Vec<String>>(Call::Script(&invocation));
        let Answer { value, repeated } = answer.await?;
        Ok(Ended {
            sessions: value.iter().filter_map(|id| of_hex(id)).collect(),
            perhaps_more: repeated,
        })
    }

    pub(super) async fn device(&self, name: &str, id: TokenId) -> Result<DeviceFacts, Denied> {
        let mut both = redis::pipe();
        both.cmd("HGET").arg(account(name)).arg(hex(id));
        both.cmd("GET").arg(generation_key(name));
        let answer = self.link.answer(Call::Pipeline(&both)).await?;
        let (text, generation): (Option<String>, Option<Generation>) = answer.value;
        let (_, device) = numbered(&text.ok_or(Denied::Unknown)?)?;
        if &*device.account == name && generation == Some(device.generation) {
            Ok(device.facts())
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(super) async fn devices(&self, name: &str, now: Timestamp) -> Result<Vec<Signed>, Denied> {
        let mut all = redis::cmd("HGETALL");
        all.arg(account(name));
        let all = self.ask::<Vec<(String, String)>>(all).await?;
        let mut signed = Vec::with_capacity(all.len());
        for (id, text) in all {
            let Some(session) = of_hex(&id) else {
                continue;
            };
            let (number, device) = numbered(&text)?;
            // One that ended by its time is there until the next sign-in.
            if now < device.until {
                signed.push((number, Signed { session, device }));
            }
        }
        signed.sort_by_key(|(number, _)| *number);
        Ok(signed.into_iter().map(|(_, signed)| signed).collect())
    }

    pub(super) async fn sign_out(&self, name: &str, id: TokenId) -> Result<(), Denied> {
        let mut invocation = self.sign_out.prepare_invoke();
        invocation
            .key(account(name))
            .key(EPOCHS)
            .arg(hex(id))
            .arg(slot_of_token(id));
        self.run::<()>(&invocation).await
    }

    pub(super) async fn profile(&self, name: &str) -> Result<Profile, Denied> {
        let mut get = redis::cmd("HGET");
        get.arg(account(name)).arg(PROFILE);
        let text = self.ask::<Option<String>>(get).await?;
        record::read(&text.ok_or(Denied::Unknown)?)
    }
}

impl RedisSessions {
    async fn ask<T: FromRedisValue>(&self, command: redis::Cmd) -> Result<T, Denied> {
        let answer = self.link.answer(Call::Command(&command)).await?;
        Ok(answer.value)
    }

    async fn set(&self, key: &str, value: &str, end: Timestamp) -> Result<(), Denied> {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(value).arg("EXAT").arg(end.seconds());
        self.ask(set).await
    }
}

/// A session as it is kept: its number and its record.
fn numbered(text: &str) -> Result<(u64, Device), Denied> {
    let (number, text) = text.split_once(' ').ok_or_else(unreadable)?;
    let number = number.parse().map_err(|_| unreadable())?;
    Ok((number, record::read::<SignedIn>(text)?.device()?))
}

/// How long what is kept of a turn is as text.
const KEPT_CHARACTERS: usize = 43;

fn unreadable() -> Denied {
    unavailable(Source::Sessions, &"a record in Redis is not this server's")
}

fn hex(id: TokenId) -> String {
    format!("{:032x}", id.number())
}

fn of_hex(text: &str) -> Option<TokenId> {
    u128::from_str_radix(text, 16).ok().map(TokenId::of)
}

/// The slot of a token, or of its session, in [`EPOCHS`].
pub(crate) fn slot_of_token(id: TokenId) -> String {
    Slot::of_token(id).to_string()
}

/// The slot of a subject: of its name.
pub(crate) fn slot_of_subject(name: &str) -> String {
    Slot::of_name(name).to_string()
}

fn generation_key(name: &str) -> String {
    format!("{GENERATION}{name}")
}

/// Of a token that says everything itself, or of the session that it belongs to.
fn live(id: TokenId) -> String {
    format!("{{authlab}}:live:{}", hex(id))
}

fn token(id: TokenId) -> String {
    format!("{{authlab}}:token:{}", hex(id))
}

/// Of an account's devices.
fn account(name: &str) -> String {
    format!("{{authlab}}:account:{name}")
}

impl fmt::Debug for RedisSessions {
    /// Its address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisSessions")
    }
}
