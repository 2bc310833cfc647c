//! The message: a reference to a job.

use serde::{Deserialize, Serialize};
use toneup_platform::trace::TraceParent;

use crate::job::JobId;

/// Asks a worker to run one attempt at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRequested {
    /// The job.
    pub job_id: JobId,
    /// The name of its kind: the queue that it was given up from.
    pub kind: String,
    /// Attempts made before.
    pub attempt: u16,
}

/// The header that carries the request's trace.
pub const TRACEPARENT: &str = "traceparent";

/// A message to publish, and the row that it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Publication {
    /// The job.
    pub job: JobId,
    /// The name of its kind.
    pub kind: &'static str,
    /// Attempts made before.
    pub attempt: u16,
    /// The row's `publish_seq`: a confirm counts only for this due time.
    pub sequence: u32,
    /// The trace of the request that submitted the job.
    pub trace: TraceParent,
}

impl Publication {
    /// The first publication of a fresh row.
    pub fn first(job: JobId, kind: &'static str, trace: TraceParent) -> Self {
        Self { job, kind, attempt: 0, sequence: 0, trace }
    }
}
