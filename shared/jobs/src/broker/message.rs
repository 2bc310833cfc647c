//! Messages in the queues: references to jobs.

use serde::{Deserialize, Serialize};
use toneup_platform::trace::TraceParent;

use crate::job::JobId;

/// Body of a message: a request to run one attempt of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRequested {
    /// Identifier of the job.
    pub job_id: JobId,
    /// Name of the job's kind; a dead letter tells by it which queue it came from.
    pub kind: String,
    /// Number of attempts started before this one, for the text of a dead letter. It decides nothing: a claim goes by the
    /// row, so that a message of an earlier attempt serves a queued job as well as its own.
    pub attempt: u16,
}

/// Header that carries the trace context of the submitting request (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";

/// A message to publish, and the row it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Publication {
    /// Identifier of the job.
    pub job: JobId,
    /// Name of the job's kind, the routing key.
    pub kind: &'static str,
    /// Number of attempts started before this one.
    pub attempt: u16,
    /// `publish_seq` of the row; a confirm counts only while the row still has this number.
    pub sequence: u32,
    /// Trace of the request that submitted the job.
    pub trace: TraceParent,
}

impl Publication {
    /// Creates the first publication of a new row.
    pub fn first(job: JobId, kind: &'static str, trace: TraceParent) -> Self {
        Self { job, kind, attempt: 0, sequence: 0, trace }
    }
}
