//! How far a load has come, so that one that was killed goes on from there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{loading, write_whole};

/// Name of the file.
pub(super) const NAME: &str = "checkpoint.json";

/// The state of a load, consistent with the files up to `records`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Which file is loaded: its length, where it is known, and how it begins.
    pub(super) source: String,
    /// Offset behind the last element that is done, in the decompressed file.
    pub(super) offset: u64,
    /// Records that are stored.
    pub(super) records: u64,
    /// Records that were left out.
    pub(super) skipped: u64,
}

impl Checkpoint {
    /// Reads the checkpoint of a load of `source`; the beginning where there is none, or it is of another file.
    pub(super) fn read(directory: &Path, source: &str) -> io::Result<Self> {
        let beginning = Self { source: source.to_owned(), ..Self::default() };
        match fs::read(loading(directory).join(NAME)) {
            Ok(text) => {
                let found: Option<Self> = serde_json::from_slice(&text).ok();
                Ok(found.filter(|found| found.source == source).unwrap_or(beginning))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(beginning),
            Err(error) => Err(error),
        }
    }

    /// Stores the checkpoint. The files must be on the disk.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        write_whole(&loading(directory).join(NAME), &text)
    }
}
