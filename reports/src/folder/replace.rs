//! A file replaced as a whole, or not at all.

use std::{fs, path::Path};

use super::FolderError;

/// Writes beside `file`, then renames into place.
pub(crate) fn replace(file: &Path, content: &[u8]) -> Result<(), FolderError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.new"));
    fs::write(&beside, content)
        .and_then(|()| fs::rename(&beside, file))
        .map_err(|source| {
            // Best effort: on a full disk the part written is in everyone's way.
            let _ = fs::remove_file(&beside);
            FolderError::Write {
                file: file.to_owned(),
                source,
            }
        })
}
