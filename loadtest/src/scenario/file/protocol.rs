//! What a variant's server speaks, as typed: `tls`, `ca`, `certificate`, `http`, `host`.

use std::path::{Path, PathBuf};

use http::uri::Authority;

use super::source::Source;
use crate::protocol::{Client, HttpVersion, Protocol, Trust};
use crate::scenario::ScenarioError;
use crate::scenario::tables::{Typed, VariantTable};

impl Source<'_> {
    /// The protocol of a server that is reached over TLS, or not.
    pub(super) fn protocol(
        &self,
        table: &VariantTable,
        secure: bool,
    ) -> Result<Protocol, ScenarioError> {
        Ok(Protocol {
            http: table
                .http
                .as_ref()
                .map_or(Ok(HttpVersion::default()), |typed| self.version(typed))?,
            tls: match &table.ca {
                None => secure.then_some(Trust::System),
                Some(ca) if secure => Some(self.trust(ca)?),
                Some(ca) => {
                    return Err(self.refuse(
                        ca,
                        "`ca` is of TLS: use it with url = \"https://…\", a command with tls = true, or the flag `tls`",
                    ));
                }
            },
            client: match &table.certificate {
                None => None,
                Some(files) if secure => Some(self.client(files)?),
                Some(files) => {
                    return Err(self.refuse(
                        files,
                        "`certificate` is of TLS: use it with url = \"https://…\", a command with tls = true, or the flag `tls`",
                    ));
                }
            },
        })
    }

    /// The name that a command's server is to be called by.
    pub(super) fn host(&self, table: &VariantTable) -> Result<Option<String>, ScenarioError> {
        let Some(typed) = &table.host else {
            return Ok(None);
        };
        let text = typed.get_ref();
        match text.parse::<Authority>() {
            Ok(parsed) if parsed.host() == text => Ok(Some(text.clone())),
            _ => Err(self.refuse(
                typed,
                format!("host `{text}` is not accepted; write a name alone, e.g. api.example"),
            )),
        }
    }

    fn version(&self, typed: &Typed<String>) -> Result<HttpVersion, ScenarioError> {
        HttpVersion::ALL
            .into_iter()
            .find(|version| version.label() == typed.get_ref())
            .ok_or_else(|| {
                let known = HttpVersion::ALL.map(HttpVersion::label);
                self.refuse(
                    typed,
                    format!(
                        "http `{}` is not accepted; use {}",
                        typed.get_ref(),
                        known.join(" or ")
                    ),
                )
            })
    }

    /// A file beside the scenario.
    fn trust(&self, ca: &Typed<String>) -> Result<Trust, ScenarioError> {
        Trust::read(&self.beside_scenario(ca.get_ref()))
            .map_err(|error| self.refuse(ca, format!("ca: {error}")))
    }

    /// Two files beside the scenario: a certificate and its key.
    fn client(&self, files: &Typed<[String; 2]>) -> Result<Client, ScenarioError> {
        let [certificate, key] = files.get_ref().each_ref();
        Client::read(
            &self.beside_scenario(certificate),
            &self.beside_scenario(key),
        )
        .map_err(|error| self.refuse(files, format!("certificate: {error}")))
    }

    fn beside_scenario(&self, file: &str) -> PathBuf {
        let folder = Path::new(self.path).parent().unwrap_or(Path::new(""));
        folder.join(file)
    }
}
