//! Variants: which server each of them is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::source::Source;
use crate::origin::Origin;
use crate::protocol::HttpVersion;
use crate::scenario::tables::{Tables, Typed, VariantTable};
use crate::scenario::{Beside, Ready, ScenarioError, Target, Variant};
use crate::target;

impl Source<'_> {
    pub(super) fn variants(
        &self,
        file: &Tables,
        besides: &[Beside],
    ) -> Result<Vec<Variant>, ScenarioError> {
        let mut variants: Vec<Variant> = Vec::new();
        for table in &file.variant {
            let taken: Vec<_> = variants.iter().map(|v| v.name.as_str()).collect();
            let name = self.unique("variant", &table.name, &taken)?;
            let target = self.target(file, table)?;
            variants.push(Variant {
                label: table.label.clone().unwrap_or_else(|| name.clone()),
                besides: self.named_besides(table, &target, besides, &file.beside)?,
                target,
                requires: table.requires.clone(),
                gives_up: table.gives_up.clone(),
                holds: self.holds(table)?,
                steps: None,
                name,
            });
        }
        Ok(variants)
    }

    fn holds(&self, table: &VariantTable) -> Result<Option<usize>, ScenarioError> {
        match &table.holds {
            Some(none) if *none.get_ref() == 0 => {
                Err(self.refuse(none, "a cache that is compared holds at least 1 entry"))
            }
            holds => Ok(holds.as_ref().map(|holds| *holds.get_ref())),
        }
    }

    fn target(&self, file: &Tables, table: &VariantTable) -> Result<Target, ScenarioError> {
        let ways = [
            table.flags.is_some(),
            table.command.is_some(),
            table.url.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(self.refuse(
                &table.name,
                format!(
                    "variant `{}` needs exactly one of: flags (the reference server), command, url",
                    table.name.get_ref()
                ),
            ));
        }
        if let Some(own) = &table.flags {
            self.only_of_a_command(table)?;
            let mut flags = self.flags(&table.name, &file.flags)?;
            flags.extend(self.flags(&table.name, own)?);
            let secure = flags.contains_key("tls");
            let protocol = self.protocol(table, secure)?;
            if let (HttpVersion::Two, false, Some(http)) = (protocol.http, secure, &table.http) {
                return Err(self.refuse(
                    http,
                    "the reference server speaks HTTP/2 over TLS alone: add the flag `tls`",
                ));
            }
            return Ok(Target::Authlab { flags, protocol });
        }
        if let Some(url) = &table.url {
            self.only_of_a_command(table)?;
            return self.url(table, url);
        }
        let words = table
            .command
            .as_ref()
            .map_or(&[][..], |command| command.get_ref());
        self.told_its_port(&table.name, words, &table.env)?;
        let ready = match &table.ready {
            Some(path) => self.ready_path(path)?,
            None => "/".to_owned(),
        };
        let secure = table.tls.as_ref().is_some_and(|tls| *tls.get_ref());
        Ok(Target::Command {
            words: words.to_vec(),
            env: table.env.clone(),
            ready: Ready::Path(ready),
            ready_within: self.ready_within(table.ready_within.as_ref())?,
            host: self.host(table)?,
            protocol: self.protocol(table, secure)?,
        })
    }

    /// Whether a command is told the port that it is to listen on.
    pub(super) fn told_its_port(
        &self,
        at: &Typed<String>,
        words: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<(), ScenarioError> {
        if words
            .iter()
            .chain(env.values())
            .any(|text| text.contains("{port}"))
        {
            return Ok(());
        }
        Err(self.refuse(at, "a command needs `{port}` where its port is told"))
    }

    pub(super) fn ready_path(&self, typed: &Typed<String>) -> Result<String, ScenarioError> {
        target::path(typed.get_ref()).map_err(|cause| {
            self.refuse(typed, format!("`ready` is a path, e.g. /healthz: {cause}"))
        })
    }

    pub(super) fn ready_within(
        &self,
        typed: Option<&Typed<String>>,
    ) -> Result<Duration, ScenarioError> {
        typed.map_or(Ok(Target::READY_WITHIN), |text| self.duration(text))
    }

    fn url(&self, table: &VariantTable, url: &Typed<String>) -> Result<Target, ScenarioError> {
        let (origin, path) =
            Origin::parse(url.get_ref()).map_err(|error| self.refuse(url, error.to_string()))?;
        if path != "/" {
            return Err(self.refuse(url, "a url names the server only; paths belong to steps"));
        }
        let protocol = self.protocol(table, origin.secure)?;
        Ok(Target::Url { origin, protocol })
    }

    /// Refuses keys that say how to start a server, or how to speak to one started here.
    fn only_of_a_command(&self, table: &VariantTable) -> Result<(), ScenarioError> {
        let places = [
            table.ready.as_ref().map(Typed::span),
            table.ready_within.as_ref().map(Typed::span),
            table.tls.as_ref().map(Typed::span),
            table.host.as_ref().map(Typed::span),
            (!table.env.is_empty()).then(|| table.name.span()),
        ];
        match places.into_iter().flatten().next() {
            None => Ok(()),
            Some(place) => Err(self.refuse(
                &Typed::new(place, ()),
                "`env`, `ready`, `ready_within`, `tls` and `host` belong to a variant with a \
                 `command`; a url says https:// and its host itself, and `flags` have `tls`",
            )),
        }
    }
}
