//! Loads: who makes which steps, for how long.

use std::sync::Arc;
use std::time::Duration;

use authlab_reports::folder::MOST_BLOCKS;
use authlab_reports::nearest::did_you_mean;

use super::source::Source;
use crate::arrivals::Arrivals;
use crate::scenario::tables::{LoadTable, Tables, Typed, VariantTable};
use crate::scenario::{Connections, Cookies, Load, Pool, ScenarioError, Step};

const TIMEOUT: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(1);
/// More closed users than this is a mistake on one generator core.
const MOST_USERS: usize = 10_000;

impl Source<'_> {
    pub(super) fn loads(
        &self,
        file: &Tables,
        steps: &mut [Step],
        pools: &[Arc<Pool>],
        profile: &str,
    ) -> Result<Vec<Load>, ScenarioError> {
        let mut loads: Vec<Load> = Vec::new();
        for table in &file.load {
            let taken: Vec<_> = loads.iter().map(|l| l.name.as_str()).collect();
            let name = self.unique("load", &table.name, &taken)?;
            let load = self.load(name, table, steps, pools, profile)?;
            if let Some(typed) = &table.streams
                && !file.variant.iter().any(VariantTable::speaks_http2)
            {
                return Err(self.refuse(
                    typed,
                    "streams are of HTTP/2, which no variant speaks: give one http = \"2\"",
                ));
            }
            if load.blocks > 0 {
                loads.push(load);
            }
        }
        if loads.is_empty() {
            return Err(self.refuse(
                &file.name,
                format!(
                    "every load has 0 blocks in profile `{profile}`: nothing would be measured"
                ),
            ));
        }
        Ok(loads)
    }

    fn load(
        &self,
        name: String,
        table: &LoadTable,
        steps: &mut [Step],
        pools: &[Arc<Pool>],
        profile: &str,
    ) -> Result<Load, ScenarioError> {
        let sizes = table.profile.get_ref().get(profile).ok_or_else(|| {
            let known: Vec<_> = table.profile.get_ref().keys().map(String::as_str).collect();
            let near = did_you_mean(profile, known.iter().copied());
            self.refuse(
                &table.profile,
                format!(
                    "load `{name}` has no profile `{profile}`; it has: {}{near}",
                    known.join(", ")
                ),
            )
        })?;
        if !(1..=MOST_USERS).contains(table.users.get_ref()) {
            return Err(self.refuse(&table.users, format!("users must be 1 to {MOST_USERS}")));
        }
        if *sizes.blocks.get_ref() > MOST_BLOCKS {
            return Err(self.refuse(&sizes.blocks, format!("blocks must be 0 to {MOST_BLOCKS}")));
        }
        let prepare = self.named_steps(&table.prepare, steps)?;
        let once = self.named_steps(&table.once, steps)?;
        let journeys = self.journeys(table, steps)?;
        let pools = self.drawn(table, pools)?;
        self.sequences(table, steps, &prepare, &once, &journeys, &pools)?;
        let (capacity, arrivals) = match self.capacity_search(table)? {
            Some((limits, arrivals)) => (Some(limits), arrivals),
            None => (None, self.arrivals(table)?),
        };
        let load = Load {
            name,
            users: *table.users.get_ref(),
            streams: self.streams(table)?,
            connections: self.connections(table)?,
            capacity,
            prepare,
            once,
            journeys,
            pools,
            cookies: self.cookies(table)?,
            fresh: table.fresh,
            flags: self.flags(&table.name, &table.flags)?,
            blocks: *sizes.blocks.get_ref(),
            continuous: false,
            requests: None,
            slice: self.slice(&sizes.slice, &arrivals)?,
            min_samples: sizes.min_samples.unwrap_or(1),
            warm_up: match &sizes.warm_up {
                Some(text) => self.duration_or_zero(text)?,
                None => WARM_UP,
            },
            restart_blocks: sizes.restart_blocks,
            restart_slices: sizes.restart_slices,
            timeout: match &table.timeout {
                Some(text) => self.duration(text)?,
                None => TIMEOUT,
            },
            arrivals,
        };
        self.lines_fit(table, &load, steps)?;
        Ok(load)
    }

    /// How many users share a connection of HTTP/2.
    fn streams(&self, table: &LoadTable) -> Result<usize, ScenarioError> {
        let Some(typed) = &table.streams else {
            return Ok(1);
        };
        let (streams, users) = (*typed.get_ref(), *table.users.get_ref());
        if !(1..=users).contains(&streams) {
            return Err(self.refuse(
                typed,
                format!("streams must be 1 to {users}, the load's users"),
            ));
        }
        Ok(streams)
    }

    fn connections(&self, table: &LoadTable) -> Result<Connections, ScenarioError> {
        let Some(typed) = &table.connections else {
            return Ok(Connections::default());
        };
        let connections = match typed.get_ref().as_str() {
            "kept" => Connections::Kept,
            "resumed" => Connections::Resumed,
            "new" => Connections::New,
            other => {
                return Err(self.refuse(
                    typed,
                    format!("connections `{other}` is not accepted; use kept, resumed or new"),
                ));
            }
        };
        if connections != Connections::Kept && table.streams.is_some() {
            return Err(self.refuse(typed, "users who share a connection by `streams` keep it"));
        }
        Ok(connections)
    }

    /// A duration, or `trace`: as long as the trace lasts. No slice lasts longer than its trace.
    fn slice(&self, typed: &Typed<String>, arrivals: &Arrivals) -> Result<Duration, ScenarioError> {
        match (typed.get_ref().as_str(), arrivals) {
            ("trace", Arrivals::Trace(trace)) => Ok(trace.length()),
            ("trace", _) => Err(self.refuse(
                typed,
                "slice = \"trace\" is of a load with a `trace`; write a duration: 250ms, 10s or 2m",
            )),
            (_, Arrivals::Trace(trace)) => Ok(self.duration(typed)?.min(trace.length())),
            _ => self.duration(typed),
        }
    }

    /// The pools that the load's journeys draw from.
    fn drawn(
        &self,
        table: &LoadTable,
        pools: &[Arc<Pool>],
    ) -> Result<Vec<Arc<Pool>>, ScenarioError> {
        let mut drawn: Vec<Arc<Pool>> = Vec::new();
        for name in &table.pools {
            let at = self.position("pool", name, pools.iter().map(|pool| &pool.name))?;
            if drawn.iter().any(|pool| pool.name == pools[at].name) {
                return Err(
                    self.refuse(name, format!("pool `{}` is already there", name.get_ref()))
                );
            }
            drawn.push(Arc::clone(&pools[at]));
        }
        Ok(drawn)
    }

    fn cookies(&self, table: &LoadTable) -> Result<Cookies, ScenarioError> {
        let Some(typed) = &table.cookies else {
            return Ok(Cookies::default());
        };
        match typed.get_ref().as_str() {
            "user" => Ok(Cookies::User),
            "journey" => Ok(Cookies::Journey),
            "none" => Ok(Cookies::None),
            other => Err(self.refuse(
                typed,
                format!("cookies `{other}` is not accepted; use user, journey or none"),
            )),
        }
    }
}
