//! Ledger of the clients: their requests and the notifications they received. Append-only; the checker reads it from
//! the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Entry {
    /// A client is about to submit a job, with this idempotency key and trace id.
    Submits { job: usize, trace_id: String, deadline_ms: Option<f64>, at_ms: f64 },
    /// The API accepted the job, possibly for a repetition.
    Accepted { job: usize, analysis: Uuid, at_ms: f64 },
    /// The API finally refused the job.
    Refused { job: usize, status: u16, code: String, at_ms: f64 },
    /// A client requests the cancellation of an analysis.
    Cancels { analysis: Uuid, at_ms: f64 },
    /// Response to a request for cancellation.
    CancelAnswered { analysis: Uuid, status: u16, at_ms: f64 },
    /// A client is notified that an analysis has ended.
    Told { user: usize, event: u64, analysis: Uuid, status: String, at_ms: f64 },
    /// Verification in the database, right after a client was notified; `visible` if the event was committed.
    Witnessed { event: u64, analysis: Uuid, visible: bool },
    /// A client is about to post, with this text and a key of its own.
    Posts { number: usize, text: String },
    /// The API accepted the post, possibly for a repetition.
    Posted { number: usize, post: Uuid },
    /// The API finally refused the post.
    PostRefused { number: usize, status: u16, code: String },
    /// A client is about to like a post, or to like it no longer.
    Likes { user: Uuid, post: Uuid, likes: bool },
    /// Response to a wish: whether the user likes the post now.
    LikeAnswered { user: Uuid, post: Uuid, status: u16, liked: Option<bool> },
}

/// Writer of the ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    pub(crate) fn create(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::options().create_new(true).append(true).open(&path);
        let file = Mutex::new(file.with_context(|| format!("creating {}", path.display()))?);
        Ok(Self { path, file })
    }

    pub(crate) fn write(&self, entry: &Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).context("writing the ledger")
    }

    /// Reads all entries written so far.
    pub(crate) fn read(&self) -> anyhow::Result<Vec<Entry>> {
        read_lines(&self.path)
    }
}

/// Reads a file of JSON lines.
pub(crate) fn read_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let parse = |line: std::io::Result<String>| Ok(serde_json::from_str(&line?)?);
    let lines: anyhow::Result<Vec<T>> = BufReader::new(file).lines().map(parse).collect();
    lines.with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_in_order() {
        let path = std::env::temp_dir().join(format!("ledger-{}", Uuid::now_v7()));
        let ledger = Ledger::create(path.clone()).unwrap();
        let analysis = Uuid::now_v7();
        let entries = [
            Entry::Accepted { job: 3, analysis, at_ms: 1.5 },
            Entry::Told { user: 1, event: 9, analysis, status: "succeeded".into(), at_ms: 2.5 },
        ];
        for entry in &entries {
            ledger.write(entry).unwrap();
        }
        assert_eq!(ledger.read().unwrap(), entries);
        std::fs::remove_file(path).unwrap();
    }
}
