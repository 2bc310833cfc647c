//! State that a stream has sent of an analysis that has not ended: enough to update its place in the queue without a
//! read.

use axum::response::sse::Event;
use toneup_colour::analysis::Analysis;
use toneup_jobs::job::Status;

use super::queue_view::{Place, QueueView};
use super::view::AnalysisView;
use crate::http::language::Language;
use crate::http::problem::ApiError;

/// An analysis as it was told last.
#[derive(Debug)]
pub(super) struct Told {
    analysis: Analysis,
    place: Option<Place>,
}

/// Result of checking one analysis against the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It is about where it was.
    Same,
    /// Its place has changed.
    Moved,
    /// It was in the queue, and is no more.
    Left,
}

impl Told {
    /// The analysis with its place of now.
    pub(super) fn new(analysis: Analysis, queue: &QueueView) -> Self {
        let queued = analysis.status == Status::Queued;
        let place = if queued { queue.place(analysis.id) } else { None };
        Self { analysis, place }
    }

    /// Returns true if the analysis is queued, so that its place changes with time.
    pub(super) fn is_queued(&self) -> bool {
        self.analysis.status == Status::Queued
    }

    /// Returns true if this state is worth sending after `before`.
    pub(super) fn is_news_after(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| {
            before.analysis.version != self.analysis.version
                || look(before.place, self.place) != Look::Same
        })
    }

    /// Looks for its place again.
    pub(super) fn look(&mut self, queue: &QueueView) -> Look {
        if !self.is_queued() {
            return Look::Same;
        }
        let place = queue.place(self.analysis.id);
        let found = look(self.place, place);
        if found != Look::Same {
            self.place = place;
        }
        found
    }

    /// The event that tells it; `sequence` is the number of the one that ended it.
    pub(super) fn event(
        &self,
        language: Language,
        sequence: Option<u64>,
    ) -> Result<Event, ApiError> {
        let view = AnalysisView::placed(self.analysis.clone(), self.place, language);
        let event = Event::default().event("analysis").json_data(view);
        let event = event.map_err(|error| ApiError::Internal(error.into()))?;
        Ok(match sequence {
            Some(sequence) => event.id(sequence.to_string()),
            None => event,
        })
    }
}

fn look(before: Option<Place>, now: Option<Place>) -> Look {
    match (before, now) {
        (Some(before), Some(now)) if now.is_near(before) => Look::Same,
        (None, None) => Look::Same,
        (_, Some(_)) => Look::Moved,
        (Some(_), None) => Look::Left,
    }
}
