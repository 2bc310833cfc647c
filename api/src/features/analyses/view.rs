//! An analysis as clients see it.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;
use toneup_colour::analysis::Analysis;
use toneup_colour::result::AnalysisResult;
use toneup_jobs::job::Status;
use toneup_jobs::outcome::JobError;
use utoipa::ToSchema;
use uuid::Uuid;

use super::advice::{Advice, advice, reasons};
use super::queue_view::{Place, QueueView};
use crate::http::language::Language;

/// An analysis. What is not known yet is null.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnalysisView {
    id: Uuid,
    status: Status,
    /// Grows with every change.
    version: u32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Until when the answer is of use; null: always.
    #[serde(with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
    /// How often it was tried.
    attempt: u16,
    /// While queued: 1 is next.
    queue_position: Option<u64>,
    /// While queued: about how long until the answer.
    estimated_wait_seconds: Option<f64>,
    result: Option<AnalysisResult>,
    error: Option<JobError>,
    /// What the person can do about the error or the warnings, in the language of `Accept-Language`: `en` or `ko`.
    advice: Vec<Advice>,
    /// What moved the result, in the same language, the strongest first.
    reasons: Vec<Advice>,
    /// What the caller noted when submitting it.
    metadata: BTreeMap<String, String>,
}

impl AnalysisView {
    /// The analysis, with its place in the queue while it waits.
    pub(super) fn new(analysis: Analysis, queue: &QueueView, language: Language) -> Self {
        let queued = analysis.status == Status::Queued;
        let place = if queued { queue.place(analysis.id) } else { None };
        Self::placed(analysis, place, language)
    }

    /// The analysis, with a place in the queue that was looked up before.
    pub(crate) fn placed(analysis: Analysis, place: Option<Place>, language: Language) -> Self {
        let wait = place.and_then(|place| place.wait_seconds);
        Self {
            id: analysis.id.0,
            status: analysis.status,
            version: analysis.version,
            created_at: analysis.created_at,
            started_at: analysis.started_at,
            finished_at: analysis.finished_at,
            deadline: analysis.deadline,
            attempt: analysis.attempt,
            queue_position: place.map(|place| place.position),
            estimated_wait_seconds: wait.map(|seconds| (seconds * 10.0).round() / 10.0),
            advice: advice(analysis.error.as_ref(), analysis.result.as_ref(), language),
            reasons: reasons(analysis.result.as_ref(), language),
            result: analysis.result,
            error: analysis.error,
            metadata: analysis.metadata,
        }
    }

    /// Returns the `Retry-After` for a client that polls, in seconds: about the time until the result is available.
    pub(super) fn retry_after_seconds(&self) -> u64 {
        const LONGEST: f64 = 60.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a small positive number"
        )]
        self.estimated_wait_seconds.map_or(1, |seconds| seconds.clamp(1.0, LONGEST).ceil() as u64)
    }
}

/// One page of a caller's analyses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnalysisPage {
    /// Newest first.
    pub(super) items: Vec<AnalysisView>,
    /// Pass as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}
