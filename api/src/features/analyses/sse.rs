//! Server-sent events over HTTP: who may open which stream, and where it begins.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use toneup_notify::events::{find_log_span, last_event};
use toneup_platform::database::bounded;

use super::one_analysis::{OneAnalysis, end_of};
use super::path::AnalysisPath;
use super::state::AnalysesState;
use super::stream::stream;
use super::stream_request::StreamRequest;
use super::user_stream::UserStream;
use super::view::AnalysisView;
use super::wait::Waiting;
use crate::features::accounts::StreamUser;
use crate::http::extract::Trace;
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

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
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`too_many_streams` of the caller's."),
        Problem,
    )
)]
pub(super) async fn stream_analysis(
    State(state): State<AnalysesState>,
    StreamRequest { seen, slot }: StreamRequest,
    StreamUser { user, until_revoked }: StreamUser,
    AnalysisPath(id): AnalysisPath,
    language: Language,
) -> Result<Response, ApiError> {
    let slot = slot.of(user)?;
    let watch = state.watchers.subscribe(user);
    let analysis = Waiting::new(&state, user, id).read().await?;
    if let (Some(seen), true) = (seen, analysis.status.is_terminal()) {
        let (end, latest) = bounded(async {
            let mut connection = state.pool.acquire().await?;
            let end = end_of(&mut connection, user, id).await?;
            Ok::<_, ApiError>((end, last_event(&mut connection, user).await?))
        })
        .await?;
        // A number that is yet to come is of a log that was lost, and says nothing about this one.
        if (end..=latest).contains(&seen) {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    let opened = Event::default().comment("open");
    let draining = state.draining.clone();
    let one = OneAnalysis { state, user, id, told: None, language };
    Ok(stream(one, opened, watch, draining, slot, until_revoked))
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
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`too_many_streams` of the caller's."),
        Problem,
    )
)]
pub(super) async fn stream_events(
    State(state): State<AnalysesState>,
    StreamRequest { seen, slot }: StreamRequest,
    StreamUser { user, until_revoked }: StreamUser,
    Trace(trace): Trace,
    language: Language,
) -> Result<Response, ApiError> {
    let slot = slot.of(user)?;
    let watch = state.watchers.subscribe(user);
    let span =
        bounded(async { find_log_span(&mut *state.pool.acquire().await?, user).await }).await?;
    let (last, gap) = match seen {
        None => (span.latest, false),
        Some(seen) if span.continues(seen) => (seen, false),
        Some(_) => (span.start(), true),
    };
    // Names the position: a client that is cut off before the first numbered event can resume from it.
    let opened = Event::default().id(last.to_string());
    let draining = state.draining.clone();
    let all = UserStream { state, user, last, gap, trace, told: HashMap::new(), language };
    Ok(stream(all, opened, watch, draining, slot, until_revoked))
}
