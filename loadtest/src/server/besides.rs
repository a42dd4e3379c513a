//! Servers beside the one that is measured: started before it, ended after it. What they use is the
//! design's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{Launcher, Server, ServerError};
use crate::connection::Endpoint;
use crate::scenario::{Step, Target, Variant};
use crate::usage::Usage;

/// In the order in which they were started.
#[derive(Default)]
pub(super) struct Besides(Vec<Named>);

struct Named {
    name: String,
    server: Server,
    /// Our reference server: what it warns of is given up.
    warns: bool,
}

/// What was used: by all processes of a variant, and by each server beside its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) all: Usage,
    pub(crate) besides: Vec<(String, Usage)>,
}

impl Spent {
    /// Between an earlier reading and this one.
    pub(crate) fn since(self, earlier: &Self) -> Self {
        let besides = self.besides.into_iter().zip(&earlier.besides);
        Self {
            all: self.all.since(earlier.all),
            besides: besides
                .map(|((name, now), (_, then))| (name, now.since(*then)))
                .collect(),
        }
    }
}

impl Server {
    /// Starts what a variant has beside its server, and then that; what they print goes to `folder`.
    ///
    /// # Errors
    /// One of them does not start, ends, or is not ready in time.
    pub(crate) fn start_variant(
        number: u64,
        variant: &Variant,
        extra: &BTreeMap<String, String>,
        launcher: &Launcher,
        folder: &Path,
    ) -> Result<Self, ServerError> {
        let besides = Besides::start(number, variant, launcher, folder)?;
        let log = folder.join(format!("{}.server.log", variant.name));
        let target = besides.told_of(&variant.target);
        let mut extra = extra.clone();
        besides.tell(extra.values_mut());
        let mut server = Self::start(number, &target, &extra, launcher, &log)?;
        server.besides = besides;
        Ok(server)
    }

    /// How its users connect: to itself, and to each server beside it.
    pub(crate) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let beside = self.besides.each().map(|server| &server.endpoint);
        [&self.endpoint]
            .into_iter()
            .chain(beside)
            .cloned()
            .collect()
    }

    /// The place, among [`Self::endpoints`], of the one that a step is sent to.
    pub(crate) fn place_of(&self, step: &Step) -> usize {
        let named = |beside: &Named| Some(&beside.name) == step.at.as_ref();
        self.besides.0.iter().position(named).map_or(0, |at| at + 1)
    }

    /// The servers beside it: names, and how they were started.
    pub(crate) fn shown_beside(&self) -> impl Iterator<Item = (&str, &str)> {
        let besides = self.besides.0.iter();
        besides.map(|beside| (beside.name.as_str(), beside.server.shown.as_str()))
    }

    /// What the reference servers beside it warned of at their start, a line each.
    pub(crate) fn warnings_beside(&self) -> Vec<String> {
        let ours = self.besides.0.iter().filter(|beside| beside.warns);
        ours.flat_map(|beside| {
            let warnings = beside.server.warnings().into_iter();
            warnings.map(|warning| format!("{}: {warning}", beside.name))
        })
        .collect()
    }
}

impl Besides {
    fn start(
        number: u64,
        variant: &Variant,
        launcher: &Launcher,
        folder: &Path,
    ) -> Result<Self, ServerError> {
        let mut started = Self::default();
        for beside in &variant.besides {
            let log = folder.join(format!("{}.beside-{}.log", variant.name, beside.name));
            let target = started.told_of(&beside.target);
            let server = Server::start(number, &target, &BTreeMap::new(), launcher, &log)
                .map_err(|cause| named(&beside.name, cause))?;
            started.0.push(Named {
                name: beside.name.clone(),
                server,
                warns: matches!(beside.target, Target::Authlab { .. }),
            });
        }
        Ok(started)
    }

    /// Puts the address of each in the place of its `{name}`.
    fn tell<'t>(&self, texts: impl Iterator<Item = &'t mut String>) {
        for text in texts {
            for beside in &self.0 {
                let place = format!("{{{}}}", beside.name);
                *text = text.replace(&place, &beside.server.authority);
            }
        }
    }

    /// The target, told of them.
    fn told_of(&self, target: &Target) -> Target {
        let mut target = target.clone();
        match &mut target {
            Target::Authlab { flags, .. } => self.tell(flags.values_mut()),
            Target::Command { words, env, .. } => {
                self.tell(words.iter_mut().chain(env.values_mut()));
            }
            Target::Url { .. } => {}
        }
        target
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().map(|beside| &beside.server)
    }

    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        self.0.iter_mut().map(|beside| &mut beside.server)
    }

    pub(super) fn check(&mut self) -> Result<(), ServerError> {
        self.0.iter_mut().try_for_each(|beside| {
            let checked = beside.server.check();
            checked.map_err(|cause| named(&beside.name, cause))
        })
    }

    /// What they used, added to what the server did that they are beside.
    pub(super) fn spent(&self, own: Usage) -> Spent {
        let mut spent = Spent {
            all: own,
            besides: Vec::new(),
        };
        for beside in &self.0 {
            let used = beside.server.spent().map(|spent| spent.all);
            let used = used.unwrap_or_default();
            spent.all = spent.all.and(used);
            spent.besides.push((beside.name.clone(), used));
        }
        spent
    }
}

impl Drop for Besides {
    /// The last first: it may depend on those before it.
    fn drop(&mut self) {
        while let Some(last) = self.0.pop() {
            drop(last);
        }
    }
}

fn named(name: &str, cause: ServerError) -> ServerError {
    ServerError::Beside {
        name: name.to_owned(),
        cause: Box::new(cause),
    }
}
