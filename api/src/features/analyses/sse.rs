//! Server-sent events: pulled, not pushed. A stream reads the database when its client is ready for more and something
//! may have changed, so that a slow client costs no memory and misses nothing.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::time::sleep;
use toneup_colour::analysis::{Analysis, list_active, list_ended_after};
use toneup_jobs::job::{JobId, Status};
use toneup_notify::events::{find_latest_of, list_after};
use toneup_notify::events::{find_log_span, last_event};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use super::path::AnalysisPath;
use super::problems;
use super::queue_view::Place;
use super::reader::Snapshot;
use super::state::AnalysesState;
use super::view::AnalysisView;
use super::wait::Waiting;
use super::watch::Watch;
use crate::features::accounts::StreamUser;
use crate::http::extract::Trace;
use crate::http::identity::Ending;
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the place in the queue is looked at while an analysis waits.
const PLACE: Duration = Duration::from_secs(1);
/// How soon a client should come back when this replica ends.
const RECONNECT: Duration = Duration::from_millis(500);
/// Events and analyses read at once.
const CHUNK: u32 = 100;

/// One analysis as it changes: events named `analysis`, each the whole resource. Ends after the last one, which alone has
/// an `id`.
#[utoipa::path(
    get,
    path = "/v1/analyses/{id}/events",
    tag = "events",
    security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path),
        ("ticket" = Option<String>, Query, description = "Instead of a token: what `POST /v1/stream-tickets` answered."),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last event seen: 204 if there is nothing to add."),
    ),
    responses(
        (status = OK, body = AnalysisView, content_type = "text/event-stream"),
        (status = NO_CONTENT, description = "The last event was seen already; do not reconnect."),
        Problem,
    )
)]
pub(super) async fn stream_analysis(
    State(state): State<AnalysesState>,
    Stream { seen }: Stream,
    StreamUser { user, until_revoked }: StreamUser,
    AnalysisPath(id): AnalysisPath,
    language: Language,
) -> Result<Response, ApiError> {
    let watch = state.watchers.subscribe(user);
    let analysis = Waiting::new(&state, user, id).read().await?;
    if let (Some(seen), true) = (seen, analysis.status.is_terminal()) {
        let mut connection = state.pool.acquire().await?;
        let event = find_latest_of(&mut connection, id.0).await?;
        // A number that is yet to come is of a log that was lost, and says nothing about this one.
        let latest = last_event(&mut connection, user).await?;
        if event.is_some_and(|event| (event..=latest).contains(&seen)) {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    let opened = Event::default().comment("open");
    let one = OneAnalysis { user, id, sent: None, language };
    Ok(stream(one, opened, state, watch, until_revoked))
}

/// Every analysis of the caller as it changes, on one stream. Analyses that end have a monotonic `id`; reconnecting with
/// `Last-Event-ID` replays what was missed. Where that is not kept any more, an event named `error` says so
/// (`history_gone`), and the stream goes on with what is.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    security(("bearer" = [])),
    params(
        ("ticket" = Option<String>, Query, description = "Instead of a token: what `POST /v1/stream-tickets` answered."),
        ("Last-Event-ID" = Option<u64>, Header, description = "Replay what came after this event."),
    ),
    responses(
        (status = OK, body = AnalysisView, content_type = "text/event-stream"),
        Problem,
    )
)]
pub(super) async fn stream_events(
    State(state): State<AnalysesState>,
    Stream { seen }: Stream,
    StreamUser { user, until_revoked }: StreamUser,
    Trace(trace): Trace,
    language: Language,
) -> Result<Response, ApiError> {
    let watch = state.watchers.subscribe(user);
    let span = find_log_span(&mut *state.pool.acquire().await?, user).await?;
    let (last, gap) = match seen {
        None => (span.latest, false),
        Some(seen) if span.continues(seen) => (seen, false),
        Some(_) => (span.start(), true),
    };
    // Names the position: a client that is cut off before the first numbered event can resume from it.
    let opened = Event::default().id(last.to_string());
    let all = AllAnalyses { user, last, gap, trace, sent: HashMap::new(), language };
    Ok(stream(all, opened, state, watch, until_revoked))
}

/// A request for a stream. Comes before [`StreamUser`]: one that is refused uses no ticket up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// The number of the last event that the client has seen.
    seen: Option<u64>,
}

