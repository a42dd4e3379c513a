//! The flags of a load that several processes make: which share is this one's, and when all of them begin.

use authlab_loadtest::shard::{Shard, ShardError, Share, start_at};
use jiff::Timestamp;

use crate::output;

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args, Default)]
pub(crate) struct Sharing {
    /// Make one share of the load, from 0: 0/3, 1/3 and 2/3 are the whole; then `authlab merge`
    #[arg(help_heading = "Several machines", long, value_name = "I/N", requires_all = ["start_at", "seed"])]
    shard: Option<Share>,
    /// When all shards begin: RFC 3339, or epoch seconds
    #[arg(help_heading = "Several machines", long, value_name = "TIME", value_parser = start_at, requires = "shard")]
    start_at: Option<Timestamp>,
}

impl Sharing {
    /// How many processes make the load.
    pub(crate) fn processes(&self) -> usize {
        self.shard.map_or(1, |share| share.of() as usize)
    }

    /// Whether this is one of several processes.
    pub(crate) fn is_shared(&self) -> bool {
        self.shard.is_some()
    }

    /// Our part, where this is one of several processes.
    pub(crate) fn shard(&self) -> Result<Option<Shard>, ShardError> {
        let typed = self.shard.zip(self.start_at);
        let shard = typed.map(|(share, start_at)| Shard::new(share, start_at, Timestamp::now()));
        let shard = shard.transpose()?;
        if let Some(Shard { share, start_at }) = shard {
            output::note(format_args!("shard {share} begins at {start_at}"));
        }
        Ok(shard)
    }
}

/// The words that repeat a run as this shard.
pub(crate) fn words(shard: &Shard) -> [String; 4] {
    [
        "--shard".to_owned(),
        shard.share.to_string(),
        "--start-at".to_owned(),
        shard.start_at.to_string(),
    ]
}
