//! Log of the incoming calls, in a file: it survives the process, unlike the record in memory.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Trace id of the request's `traceparent`, which identifies the job; empty if there is none.
    pub trace_id: String,
    /// Time, in milliseconds since 1970.
    pub at_ms: f64,
    /// True once it was answered with a season; false at its arrival.
    pub answered: bool,
}

/// Writer of the log.
#[derive(Debug)]
pub(super) struct CallLog(Mutex<File>);

impl CallLog {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        Ok(Self(Mutex::new(file.with_context(|| format!("opening {}", path.display()))?)))
    }

    /// One `write` a line: a process that is killed leaves no half of one behind.
    pub(super) fn write(&self, call: &Call) {
        let Ok(mut line) = serde_json::to_vec(call) else { return };
        line.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written shows: calls are missing that clients have results of.
        drop(file.write_all(&line));
    }
}

/// Trace id of a request's headers; empty if there is none.
pub(super) fn trace_id(headers: &HeaderMap) -> String {
    let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    parent.and_then(|parent| parent.split('-').nth(1)).unwrap_or_default().to_owned()
}
