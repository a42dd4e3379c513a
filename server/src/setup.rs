//! The flags: one field a setting, as typed ([`Setup`]) and as meant ([`Design`]); `settings` declares each once.
//!
//! clap and serde read the same struct. Settings are layered: defaults < preset < file < environment < flags, in
//! whatever order they are typed, so every field is an `Option` until [`Setup::resolve`].

mod design;
mod file;
mod idle;
mod pipeline;
mod presets;
mod settings;
mod warnings;

use crate::credential::{CredentialKind, RefreshKind};
use crate::verification::VerifyKind;
pub use file::SetupFileError;
pub use idle::Idle;
pub use presets::Preset;
pub use settings::{Design, Setup};
pub use warnings::Warning;

/// What is wrong with the settings, in one line.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] SetupFileError),
    /// A value is out of range.
    #[error("--{key} {value} is out of range; accepted: {accepted}")]
    OutOfRange {
        /// The setting.
        key: String,
        /// What was given.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// Two settings do not go together.
    #[error("{0}")]
    Clash(&'static str),
    /// A setting would do nothing beside another.
    #[error("{place}{key} would do nothing: {}", because.help())]
    Unused {
        /// `--` for a flag, or the file that it is in.
        place: String,
        /// The setting.
        key: String,
        /// The choice that makes it idle.
        because: Idle,
    },
}

impl Setup {
    /// The design that is meant: preset, file and defaults below what was typed.
    ///
    /// # Errors
    /// One line that says what is wrong, where, and what is accepted.
    pub fn resolve(self) -> Result<Design, SetupError> {
        let typed = self;
        let file = match &typed.config {
            Some(path) => file::read(path)?,
            None => Self::default(),
        };
        let preset = typed
            .preset
            .or(file.preset)
            .map(Preset::setup)
            .unwrap_or_default();
        let below = file.clone().over(preset);
        if let Some(path) = &typed.config {
            // Judged by what the file itself says: a flag may make its settings idle, they are not wrong for that.
            let place = format!("{}: ", path.display());
            file.refuse_idle(&below.clone().over_defaults(), &place)?;
        }
        let mut design = typed.clone().over(below).over_defaults();
        if design.credential != CredentialKind::Jwt || design.verify == VerifyKind::Introspect {
            // A preset's, beside another credential that was typed, or where no token is issued.
            design.refresh = RefreshKind::None;
        }
        design.check_ranges()?;
        if let Some(clash) = design.clash() {
            return Err(SetupError::Clash(clash));
        }
        typed.refuse_idle(&design, "--")?;
        Ok(design)
    }
}
