//! Variants: which server each of them is.

use std::time::Duration;

use super::source::Source;
use super::{File, VariantTable};
use crate::scenario::{ScenarioError, Target, Variant};

const READY_WITHIN: Duration = Duration::from_secs(10);

impl Source<'_> {
    pub(super) fn variants(&self, file: &File) -> Result<Vec<Variant>, ScenarioError> {
        let mut variants: Vec<Variant> = Vec::new();
        for table in &file.variant {
            let taken: Vec<_> = variants.iter().map(|v| v.name.as_str()).collect();
            let name = self.unique("variant", &table.name, &taken)?;
            variants.push(Variant {
                label: table.label.clone().unwrap_or_else(|| name.clone()),
                target: self.target(file, table)?,
                gives_up: table.gives_up.clone(),
                name,
            });
        }
        Ok(variants)
    }

    fn target(&self, file: &File, table: &VariantTable) -> Result<Target, ScenarioError> {
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
            if !table.env.is_empty() || table.ready.is_some() || table.ready_within.is_some() {
                return Err(self.refuse(
                    &table.name,
                    "`env`, `ready` and `ready_within` belong to a variant with a `command`",
                ));
            }
            let mut flags = self.flags(&table.name, &file.flags)?;
            flags.extend(self.flags(&table.name, own)?);
            return Ok(Target::Authlab(flags));
        }
        if let Some(url) = &table.url {
            return match url.get_ref().strip_prefix("http://") {
                Some(authority) if !authority.trim_end_matches('/').is_empty() => {
                    let authority = authority.trim_end_matches('/');
                    if authority.contains('/') {
                        return Err(
                            self.refuse(url, "a url names the server only; paths belong to steps")
                        );
                    }
                    Ok(Target::Url(if authority.contains(':') {
                        authority.to_owned()
                    } else {
                        format!("{authority}:80")
                    }))
                }
                _ => Err(self.refuse(
                    url,
                    format!(
                        "url `{}` is not accepted; use http://host:port",
                        url.get_ref()
                    ),
                )),
            };
        }
        let words = table
            .command
            .as_ref()
            .map_or(&[][..], |command| command.get_ref());
        if !words.iter().any(|word| word.contains("{port}"))
            && !table.env.values().any(|v| v.contains("{port}"))
        {
            return Err(self.refuse(
                &table.name,
                "a command needs `{port}` where its port is told",
            ));
        }
        Ok(Target::Command {
            words: words.to_vec(),
            env: table.env.clone(),
            ready: table.ready.clone().unwrap_or_else(|| "/".to_owned()),
            ready_within: match &table.ready_within {
                Some(text) => self.duration(text)?,
                None => READY_WITHIN,
            },
        })
    }
}
