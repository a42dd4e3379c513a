//! The flags of a load that several processes make: which share is this one's, and when all of them begin.

use std::path::PathBuf;

use authlab_loadtest::conductor::RunError;
use authlab_loadtest::meet::{MeetError, Met, Plan, meet};
use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::{Shard, Share, start_at};
use authlab_reports::{duration, quantity};
use jiff::Timestamp;

use crate::output;

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args, Default)]
pub(crate) struct Sharing {
    /// Make one share of the load, from 0: 0/3, 1/3 and 2/3 are the whole; then `authlab merge`
    #[arg(help_heading = "Several machines", long, value_name = "I/N", requires_all = ["start", "seed"])]
    shard: Option<Share>,
    /// When all shards begin: RFC 3339, or epoch seconds
    #[arg(help_heading = "Several machines", long, value_name = "TIME", value_parser = start_at, requires = "shard", group = "start")]
    start_at: Option<Timestamp>,
    /// Begin when all shards have reported in: each writes a file in this folder, which all of them see
    #[arg(
        help_heading = "Several machines",
        long,
        value_name = "DIR",
        requires = "shard",
        group = "start"
    )]
    meet: Option<PathBuf>,
    /// How long to wait for the other shards [default: 5m]
    #[arg(help_heading = "Several machines", long, value_name = "TIME", requires = "meet", value_parser = duration::typed)]
    meet_within: Option<String>,
}

/// Long enough for pods to be scheduled, and for their image to be pulled.
const MEET_WITHIN: &str = "5m";

impl Sharing {
    /// The share of this process, where it is one of several.
    pub(crate) fn share(&self) -> Option<Share> {
        self.shard
    }

    /// Our part, where this is one of several processes; it waits for the others where they meet.
    pub(crate) fn shard(&self, scenario: &Scenario, plan: &Plan) -> anyhow::Result<Option<Shard>> {
        let Some(share) = self.shard else {
            return Ok(None);
        };
        let (start_at, clocks) = match (&self.meet, self.start_at) {
            (Some(folder), _) => {
                // Before the others wait for it.
                share.check(scenario)?;
                let within = self.meet_within.as_deref().unwrap_or(MEET_WITHIN);
                let within = duration::parse(within)?;
                output::note(format_args!(
                    "shard {share} waits for the others in {}, {} at the most",
                    folder.display(),
                    quantity::elapsed(within.as_secs_f64())
                ));
                let Met { start_at, apart } = meet(folder, share, plan, within)?;
                let apart = quantity::duration(apart.as_nanos() as f64);
                let clocks = format!("; the clocks of all shards are at most {apart} apart");
                (start_at, clocks)
            }
            (None, Some(start_at)) => (start_at, String::new()),
            (None, None) => return Ok(None),
        };
        let begun = Shard::new(share, start_at, Timestamp::now())?;
        output::note(format_args!("shard {share} begins at {start_at}{clocks}"));
        Ok(Some(begun))
    }
}

/// Whether a person ended it, while shards met or while a prediction was measured.
pub(crate) fn is_interrupt(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(MeetError::Interrupted))
        || matches!(error.downcast_ref(), Some(RunError::Interrupted))
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