impl<S: Sync> FromRequestParts<S> for Stream {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self { seen: check_headers(&parts.headers)? })
    }
}

/// Reads `Last-Event-ID`, and refuses a client that does not take event streams.
fn check_headers(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let takes = |range: &str| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        ["text/event-stream", "text/*", "*/*"].contains(&essence)
    };
    if accept.is_some_and(|accept| !accept.split(',').any(takes)) {
        return Err(ApiError::NotAcceptable);
    }
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    seen.map(Some).ok_or_else(|| ApiError::invalid("Last-Event-ID", "expected a number"))
}

/// What a stream tells.
trait Subject: Send + Sized + 'static {
    /// Reads what is new since the last time.
    fn read(
        &mut self,
        state: &AnalysesState,
        news: &mut VecDeque<Event>,
    ) -> impl Future<Output = Result<Pace, ApiError>> + Send;

    /// Whether a place in the queue that was told is another now. Asks no server.
    fn has_moved(&self, state: &AnalysesState) -> bool;
}

/// How a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Something is queued: its place moves with time.
    Queued,
    /// Wait for a change.
    Quiet,
    /// There is more to read at once.
    More,
    /// Nothing will follow.
    Ended,
}

/// The state of an open stream.
struct Open<S> {
    subject: S,
    state: AnalysesState,
    watch: Watch,
    news: VecDeque<Event>,
    pace: Pace,
}

/// Opens a stream, which ends with its session at the latest. `opened` is written at once: some proxies hold an answer back
/// until its first byte.
fn stream<S: Subject>(
    subject: S,
    opened: Event,
    state: AnalysesState,
    watch: Watch,
    until_revoked: Ending,
) -> Response {
    let open = Open { subject, state, watch, news: VecDeque::from([opened]), pace: Pace::More };
    // nginx buffers what it is not told to pass on, and proxies must not compress a stream.
    let unbuffered = [
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
    ];
    let events = Sse::new(events(open).take_until(until_revoked)).keep_alive(heartbeat());
    (unbuffered, events).into_response()
}

fn heartbeat() -> KeepAlive {
    KeepAlive::new().interval(HEARTBEAT).text("heartbeat")
}

fn events<S: Subject>(
    open: Open<S>,
) -> impl futures_util::Stream<Item = Result<Event, Infallible>> {
    unfold(open, |mut open| async move {
        loop {
            if let Some(event) = open.news.pop_front() {
                return Some((Ok(event), open));
            }
            match open.pace {
                Pace::Ended => return None,
                Pace::More => {}
                Pace::Quiet | Pace::Queued => open.wait().await,
            }
            if open.state.draining.is_cancelled() {
                open.news.push_back(Event::default().retry(RECONNECT).comment("draining"));
                open.pace = Pace::Ended;
                continue;
            }
            // Statements make large futures: boxed, so that a stream that only waits holds no room for them.
            let read = Box::pin(open.subject.read(&open.state, &mut open.news));
            open.pace = match read.await {
                Ok(pace) => pace,
                // The client stays connected over an outage of ours; the next look may succeed.
                Err(ApiError::Unavailable(cause)) => {
                    tracing::warn!("stream cannot read: {cause:#}");
                    Pace::Quiet
                }
                Err(error) => {
                    tracing::warn!(%error, "stream ended");
                    Pace::Ended
                }
            };
        }
    })
}

impl<S: Subject> Open<S> {
    async fn wait(&mut self) {
        let mut changed = pin!(self.watch.changed());
        loop {
            tokio::select! {
                () = &mut changed => return,
                () = self.state.draining.cancelled() => return,
                () = sleep(PLACE), if self.pace == Pace::Queued => {
                    if self.subject.has_moved(&self.state) {
                        return;
                    }
                }
            }
        }
    }
}

/// One analysis; what was sent of it.
struct OneAnalysis {
    user: UserId,
    id: JobId,
    sent: Option<(u32, Option<Place>)>,
    language: Language,
}

