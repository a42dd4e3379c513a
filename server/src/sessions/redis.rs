//! Sessions in Redis. Each fact has a key of its own, which ends when the fact does; what must happen together is one script
//! or one transaction, so that sign-ins that meet never lose one another's session.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisResult, Script, ScriptInvocation};
use sha2::{Digest as _, Sha256};

use super::record::{self, Family, SignedIn, Stood};
use super::{Device, DeviceFacts, Refreshed, Signed, Standing, Turned};
use crate::clock::Timestamp;
use crate::credential::refresh;
use crate::denied::Denied;
use crate::freshness::{SLOTS, token_slot};
use crate::request::{Generation, Mark, TokenId};
use crate::subjects::Subjects;
use crate::users::Profile;

/// How long one call may take, all attempts together. The first that is not answered ends its request: a client of a store that is
/// away is told to come back within two seconds.
const MOST_WAIT: Duration = Duration::from_millis(800);
const CONNECT_WITHIN: Duration = Duration::from_millis(300);
/// How far Redis's clock may be ahead of ours.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// One sequence of revocations for all servers here, and for each slot the number of its latest one, as
/// [`crate::freshness`] has them in memory: a hash of `number`, `all`, `t` and a token's slot, `s` and a subject's. Each
/// revocation raises its slot in the step that commits it. Redis must not throw keys away to make room (`noeviction`).
pub(crate) const EPOCHS: &str = "authlab:epochs";

/// A script takes a token's slot from the last three digits of its id.
const _: () = assert!(SLOTS == 0x1000);

/// ARGV: the slot. KEYS: where epochs are.
const RAISE: &str = r"
redis.call('HSET', KEYS[1], ARGV[1], redis.call('HINCRBY', KEYS[1], 'number', 1))
";

