//! Pools: populations, token pools, data from CSV files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::source::Source;
use crate::scenario::tables::{PoolTable, StepTable, Tables, Typed};
use crate::scenario::template::OWN_VALUES;
use crate::scenario::template::is_name;
use crate::scenario::{Pool, Popularity, ScenarioError, Step, Table};

/// More members are a mistake, or another tool's work.
const MOST_MEMBERS: usize = 1_000_000;
/// A larger CSV file would not leave the memory that a run is promised.
const MOST_CSV_BYTES: u64 = 256 << 20;
const PROBE_FOR: Duration = Duration::from_secs(1);
/// Steeper than this every draw is the first member.
const MOST_EXPONENT: f64 = 10.0;

impl Source<'_> {
    /// Whether the pools' names may be used in templates; steps are read with them.
    pub(super) fn pool_names(&self, file: &Tables) -> Result<(), ScenarioError> {
        let refused = |name: &str| !is_name(name) || OWN_VALUES.contains(&name);
        let mut pools = file.pool.iter();
        match pools.find(|pool| refused(pool.name.get_ref())) {
            None => Ok(()),
            Some(pool) => Err(self.refuse(
                &pool.name,
                format!(
                    "pool `{}` is not accepted; use lower-case letters, digits and `_`, and none of: {}",
                    pool.name.get_ref(),
                    OWN_VALUES.join(", ")
                ),
            )),
        }
    }

    /// The pools; marks the steps that use values of theirs, which change with the member.
    pub(super) fn pools(
        &self,
        file: &Tables,
        steps: &mut [Step],
    ) -> Result<Vec<Arc<Pool>>, ScenarioError> {
        let mut pools: Vec<Arc<Pool>> = Vec::new();
        for table in &file.pool {
            pools.push(Arc::new(self.pool(pools.len(), table, steps)?));
        }
        for table in &file.step {
            self.pool_values_stay(table, &pools)?;
        }
        for (table, pool) in file.pool.iter().zip(&pools) {
            self.pool_values_differ(table, pool, &pools)?;
        }
        self.rows_fit(file, &pools, steps)?;
        let of_a_pool = |place: &str| pools.iter().any(|pool| pool.has(place));
        for step in steps {
            let changing = step.places().any(of_a_pool);
            step.changing |= changing;
        }
        Ok(pools)
    }

    fn pool(
        &self,
        number: usize,
        table: &PoolTable,
        steps: &mut [Step],
    ) -> Result<Pool, ScenarioError> {
        let name = table.name.get_ref().clone();
        let (size, values) = match (&table.size, &table.csv) {
            (Some(size), None) => (*size.get_ref(), Table::default()),
            (None, Some(csv)) => {
                let values = self.csv(csv)?;
                (values.rows(), values)
            }
            _ => {
                return Err(self.refuse(
                    &table.name,
                    format!("pool `{name}` needs exactly one of: size, csv"),
                ));
            }
        };
        if !(1..=MOST_MEMBERS).contains(&size) {
            let at = table.size.as_ref().map_or(table.name.span(), Typed::span);
            return Err(self.refuse(
                &Typed::new(at, ()),
                format!("a pool has 1 to {MOST_MEMBERS} members; `{name}` has {size}"),
            ));
        }
        let fill = self.named_steps(&table.fill, steps)?;
        let mut known: Vec<String> = OWN_VALUES.map(str::to_owned).to_vec();
        known.push(name.clone());
        known.extend(values.columns.iter().cloned());
        self.sequence(&table.name, steps, &fill, &mut known, &[])?;
        let mut saved: Vec<String> = Vec::new();
        for (value, _) in fill.iter().flat_map(|step| &steps[*step].save) {
            if !saved.contains(value) {
                saved.push(value.clone());
            }
        }
        Ok(Pool {
            number,
            size,
            table: values,
            popularity: self.popularity(table)?,
            fill,
            saved,
            probe_for: match &table.probe_for {
                Some(text) => self.duration(text)?,
                None => PROBE_FOR,
            },
            name,
        })
    }

    /// A name stands for one value: of one pool, and not of every user.
    fn pool_values_differ(
        &self,
        table: &PoolTable,
        pool: &Pool,
        pools: &[Arc<Pool>],
    ) -> Result<(), ScenarioError> {
        let all = || pools.iter().flat_map(|pool| pool.names());
        let twice = |name: &&str| {
            OWN_VALUES.contains(name) || all().filter(|other| other == name).count() > 1
        };
        match pool.names().find(twice) {
            None => Ok(()),
            Some(name) => Err(self.refuse(
                &table.name,
                format!(
                    "pool `{}` has a value `{name}`, which is already there",
                    pool.name
                ),
            )),
        }
    }

    /// A step may not overwrite a member's number or what a CSV file says of it.
    fn pool_values_stay(
        &self,
        table: &StepTable,
        pools: &[Arc<Pool>],
    ) -> Result<(), ScenarioError> {
        for name in table.save.keys().chain(table.set.keys()) {
            let fixed = |pool: &&Arc<Pool>| {
                pool.name == *name.get_ref() || pool.table.columns.contains(name.get_ref())
            };
            if let Some(pool) = pools.iter().find(fixed) {
                return Err(self.refuse(
                    name,
                    format!(
                        "`{}` is a value of pool `{}`; save under another name",
                        name.get_ref(),
                        pool.name
                    ),
                ));
            }
        }
        Ok(())
    }

    fn popularity(&self, table: &PoolTable) -> Result<Popularity, ScenarioError> {
        let Some(typed) = &table.popularity else {
            return Ok(Popularity::default());
        };
        let text = typed.get_ref().as_str();
        let exponent = text
            .strip_prefix("zipf ")
            .and_then(|s| s.trim().parse().ok());
        match (text, exponent) {
            ("uniform", _) => Ok(Popularity::Uniform),
            ("turn", _) => Ok(Popularity::Turn),
            (_, Some(s)) if s > 0.0 && s <= MOST_EXPONENT => Ok(Popularity::Zipf(s)),
            _ => Err(self.refuse(
                typed,
                format!("popularity `{text}` is not accepted; use uniform, turn, or `zipf 1.1` (up to {MOST_EXPONENT})"),
            )),
        }
    }

    /// The rows of a CSV file beside the scenario file.
    fn csv(&self, typed: &Typed<String>) -> Result<Table, ScenarioError> {
        let folder = Path::new(self.path).parent().unwrap_or(Path::new(""));
        let path = folder.join(typed.get_ref());
        let refused = |what: &dyn std::fmt::Display| {
            self.refuse(
                typed,
                format!("csv `{}`: {what}", typed.get_ref()).replace('\n', "; "),
            )
        };
        let known = std::fs::metadata(&path).map_err(|error| refused(&error))?;
        if !known.is_file() {
            return Err(refused(&"it is not a file"));
        }
        let bytes = known.len();
        if bytes > MOST_CSV_BYTES {
            return Err(refused(&format!(
                "it has {bytes} bytes; at most {MOST_CSV_BYTES}"
            )));
        }
        let mut reader = csv::Reader::from_path(&path).map_err(|error| refused(&error))?;
        let header = reader.headers().map_err(|error| refused(&error))?;
        let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        if let Some(name) = columns.iter().find(|name| !is_name(name)) {
            return Err(refused(&format!(
                "its first line names the values; `{name}` is not accepted, use lower-case letters, digits and `_`"
            )));
        }
        let mut table = Table::new(columns);
        for (number, record) in reader.records().enumerate() {
            let record = record.map_err(|error| refused(&error))?;
            if number >= MOST_MEMBERS {
                return Err(refused(&format!("it has more than {MOST_MEMBERS} rows")));
            }
            record.iter().for_each(|value| table.push(value));
        }
        Ok(table)
    }
}
