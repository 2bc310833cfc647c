//! The stream of a user: all analyses, and what other features have to tell.

use std::collections::{HashMap, VecDeque};

use axum::response::sse::Event;
use toneup_colour::analysis::Analysis;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use super::problems;
use super::state::AnalysesState;
use super::stream::{Pace, Places, Subject};
use super::told::{Look, Told};
use super::user_reader::{CHUNK, UserNews};
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

/// The stream of a user: the last event told, and what was told of the analyses that have not ended.
pub(super) struct UserStream {
    pub(super) state: AnalysesState,
    pub(super) user: UserId,
    pub(super) last: u64,
    /// Events before this place are missing, and the client has not been told.
    pub(super) gap: bool,
    pub(super) trace: TraceParent,
    pub(super) told: HashMap<JobId, Told>,
    pub(super) language: Language,
}

impl Subject for UserStream {
    async fn read(&mut self, news: &mut VecDeque<Event>) -> Result<Pace, ApiError> {
        let UserNews { active, events, ended, mut others } =
            self.state.user_reader.read(self.user, self.last).await?;

        // Numbers are dense: one that is skipped was deleted before this client was ready for it.
        let first = events.first().map(|event| event.sequence);
        if std::mem::take(&mut self.gap) || first.is_some_and(|first| first > self.last + 1) {
            let before = first.map_or(self.last, |first| first - 1);
            news.push_back(history_gone(before, self.trace)?);
        }
        self.tell_active(active, news)?;
        for logged in &events {
            self.last = logged.sequence;
            // One that was replayed since is active again, and told as such.
            let analysis = ended.get(&JobId(logged.subject));
            if let Some(analysis) = analysis.filter(|analysis| analysis.status.is_terminal()) {
                let told = Told::new(analysis.clone(), &self.state.queue);
                news.push_back(told.event(self.language, Some(logged.sequence))?);
            } else if let Some((name, content)) = others.remove(&logged.subject) {
                // Of several events about one subject, one tells how things stand.
                let event = Event::default().event(name).id(logged.sequence.to_string());
                let event = event.json_data(content);
                news.push_back(event.map_err(|error| ApiError::Internal(error.into()))?);
            }
        }
        let more = events.len() >= usize::try_from(CHUNK).unwrap_or(usize::MAX);
        Ok(if more {
            Pace::More
        } else if self.told.values().any(Told::is_queued) {
            Pace::Queued
        } else {
            Pace::Quiet
        })
    }

    fn look(&mut self, news: &mut VecDeque<Event>) -> Result<Places, ApiError> {
        let mut places = Places::Known;
        for told in self.told.values_mut() {
            match told.look(&self.state.queue) {
                Look::Same => {}
                Look::Moved => news.push_back(told.event(self.language, None)?),
                Look::Left => places = Places::Left,
            }
        }
        Ok(places)
    }
}

impl UserStream {
    fn tell_active(
        &mut self,
        active: Vec<Analysis>,
        news: &mut VecDeque<Event>,
    ) -> Result<(), ApiError> {
        let mut before = std::mem::take(&mut self.told);
        for analysis in active {
            let id = analysis.id;
            let now = Told::new(analysis, &self.state.queue);
            if now.is_news_after(before.remove(&id).as_ref()) {
                news.push_back(now.event(self.language, None)?);
            }
            self.told.insert(id, now);
        }
        Ok(())
    }
}

/// Says that events are missing before the one that follows `sequence`.
fn history_gone(sequence: u64, trace: TraceParent) -> Result<Event, ApiError> {
    let event = Event::default().event("error").id(sequence.to_string());
    let event = event.json_data(Problem::new(&problems::history_gone(), trace));
    event.map_err(|error| ApiError::Internal(error.into()))
}
