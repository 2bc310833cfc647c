//! What travels through the queue.

use serde::{Deserialize, Serialize};

use crate::analyses::AnalysisId;

/// Asks a worker to run one attempt at an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalyzeRequested {
    /// The analysis.
    pub analysis_id: AnalysisId,
    /// Attempts made before; a message from an earlier attempt is a duplicate.
    pub attempt: u16,
}

/// The header that carries the request's trace.
pub const TRACEPARENT: &str = "traceparent";
