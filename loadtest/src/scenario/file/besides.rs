//! Servers beside the variants' own, as typed, and who may name them where.

use authlab_reports::nearest::did_you_mean;

use super::source::Source;
use crate::protocol::Protocol;
use crate::scenario::beside::{self, Beside, PORT};
use crate::scenario::tables::{BesideTable, Tables, Typed, VariantTable};
use crate::scenario::{Ready, Scenario, ScenarioError, Target};

impl Source<'_> {
    /// Those of the file; each is of use to a variant.
    pub(super) fn besides(&self, file: &Tables) -> Result<Vec<Beside>, ScenarioError> {
        let mut besides: Vec<Beside> = Vec::new();
        for table in &file.beside {
            let taken: Vec<_> = besides.iter().map(|b| b.name.as_str()).collect();
            let name = self.beside_name(table, &taken)?;
            if let Some(role) = &table.role {
                self.check_name(role)?;
            }
            let target = self.beside_target(table)?;
            besides.push(Beside { name, target });
        }
        let roles = || file.beside.iter().map(BesideTable::known_as);
        for (table, beside) in file.beside.iter().zip(&besides) {
            let another = |name: &str| name != table.known_as() && roles().any(|role| role == name);
            if let Some(unknown) = beside.target.names().find(|name| !another(name)) {
                return Err(self.refuse(
                    &table.name,
                    format!(
                        "beside `{}` uses {{{unknown}}}, which is no other [[beside]]; there are: {}{}",
                        beside.name,
                        listed(&besides),
                        near(unknown, &besides)
                    ),
                ));
            }
            let named = |name: &Typed<String>| *name.get_ref() == beside.name;
            if !file.variant.iter().any(|v| v.beside.iter().any(named)) {
                return Err(self.refuse(
                    &table.name,
                    format!(
                        "beside `{0}` is of no use: no variant names it; write beside = [\"{0}\"] in one, or leave it out",
                        beside.name
                    ),
                ));
            }
        }
        Ok(besides)
    }

    fn beside_name(&self, table: &BesideTable, taken: &[&str]) -> Result<String, ScenarioError> {
        let name = self.unique("beside", &table.name, taken)?;
        self.check_name(&table.name)?;
        Ok(name)
    }

    fn check_name(&self, typed: &Typed<String>) -> Result<(), ScenarioError> {
        let name = typed.get_ref();
        if beside::is_name(name) && name != PORT {
            return Ok(());
        }
        Err(self.refuse(
            typed,
            format!(
                "beside `{name}` is not accepted; use letters, digits and `-`, and not `{PORT}`"
            ),
        ))
    }

    fn beside_target(&self, table: &BesideTable) -> Result<Target, ScenarioError> {
        let command = match (&table.flags, &table.command) {
            (Some(flags), None) => {
                let ready = table.ready.as_ref().or(table.ready_within.as_ref());
                let at = ready.map(Typed::span);
                let at = at.or((!table.env.is_empty()).then(|| table.name.span()));
                if let Some(at) = at {
                    return Err(self.refuse(
                        &Typed::new(at, ()),
                        "`env`, `ready` and `ready_within` belong to a [[beside]] with a `command`",
                    ));
                }
                return Ok(Target::reference(self.flags(&table.name, flags)?));
            }
            (None, Some(command)) => command.get_ref(),
            _ => {
                return Err(self.refuse(
                    &table.name,
                    format!(
                        "beside `{}` needs exactly one of: flags (a reference server), command",
                        table.name.get_ref()
                    ),
                ));
            }
        };
        self.told_its_port(&table.name, command, &table.env)?;
        Ok(Target::Command {
            words: command.clone(),
            env: table.env.clone(),
            ready: match &table.ready {
                Some(path) => Ready::Path(self.ready_path(path)?),
                None => Ready::Accepts,
            },
            ready_within: self.ready_within(table.ready_within.as_ref())?,
            host: None,
            protocol: Protocol::default(),
        })
    }

    /// Those that a variant names, in its order: the later may be told the addresses of the earlier.
    pub(super) fn named_besides(
        &self,
        table: &VariantTable,
        target: &Target,
        known: &[Beside],
        tables: &[BesideTable],
    ) -> Result<Vec<Beside>, ScenarioError> {
        if let (Target::Url { .. }, Some(first)) = (target, table.beside.first()) {
            return Err(self.refuse(
                first,
                "a variant with a `url` runs already and could not be told the address of a server beside it; start it by `flags` or a `command`",
            ));
        }
        let mut named: Vec<Beside> = Vec::new();
        for name in &table.beside {
            let at = self.position("beside", name, known.iter().map(|b| &b.name))?;
            let mut beside = known[at].clone();
            beside.name.clone_from(tables[at].known_as());
            if is_one(&named, &beside.name) {
                return Err(self.refuse(name, format!("beside `{}` is already there", beside.name)));
            }
            if let Some(later) = beside.target.names().find(|used| !is_one(&named, used)) {
                return Err(self.refuse(
                    name,
                    format!(
                        "beside `{0}` uses {{{later}}}: name it before, beside = [\"{later}\", \"{0}\"]",
                        beside.name
                    ),
                ));
            }
            named.push(beside);
        }
        // Where nothing is beside anything, a command's braces are its own.
        let braces_are_its_own = matches!(target, Target::Command { .. }) && known.is_empty();
        match target.names().find(|name| !is_one(&named, name)) {
            Some(unknown) if !braces_are_its_own => {
                Err(self.not_beside(&table.name, &named, unknown, known))
            }
            _ => Ok(named),
        }
    }

    /// Whether flags of loads and places of steps are of servers that every variant concerned has.
    pub(super) fn reached(&self, file: &Tables, scenario: &Scenario) -> Result<(), ScenarioError> {
        for load in &scenario.loads {
            let mut tables = file.load.iter();
            let table = tables.find(|table| *table.name.get_ref() == load.name);
            let at = table.map_or(&file.name, |table| &table.name);
            let names = load.flags.values().flat_map(|value| beside::names(value));
            for name in names.filter(|name| *name != PORT) {
                let told = |target: &Target| matches!(target, Target::Authlab { .. });
                let mut variants = scenario.variants.iter().filter(|v| told(&v.target));
                if let Some(variant) = variants.find(|v| !is_one(&v.besides, name)) {
                    return Err(self.refuse(
                        at,
                        format!(
                            "load `{}` has a flag with {{{name}}}, which variant `{}` has not beside it; beside it: {}",
                            load.name,
                            variant.name,
                            listed(&variant.besides)
                        ),
                    ));
                }
            }
        }
        scenario.check_places().map_err(|misplaced| {
            let mut steps = file.step.iter();
            let step = steps.find(|step| *step.name.get_ref() == misplaced.step);
            let at = step.and_then(|step| step.at.as_ref()).unwrap_or(&file.name);
            self.refuse(at, misplaced.to_string())
        })
    }

    fn not_beside(
        &self,
        variant: &Typed<String>,
        named: &[Beside],
        unknown: &str,
        known: &[Beside],
    ) -> ScenarioError {
        let fix = if is_one(known, unknown) {
            format!("add it: beside = [\"{unknown}\"]")
        } else {
            format!("beside it: {}{}", listed(named), near(unknown, named))
        };
        self.refuse(
            variant,
            format!(
                "variant `{}` uses {{{unknown}}}, which its `beside` does not name; {fix}",
                variant.get_ref()
            ),
        )
    }
}

fn is_one(besides: &[Beside], name: &str) -> bool {
    besides.iter().any(|beside| beside.name == name)
}

fn near(unknown: &str, besides: &[Beside]) -> String {
    did_you_mean(unknown, besides.iter().map(|beside| beside.name.as_str()))
}

fn listed(besides: &[Beside]) -> String {
    let names: Vec<_> = besides.iter().map(|b| b.name.as_str()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
