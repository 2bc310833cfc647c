//! Extraction of event stream requests from their headers.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::state::AnalysesState;
use super::stream_slots::StreamSlot;
use crate::http::extract::single;
use crate::http::problem::ApiError;

/// A request for a stream. Comes before `StreamUser`: one that is refused uses no ticket up.
#[derive(Debug)]
pub(super) struct StreamRequest {
    /// The number of the last event that the client has seen.
    pub(super) seen: Option<u64>,
    /// Room on this replica.
    pub(super) slot: StreamSlot,
}

impl<S: Send + Sync> FromRequestParts<S> for StreamRequest
where
    AnalysesState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let seen = check_headers(&parts.headers)?;
        Ok(Self { seen, slot: AnalysesState::from_ref(state).stream_slots.enter()? })
    }
}

/// Reads `Last-Event-ID`, and refuses a client that does not take event streams.
fn check_headers(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    if !accepts_events(headers) {
        return Err(ApiError::NotAcceptable);
    }
    let Some(value) = single(headers, "Last-Event-ID")? else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    seen.map(Some).ok_or_else(|| ApiError::invalid("Last-Event-ID", "expected a number"))
}

/// Returns true if `Accept`, which may span several lines, admits event streams; without it, everything is admitted
/// (RFC 9110 §12.5.1).
fn accepts_events(headers: &HeaderMap) -> bool {
    let lines: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    // The most specific range counts: `text/event-stream;q=0, */*` excludes it.
    let best = lines
        .iter()
        .flat_map(|line| line.split(','))
        .filter_map(weight)
        .max_by_key(|(specific, _)| *specific);
    lines.iter().all(|line| line.trim().is_empty()) || best.is_some_and(|(_, q)| q > 0.0)
}

/// Returns the specificity of a range of `Accept` for event streams, and its weight; `None` if it does not match them.
fn weight(range: &str) -> Option<(usize, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let specific =
        ["*/*", "text/*", "text/event-stream"].iter().position(|range| *range == essence)?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    Some((specific, weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn accept_is_read_over_all_its_lines() {
        let accepts = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::ACCEPT, HeaderValue::from_static(line));
            }
            accepts_events(&headers)
        };
        for lines in [
            &[][..],
            &[""],
            &["text/event-stream"],
            &["application/json", "Text/Event-Stream; q=0.5"],
            &["text/html, text/*"],
            &["*/*;q=0.1"],
        ] {
            assert!(accepts(lines), "{lines:?}");
        }
        for lines in [
            &["application/json"][..],
            &["text/html", "application/json"],
            &["*/*", "text/event-stream;q=0"],
        ] {
            assert!(!accepts(lines), "{lines:?}");
        }
    }
}
