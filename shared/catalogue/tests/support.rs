//! Directories and files of a test's own.

use std::path::{Path, PathBuf};

use toneup_catalogue::generate::{Catalogue, write_embeddings};
use uuid::Uuid;

/// A directory that is deleted on drop.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Uuid::now_v7().to_string());
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The text of a file with embeddings of the first products of seed 1.
pub(crate) fn embeddings(count: u64) -> Vec<u8> {
    let mut text = Vec::new();
    write_embeddings(Catalogue::new(1), count, &mut text, |_| {}).unwrap();
    text
}