/// KEYS: the account's list of sessions, its document, the new session, where epochs are. ARGV: the session's id and
/// record, the document, the device's id, how many sessions are kept, when this one ends, where sessions are. Answers the ids of those that ended.
const SIGN_IN: &str = r"
local ended = {}
local function raise(id)
    local slot = 't' .. tonumber(string.sub(id, -3), 16)
    redis.call('HSET', KEYS[4], slot, redis.call('HINCRBY', KEYS[4], 'number', 1))
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    local known = redis.call('GET', ARGV[7] .. id)
    if not known or cjson.decode(known).device == ARGV[4] then
        redis.call('LREM', KEYS[1], 0, id)
        redis.call('DEL', ARGV[7] .. id)
        raise(id)
        ended[#ended + 1] = id
    end
end
while redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[5]) do
    local id = redis.call('LPOP', KEYS[1])
    redis.call('DEL', ARGV[7] .. id)
    raise(id)
    ended[#ended + 1] = id
end
-- The list and the document end with the last session: one that began under a longer lifetime may be here.
local stays = tonumber(ARGV[6]) - tonumber(redis.call('TIME')[1])
local listed = redis.call('TTL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
if listed < stays then redis.call('EXPIREAT', KEYS[1], ARGV[6]) end
local kept = redis.call('TTL', KEYS[2])
redis.call('SET', KEYS[2], ARGV[3], 'KEEPTTL')
if kept < stays then redis.call('EXPIREAT', KEYS[2], ARGV[6]) end
redis.call('SET', KEYS[3], ARGV[2], 'EXAT', ARGV[6])
return ended
";

/// KEYS: the session, the account's list, its document, where epochs are. ARGV: the session's id and slot. The document
/// goes with the last session.
const SIGN_OUT: &str = r"
redis.call('HSET', KEYS[4], ARGV[2], redis.call('HINCRBY', KEYS[4], 'number', 1))
redis.call('DEL', KEYS[1])
redis.call('LREM', KEYS[2], 0, ARGV[1])
if redis.call('LLEN', KEYS[2]) == 0 then redis.call('DEL', KEYS[3]) end
";

/// KEYS: the session. ARGV: what is kept of the turn that was shown, and of the next one. What is compared are digests of
/// secrets: the time it takes tells nothing of those.
const TURN: &str = r"
local kept = redis.call('HGET', KEYS[1], 'kept')
if not kept then return 0 end
if kept ~= ARGV[1] then return 2 end
redis.call('HSET', KEYS[1], 'kept', ARGV[2])
return 1
";

/// KEYS: what a token stands for. ARGV: where generations are. Answers the record, and the current generation of whose it is.
const FIND: &str = r"
local stood = redis.call('GET', KEYS[1])
if not stood then return false end
return { stood, redis.call('GET', ARGV[1] .. cjson.decode(stood).sub) or '0' }
";

const DEVICE: &str = "authlab:device:";
const GENERATION: &str = "authlab:generation-of:";

pub(crate) struct RedisSessions {
    connection: ConnectionManager,
    sign_in: Script,
    sign_out: Script,
    turn: Script,
    find: Script,
    raise: Script,
}

impl RedisSessions {
    /// Connects when it is first needed, and again whenever the connection was lost.
    pub(super) fn open(url: &str) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(MOST_WAIT))
            .set_min_delay(PAUSE)
            .set_max_delay(PAUSE)
            .set_number_of_retries(1);
        let client = redis::Client::open(url)?;
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config)?,
            sign_in: Script::new(SIGN_IN),
            sign_out: Script::new(SIGN_OUT),
            turn: Script::new(TURN),
            find: Script::new(FIND),
            raise: Script::new(RAISE),
        })
    }

    /// Host, port and database of an address, without a password; `None` for a text that is no address.
    pub(super) fn address(url: &str) -> Option<String> {
        let client = redis::Client::open(url).ok()?;
        let info = client.get_connection_info();
        Some(format!("{}/{}", info.addr(), info.redis_settings().db()))
    }

    pub(super) async fn answers(&self) -> bool {
        self.ask::<String>(redis::cmd("PING")).await.is_ok()
    }

    pub(super) async fn check(&self, mark: &Mark, name: &str) -> Result<(), Denied> {
        let mut both = redis::cmd("MGET");
        both.arg(revoked(mark.id)).arg(generation_key(name));
        let (revoked, generation) = self
            .ask::<(Option<String>, Option<Generation>)>(both)
            .await?;
        if revoked.is_none() && generation.unwrap_or(0) == mark.generation {
            Ok(())
        } else {
            Err(Denied::Revoked)
        }
    }

    pub(super) async fn revoke(&self, id: TokenId, end: Timestamp) -> Result<(), Denied> {
        // Redis's clock ends it, and ours the token: a revocation outlives what it revokes.
        let end = end.after(BETWEEN_CLOCKS).seconds();
        let mut set = redis::cmd("SET");
        set.arg(revoked(id)).arg("").arg("EXAT").arg(end);
        self.raising(set, &slot_of_token(id)).await
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
            .run::<Option<(String, Generation)>>(&invocation)
            .await?;
        let (text, generation) = found.ok_or(Denied::Unknown)?;
        let stood = record::read::<Stood>(&text)?;
        if stood.generation() == generation {
            stood.standing(id, subjects)
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(super) async fn end(&self, id: TokenId) -> Result<(), Denied> {
        let mut delete = redis::cmd("DEL");
        delete.arg(token(id));
        self.raising(delete, &slot_of_token(id)).await
    }

    pub(super) async fn generation(&self, name: &str) -> Result<Generation, Denied> {
        let mut get = redis::cmd("GET");
        get.arg(generation_key(name));
        Ok(self.ask::<Option<Generation>>(get).await?.unwrap_or(0))
    }

    pub(super) async fn end_all_of(&self, name: &str) -> Result<(), Denied> {
        let mut next = redis::cmd("INCR");
        next.arg(generation_key(name));
        self.raising(next, &slot_of_subject(name)).await
    }

    pub(super) async fn make_all_stale(&self) -> Result<(), Denied> {
        self.raise("all").await
    }

    /// Commits a revocation, and in the same step raises its slot.
    async fn raising(&self, commit: redis::Cmd, slot: &str) -> Result<(), Denied> {
        // With its text: in a transaction there is no second try for a script that Redis does not know yet.
        let mut both = redis::pipe();
        both.atomic()
            .add_command(commit)
            .ignore()
            .cmd("EVAL")
            .arg(RAISE)
            .arg(1)
            .arg(EPOCHS)
            .arg(slot)
            .ignore();
        self.all(both).await
    }

    async fn raise(&self, slot: &str) -> Result<(), Denied> {
        let mut invocation = self.raise.prepare_invoke();
        invocation.key(EPOCHS).arg(slot);
        self.run::<()>(&invocation).await
    }

    /// Runs a script, in time or not at all.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, Denied> {
        let mut connection = self.connection.clone();
        within(invocation.invoke_async::<T>(&mut connection)).await
    }

    pub(super) async fn begin_refreshed(
        &self,
        id: TokenId,
        session: &Refreshed,
    ) -> Result<(), Denied> {
        let family = record::text(&Family::of(session))?;
        let mut both = redis::pipe();
        both.atomic()
            .cmd("HSET")
            .arg(family_key(id))
            .arg("kept")
            .arg(URL_SAFE_NO_PAD.encode(session.kept))
            .arg("family")
            .arg(family)
            .ignore()
            .cmd("EXPIREAT")
            .arg(family_key(id))
            .arg(session.end.seconds())
            .ignore();
        self.all(both).await
    }

    pub(super) async fn look(
        &self,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Option<Refreshed>, Denied> {
        let mut fields = redis::cmd("HMGET");
        fields.arg(family_key(id)).arg("family").arg("kept");
        let (Some(family), Some(text)) =
            self.ask::<(Option<String>, Option<String>)>(fields).await?
        else {
            return Ok(None);
        };
        let mut kept = refresh::Kept::default();
        match URL_SAFE_NO_PAD.decode_slice(text, &mut kept) {
            Ok(length) if length == kept.len() => {}
            _ => return Err(Denied::Unavailable),
        }
        let session = record::read::<Family>(&family)?.refreshed(kept)?;
        Ok(Some(session).filter(|session| now < session.end))
    }

    pub(super) async fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
    ) -> Result<(), Turned> {
        let mut invocation = self.turn.prepare_invoke();
        invocation
            .key(family_key(id))
            .arg(URL_SAFE_NO_PAD.encode(kept))
            .arg(URL_SAFE_NO_PAD.encode(next));
        let mut connection = self.connection.clone();
        match within(invocation.invoke_async::<u8>(&mut connection)).await {
            Ok(1) => Ok(()),
            Ok(2) => Err(Turned::Again),
            Ok(_) => Err(Turned::Unknown),
            Err(_) => Err(Turned::Unavailable),
        }
    }

    pub(super) async fn end_refreshed(&self, id: TokenId) -> Result<(), Denied> {
        self.delete(&family_key(id)).await
    }
}

