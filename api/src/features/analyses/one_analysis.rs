//! The stream of one analysis, to its end.

use std::collections::VecDeque;

use axum::response::sse::Event;
use sqlx::MySqlConnection;
use toneup_jobs::job::JobId;
use toneup_notify::events::{find_latest_of, find_log_span};
use toneup_platform::identity::UserId;

use super::reader::Snapshot;
use super::state::AnalysesState;
use super::stream::{Pace, Places, Subject};
use super::told::{Look, Told};
use crate::http::language::Language;
use crate::http::problem::ApiError;

/// One analysis; what was told of it.
pub(super) struct OneAnalysis {
    pub(super) state: AnalysesState,
    pub(super) user: UserId,
    pub(super) id: JobId,
    pub(super) told: Option<Told>,
    pub(super) language: Language,
}

impl Subject for OneAnalysis {
    async fn read(&mut self, news: &mut VecDeque<Event>) -> Result<Pace, ApiError> {
        let Snapshot { analysis, event } = self.state.reader.read(self.user, self.id).await?;
        let terminal = analysis.status.is_terminal();
        let sequence = match event {
            None if terminal => {
                let mut connection = self.state.pool.acquire().await?;
                Some(end_of(&mut connection, self.user, self.id).await?)
            }
            event => event,
        };
        let now = Told::new(analysis, &self.state.queue);
        if now.is_news_after(self.told.as_ref()) {
            news.push_back(now.event(self.language, sequence)?);
        }
        let queued = now.is_queued();
        self.told = Some(now);
        Ok(match (terminal, queued) {
            (true, _) => Pace::Ended,
            (_, true) => Pace::Queued,
            _ => Pace::Quiet,
        })
    }

    fn look(&mut self, news: &mut VecDeque<Event>) -> Result<Places, ApiError> {
        let Some(told) = &mut self.told else { return Ok(Places::Known) };
        match told.look(&self.state.queue) {
            Look::Same => {}
            Look::Moved => news.push_back(told.event(self.language, None)?),
            Look::Left => return Ok(Places::Left),
        }
        Ok(Places::Known)
    }
}

/// The number of the event that ended an analysis. Where it is not kept any more: the number before the oldest that is, from
/// which nothing is missing, so that whoever has seen this end is told so for ever.
pub(super) async fn end_of(
    conn: &mut MySqlConnection,
    user: UserId,
    id: JobId,
) -> Result<u64, sqlx::Error> {
    match find_latest_of(conn, id.0).await? {
        Some(sequence) => Ok(sequence),
        None => Ok(find_log_span(conn, user).await?.start()),
    }
}
