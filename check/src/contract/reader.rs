//! The checks that turn a contract's tables into a [`Contract`].

mod openapi;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::{Protocol, Trust};
use authlab_loadtest::scenario::tables::Typed;
use authlab_loadtest::scenario::{ScenarioError, Source, Step};

use super::tables::{ChangeTable, OtherTable, PrincipalTable, Tables};
use super::{ANONYMOUS, ANYONE, Change, Contract, Ends, Expiry, Principal, Route, SIGNED_IN};
use crate::history::{Form, Op};

/// What histories do besides requests and changes.
const OPERATIONS: [&str; 2] = ["expire", "wait"];
/// Credentials name their times in whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);

/// Reads the tables of one file.
pub(super) struct Reader<'a>(pub(super) Source<'a>);

impl Reader<'_> {
    pub(super) fn contract(&self, file: &Tables, text: &str) -> Result<Contract, ScenarioError> {
        let source = &self.0;
        let base = self.origin(&file.base, file)?;
        let mut servers = Vec::new();
        for (name, url) in &file.servers {
            servers.push((name.clone(), self.origin(url, file)?));
        }
        let steps = self.steps(file)?;
        if file.principal.is_empty() {
            return Err(source.refuse(&file.name, "the contract needs at least one principal"));
        }
        let principals = self.principals(file, &steps)?;
        let changes = self.changes(file, &steps, &principals)?;
        let routes = self.routes(file, &principals, &changes)?;
        let mut contract = Contract {
            path: source.path.to_owned(),
            text: text.to_owned(),
            name: source.name(&file.name)?,
            base,
            line_of_base: source.line(&file.base),
            servers,
            protocol: self.protocol(file)?,
            principals,
            routes,
            changes,
            expiry: self.expiry(file)?,
            tenant: self.other(file.tenant.as_ref())?,
            sender: self.other(file.sender.as_ref())?,
            reset: self.named(&file.reset, file, &steps)?,
            one_host: file.one_host,
            ignored: self.ignored(file)?,
            histories: Vec::new(),
        };
        for table in &file.history {
            let ops = table.ops.get_ref().iter();
            let ops: Result<Vec<Op>, String> = ops.map(|op| contract.op(op)).collect();
            let ops = ops.map_err(|why| source.refuse(&table.ops, why))?;
            contract.histories.push(ops);
        }
        Ok(contract)
    }

    fn principals(&self, file: &Tables, steps: &[Step]) -> Result<Vec<Principal>, ScenarioError> {
        let mut principals: Vec<Principal> = Vec::new();
        for table in &file.principal {
            let taken: Vec<_> = principals.iter().map(|other| other.name.as_str()).collect();
            let name = self.0.unique("principal", &table.name, &taken)?;
            if [ANONYMOUS, ANYONE, SIGNED_IN].contains(&name.as_str()) {
                return Err(self.taken(&table.name));
            }
            principals.push(self.principal(name, table, file, steps)?);
        }
        principals.push(Principal {
            name: ANONYMOUS.to_owned(),
            line: 1,
            role: None,
            values: BTreeMap::new(),
            variables: BTreeMap::new(),
            sign_in: Vec::new(),
            ways: vec![false],
            is_spared: true,
        });
        Ok(principals)
    }

    fn changes(
        &self,
        file: &Tables,
        steps: &[Step],
        principals: &[Principal],
    ) -> Result<Vec<Change>, ScenarioError> {
        let mut changes: Vec<Change> = Vec::new();
        for table in &file.change {
            let taken: Vec<_> = changes.iter().map(|change| change.name.as_str()).collect();
            let name = self.0.unique("change", &table.name, &taken)?;
            if OPERATIONS.contains(&name.as_str()) {
                return Err(self.taken(&table.name));
            }
            changes.push(self.change(name, table, file, steps, principals)?);
        }
        Ok(changes)
    }

    fn routes(
        &self,
        file: &Tables,
        principals: &[Principal],
        changes: &[Change],
    ) -> Result<Vec<Route>, ScenarioError> {
        let given = principals.iter().filter_map(|who| who.role.as_deref());
        let roles = given.chain(changes.iter().filter_map(|change| change.role.as_deref()));
        let roles: BTreeSet<&str> = roles.collect();
        let mut routes: Vec<Route> = Vec::new();
        for table in &file.route {
            let route = self.route(table, file, principals, &roles)?;
            let name = table.name.as_ref().unwrap_or(&table.request);
            if routes.iter().any(|other| other.request == route.request) {
                return Err(self.0.refuse(
                    name,
                    format!(
                        "route `{}` is already there; give one of them a `name`",
                        route.request
                    ),
                ));
            }
            let is_change = changes.iter().any(|change| change.name == route.request);
            if is_change || OPERATIONS.contains(&route.request.as_str()) {
                return Err(self.taken(name));
            }
            routes.push(route);
        }
        for table in &self.documented(file)? {
            let route = self.route(table, file, principals, &roles)?;
            // What the contract says itself comes first.
            if !routes.iter().any(|other| other.request == route.request) {
                routes.push(route);
            }
        }
        if routes.is_empty() {
            return Err(self
                .0
                .refuse(&file.name, "the contract needs at least one route"));
        }
        Ok(routes)
    }

    fn taken(&self, name: &Typed<String>) -> ScenarioError {
        self.0.refuse(
            name,
            format!(
                "`{}` has a meaning of its own; choose another name",
                name.get_ref()
            ),
        )
    }

    fn expiry(&self, file: &Tables) -> Result<Option<Expiry>, ScenarioError> {
        let Some(table) = &file.expiry else {
            return Ok(None);
        };
        Ok(Some(Expiry {
            after: self.0.duration(&table.after)?,
            within: self.0.duration_or_zero(&table.within)?,
            early: match &table.early {
                None => WHOLE_SECOND,
                Some(early) => self.0.duration_or_zero(early)?,
            },
        }))
    }

    fn other(&self, table: Option<&OtherTable>) -> Result<Option<(String, String)>, ScenarioError> {
        let Some(table) = table else {
            return Ok(None);
        };
        let typed = &table.header;
        let name: Result<http::HeaderName, _> = typed.get_ref().parse();
        let name = name.map_err(|_| {
            self.0
                .refuse(typed, format!("`{}` is not a header name", typed.get_ref()))
        })?;
        Ok(Some((name.to_string(), table.other.get_ref().clone())))
    }

    /// A server that may be asked: on this machine, or named in `hosts`.
    fn origin(&self, url: &Typed<String>, file: &Tables) -> Result<Origin, ScenarioError> {
        let parsed =
            Origin::parse(url.get_ref()).map_err(|error| self.0.refuse(url, error.to_string()))?;
        let (origin, path) = parsed;
        if path != "/" {
            return Err(self.0.refuse(
                url,
                "an address of a server has no path; routes have theirs",
            ));
        }
        let host = origin.host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host == "localhost"
            || host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        if !is_loopback
            && !file
                .hosts
                .iter()
                .any(|named| *named.get_ref() == origin.host)
        {
            return Err(self.0.refuse(
                url,
                format!(
                    "`{}` is not this machine; name it in `hosts` if you may test it",
                    origin.host
                ),
            ));
        }
        Ok(origin)
    }

    fn protocol(&self, file: &Tables) -> Result<Protocol, ScenarioError> {
        let is_secure = file.base.get_ref().starts_with("https://");
        let tls = match &file.ca {
            None => is_secure.then_some(Trust::System),
            Some(ca) => {
                let folder = Path::new(self.0.path).parent().unwrap_or(Path::new("."));
                let trust = Trust::read(&folder.join(ca.get_ref()));
                Some(trust.map_err(|error| self.0.refuse(ca, error.to_string()))?)
            }
        };
        for url in file.servers.values() {
            if url.get_ref().starts_with("https://") != is_secure {
                return Err(self
                    .0
                    .refuse(url, "`base` and `servers` are all http or all https"));
            }
        }
        Ok(Protocol {
            tls,
            ..Protocol::default()
        })
    }

    fn steps(&self, file: &Tables) -> Result<Vec<Step>, ScenarioError> {
        let mut steps: Vec<Step> = Vec::new();
        for table in &file.step {
            let taken: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
            self.0.unique("step", &table.name, &taken)?;
            if let Some(at) = &table.at {
                self.0.position("server", at, file.servers.keys())?;
            }
            steps.push(self.0.single_step(table)?);
        }
        if steps.iter().any(|step| step.submit.is_some()) {
            for step in &mut steps {
                step.keeps_page = true;
            }
        }
        Ok(steps)
    }

    fn named(
        &self,
        names: &[Typed<String>],
        file: &Tables,
        steps: &[Step],
    ) -> Result<Vec<Step>, ScenarioError> {
        let there = || file.step.iter().map(|step| step.name.get_ref());
        let places = names
            .iter()
            .map(|name| self.0.position("step", name, there()));
        places.map(|place| Ok(steps[place?].clone())).collect()
    }

    fn principal(
        &self,
        name: String,
        table: &PrincipalTable,
        file: &Tables,
        steps: &[Step],
    ) -> Result<Principal, ScenarioError> {
        let mut values = BTreeMap::from([("name".to_owned(), name.clone())]);
        values.extend(table.role.clone().map(|role| ("role".to_owned(), role)));
        let mut variables = BTreeMap::new();
        for (key, value) in &table.values {
            if let Some(variable) = value.get_ref().strip_prefix("env:") {
                variables.insert(key.get_ref().clone(), variable.to_owned());
            }
            let text = match value.get_ref().strip_prefix("env:") {
                None => value.get_ref().clone(),
                Some(variable) => std::env::var(variable).map_err(|_| {
                    self.0
                        .refuse(value, format!("the environment has no variable {variable}"))
                })?,
            };
            values.insert(key.get_ref().clone(), text);
        }
        if table.present.is_empty() {
            return Err(self.0.refuse(
                &table.name,
                format!("principal `{name}` presents nothing; write e.g. present = [{{ bearer = \"{{token}}\" }}], or [{{ cookies = true }}] for those that its steps get"),
            ));
        }
        Ok(Principal {
            line: self.0.line(&table.name),
            role: table.role.clone(),
            values,
            variables,
            sign_in: self.named(&table.sign_in, file, steps)?,
            ways: table.present.iter().map(|way| way.cookies).collect(),
            is_spared: table.spare,
            name,
        })
    }

    fn change(
        &self,
        name: String,
        table: &ChangeTable,
        file: &Tables,
        steps: &[Step],
        principals: &[Principal],
    ) -> Result<Change, ScenarioError> {
        let source = &self.0;
        let ends = match &table.ends {
            None => None,
            Some(ends) => Some(match ends.get_ref().as_str() {
                "credential" => Ends::Credential,
                "principal" => Ends::Principal,
                other => {
                    return Err(source.refuse(
                        ends,
                        format!("ends `{other}` is not accepted; use credential or principal"),
                    ));
                }
            }),
        };
        if (ends.is_some() || table.role.is_some()) == table.refreshes {
            return Err(source.refuse(
                &table.name,
                format!("change `{name}` has `ends` or `role` or both, or else `refreshes = true`"),
            ));
        }
        let names = || principals.iter().map(|principal| &principal.name);
        let mut of = Vec::new();
        match &table.of {
            None => of.extend((0..principals.len()).filter(|who| !principals[*who].is_spared)),
            Some(typed) => {
                for name in typed {
                    of.push(source.position("principal", name, names())?);
                }
            }
        }
        let by = table
            .by
            .as_ref()
            .map(|by| source.position("principal", by, names()))
            .transpose()?;
        Ok(Change {
            name,
            ends,
            role: table.role.clone(),
            refreshes: table.refreshes,
            steps: self.named(&table.steps, file, steps)?,
            by,
            undo: self.named(&table.undo, file, steps)?,
            of,
            within: source.duration_or_zero(&table.within)?,
        })
    }

    fn ignored(&self, file: &Tables) -> Result<BTreeSet<Form>, ScenarioError> {
        let labels: Vec<String> = Form::VARIED.iter().map(|form| form.label()).collect();
        let places = file
            .ignore
            .iter()
            .map(|typed| self.0.position("form", typed, labels.iter()));
        places.map(|place| Ok(Form::VARIED[place?])).collect()
    }
}