/// Sessions by device.
impl RedisSessions {
    pub(super) async fn sign_in(
        &self,
        id: TokenId,
        device: &Device,
        profile: &Profile,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<TokenId>, Denied> {
        if device.until <= now {
            return Err(Denied::Unavailable);
        }
        let mut invocation = self.sign_in.prepare_invoke();
        invocation
            .key(list(&device.account))
            .key(profile_key(&device.account))
            .key(device_key(id))
            .key(EPOCHS)
            .arg(hex(id))
            .arg(record::text(&SignedIn::of(device))?)
            .arg(record::text(profile)?)
            .arg(&*device.id)
            .arg(most)
            .arg(device.until.seconds())
            .arg(DEVICE);
        let mut connection = self.connection.clone();
        let ended = within(invocation.invoke_async::<Vec<String>>(&mut connection)).await?;
        Ok(ended.iter().filter_map(|id| of_hex(id)).collect())
    }

    pub(super) async fn device(&self, name: &str, id: TokenId) -> Result<DeviceFacts, Denied> {
        let mut both = redis::cmd("MGET");
        both.arg(device_key(id)).arg(generation_key(name));
        let (text, generation) = self
            .ask::<(Option<String>, Option<Generation>)>(both)
            .await?;
        let device = record::read::<SignedIn>(&text.ok_or(Denied::Unknown)?)?.device()?;
        if &*device.account == name && device.generation == generation.unwrap_or(0) {
            Ok(device.facts())
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(super) async fn devices(&self, name: &str, now: Timestamp) -> Result<Vec<Signed>, Denied> {
        let mut range = redis::cmd("LRANGE");
        range.arg(list(name)).arg(0).arg(-1);
        let ids = self.ask::<Vec<String>>(range).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut texts = redis::cmd("MGET");
        for id in &ids {
            texts.arg(format!("{DEVICE}{id}"));
        }
        let texts = self.ask::<Vec<Option<String>>>(texts).await?;
        let mut signed = Vec::with_capacity(ids.len());
        for (id, text) in ids.iter().zip(texts) {
            // One that ended by its time is still in the list.
            let (Some(session), Some(text)) = (of_hex(id), text) else {
                continue;
            };
            let device = record::read::<SignedIn>(&text)?.device()?;
            if now < device.until {
                signed.push(Signed { session, device });
            }
        }
        Ok(signed)
    }

    pub(super) async fn sign_out(&self, name: &str, id: TokenId) -> Result<(), Denied> {
        let mut invocation = self.sign_out.prepare_invoke();
        invocation
            .key(device_key(id))
            .key(list(name))
            .key(profile_key(name))
            .key(EPOCHS)
            .arg(hex(id))
            .arg(slot_of_token(id));
        let mut connection = self.connection.clone();
        within(invocation.invoke_async::<()>(&mut connection)).await
    }

    pub(super) async fn profile(&self, name: &str) -> Result<Profile, Denied> {
        let text = self.get(&profile_key(name)).await?.ok_or(Denied::Unknown)?;
        record::read(&text)
    }
}

impl RedisSessions {
    async fn ask<T: FromRedisValue>(&self, command: redis::Cmd) -> Result<T, Denied> {
        let mut connection = self.connection.clone();
        within(command.query_async(&mut connection)).await
    }

    async fn all(&self, commands: redis::Pipeline) -> Result<(), Denied> {
        let mut connection = self.connection.clone();
        within(commands.query_async(&mut connection)).await
    }

    async fn get(&self, key: &str) -> Result<Option<String>, Denied> {
        let mut get = redis::cmd("GET");
        get.arg(key);
        self.ask(get).await
    }

    async fn set(&self, key: &str, value: &str, end: Timestamp) -> Result<(), Denied> {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(value).arg("EXAT").arg(end.seconds());
        self.ask(set).await
    }

    async fn delete(&self, key: &str) -> Result<(), Denied> {
        let mut delete = redis::cmd("DEL");
        delete.arg(key);
        self.ask(delete).await
    }
}

/// A call's answer, if it comes in time: whatever else happens, the store decides nothing.
async fn within<T>(call: impl Future<Output = RedisResult<T>>) -> Result<T, Denied> {
    match tokio::time::timeout(MOST_WAIT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Denied::Unavailable),
    }
}

fn hex(id: TokenId) -> String {
    format!("{:032x}", id.number())
}

fn of_hex(text: &str) -> Option<TokenId> {
    u128::from_str_radix(text, 16).ok().map(TokenId::of)
}

/// The slot of a token, or of its session, in [`EPOCHS`].
pub(crate) fn slot_of_token(id: TokenId) -> String {
    format!("t{}", token_slot(id))
}

/// The slot of a subject: of its name, since each server numbers subjects in its own way.
pub(crate) fn slot_of_subject(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let slot = usize::from(u16::from_be_bytes([digest[0], digest[1]])) % SLOTS;
    format!("s{slot}")
}

fn generation_key(name: &str) -> String {
    format!("{GENERATION}{name}")
}

fn revoked(id: TokenId) -> String {
    format!("authlab:revoked:{}", hex(id))
}

fn token(id: TokenId) -> String {
    format!("authlab:token:{}", hex(id))
}

fn family_key(id: TokenId) -> String {
    format!("authlab:family:{}", hex(id))
}

fn device_key(id: TokenId) -> String {
    format!("{DEVICE}{}", hex(id))
}

fn list(name: &str) -> String {
    format!("authlab:devices-of:{name}")
}

fn profile_key(name: &str) -> String {
    format!("authlab:profile-of:{name}")
}

impl fmt::Debug for RedisSessions {
    /// Its address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisSessions")
    }
}
