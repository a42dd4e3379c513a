//! What may be used once at all servers together: proofs of possession.

use super::{BETWEEN_CLOCKS, RedisSessions, hex};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::TokenId;

/// KEYS: what is used. ARGV: a name for this use, until when it is remembered. The same use that is sent again is no other.
pub(super) const USE: &str = r"
local kept = redis.call('GET', KEYS[1])
if kept then return kept == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EXAT', ARGV[2])
return 1
";

impl RedisSessions {
    /// Whether it was not used before at any server; from now on it is.
    pub(crate) async fn use_once(&self, id: TokenId, end: Timestamp) -> Result<bool, Denied> {
        let name = hex(TokenId::draw()?);
        let mut invocation = self.use_once.prepare_invoke();
        invocation.key(format!("{{authlab}}:proof:{}", hex(id)));
        invocation
            .arg(name)
            .arg(end.after(BETWEEN_CLOCKS).seconds());
        self.run(&invocation).await
    }
}
