//! A duel in every format that it is read in.

use std::path::Path;

use anyhow::Context;
use authlab_reports::duel::Duel;

use crate::format::Format;

/// The formats, each with what was written.
pub(crate) struct Written(Vec<(Format, String)>);

impl Written {
    /// All of them; `run` is the folder that a replay names.
    pub(crate) fn of(duel: &Duel, run: &Path) -> anyhow::Result<Self> {
        let replay = run.join("run.json").display().to_string();
        let written =
            Format::all().map(|format| Ok((format, format.of_duel(duel, Some(&replay))?)));
        Ok(Self(written.collect::<anyhow::Result<_>>()?))
    }

    /// Writes each into a file of its own.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (format, text) in &self.0 {
            let path = folder.join(format.file());
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Prints one of them.
    pub(crate) fn print(&self, wanted: Format) {
        for (format, text) in self
            .0
            .iter()
            .filter(|(format, _)| format.name() == wanted.name())
        {
            format.show(text);
        }
    }
}