impl Subject for OneAnalysis {
    async fn read(
        &mut self,
        state: &AnalysesState,
        news: &mut VecDeque<Event>,
    ) -> Result<Pace, ApiError> {
        let Snapshot { analysis, event: sequence } = state.reader.read(self.user, self.id).await?;
        let terminal = analysis.status.is_terminal();
        let queued = analysis.status == Status::Queued;
        let place = if queued { state.queue.place(self.id) } else { None };
        let current = Some((analysis.version, place));
        if std::mem::replace(&mut self.sent, current) != current {
            news.push_back(event(AnalysisView::placed(analysis, place, self.language), sequence)?);
        }
        Ok(match (terminal, queued) {
            (true, _) => Pace::Ended,
            (_, true) => Pace::Queued,
            _ => Pace::Quiet,
        })
    }

    fn has_moved(&self, state: &AnalysesState) -> bool {
        self.sent.is_some_and(|(_, place)| state.queue.place(self.id) != place)
    }
}

/// All analyses of a user: the last event told, and what was told of those that have not ended.
struct AllAnalyses {
    user: UserId,
    last: u64,
    /// Events before this place are missing, and the client has not been told.
    gap: bool,
    trace: TraceParent,
    sent: HashMap<JobId, (u32, Option<Place>)>,
    language: Language,
}

impl Subject for AllAnalyses {
    async fn read(
        &mut self,
        state: &AnalysesState,
        news: &mut VecDeque<Event>,
    ) -> Result<Pace, ApiError> {
        let mut connection = state.pool.acquire().await?;
        // Active ones first: one that ends in between is then among the events, not lost from both.
        let active = list_active(&mut connection, self.user, CHUNK).await?;
        let events = list_after(&mut connection, self.user, self.last, CHUNK).await?;
        let ended = if events.is_empty() {
            Vec::new()
        } else {
            list_ended_after(&mut connection, self.user, self.last, CHUNK).await?
        };
        drop(connection);

        // Numbers are dense: one that is skipped was deleted before this client was ready for it.
        let first = events.first().map(|event| event.sequence);
        if std::mem::take(&mut self.gap) || first.is_some_and(|first| first > self.last + 1) {
            let before = first.map_or(self.last, |first| first - 1);
            news.push_back(history_gone(before, self.trace)?);
        }
        let queued = active.iter().any(|analysis| analysis.status == Status::Queued);
        self.tell_active(active, state, news)?;
        let ended: HashMap<JobId, Analysis> =
            ended.into_iter().map(|analysis| (analysis.id, analysis)).collect();
        for logged in &events {
            self.last = logged.sequence;
            if let Some(analysis) = ended.get(&JobId(logged.subject)) {
                let view = AnalysisView::placed(analysis.clone(), None, self.language);
                news.push_back(event(view, Some(logged.sequence))?);
            }
        }
        let more = events.len() >= usize::try_from(CHUNK).unwrap_or(usize::MAX);
        Ok(if more {
            Pace::More
        } else if queued {
            Pace::Queued
        } else {
            Pace::Quiet
        })
    }

    fn has_moved(&self, state: &AnalysesState) -> bool {
        self.sent.iter().any(|(id, (_, place))| state.queue.place(*id) != *place)
    }
}

impl AllAnalyses {
    fn tell_active(
        &mut self,
        active: Vec<Analysis>,
        state: &AnalysesState,
        news: &mut VecDeque<Event>,
    ) -> Result<(), ApiError> {
        let mut before = std::mem::take(&mut self.sent);
        for analysis in active {
            let queued = analysis.status == Status::Queued;
            let place = if queued { state.queue.place(analysis.id) } else { None };
            let current = (analysis.version, place);
            let known = before.remove(&analysis.id) == Some(current);
            self.sent.insert(analysis.id, current);
            if !known {
                news.push_back(event(AnalysisView::placed(analysis, place, self.language), None)?);
            }
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

fn event(view: AnalysisView, sequence: Option<u64>) -> Result<Event, ApiError> {
    let event = Event::default().event("analysis").json_data(view);
    let event = event.map_err(|error| ApiError::Internal(error.into()))?;
    Ok(match sequence {
        Some(sequence) => event.id(sequence.to_string()),
        None => event,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::stream::pending;
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_says_nothing_beats_every_fifteen_seconds() {
        let silent = Sse::new(pending::<Result<Event, Infallible>>()).keep_alive(heartbeat());
        let mut body = silent.into_response().into_body();
        let begun = Instant::now();
        for beat in 1..3 {
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(frame, ": heartbeat\n\n");
            assert_eq!(begun.elapsed().as_secs(), 15 * beat);
        }
    }
}
