//! Measuring what is asked and how it is answered, in a number of series that no client can raise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use metrics::{counter, gauge, histogram};
use tokio::time::Instant;
use toneup_platform::metrics::Kind::{Counter, Gauge};
use toneup_platform::metrics::{Metric, REQUEST};

/// The metrics of requests.
pub const METRICS: &[Metric] = &[
    ("toneup_open_streams", Gauge, "event streams that clients hold open"),
    ("toneup_http_requests_total", Counter, "requests answered"),
    ("toneup_http_request_seconds", REQUEST, "from a request's head to its answer's"),
];

/// The event streams that clients of this replica hold open. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct OpenStreams(Arc<AtomicU32>);

impl OpenStreams {
    /// Returns the number of open streams.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn open(&self) -> OpenStream {
        self.0.fetch_add(1, Ordering::Relaxed);
        gauge!("toneup_open_streams").increment(1);
        OpenStream(self.clone())
    }
}

/// One of them, until it is dropped.
struct OpenStream(OpenStreams);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
        gauge!("toneup_open_streams").decrement(1);
    }
}

/// Middleware: counts and times a request by its route as it is written in the code, never by its path.
pub(crate) async fn measure(
    State(streams): State<OpenStreams>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("unmatched", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    histogram!("toneup_http_request_seconds", "method" => method, "route" => route.clone())
        .record(begun.elapsed());
    counter!("toneup_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    counted(response, &streams)
}

/// A stream of events is counted as long as its body lives.
fn counted(response: Response, streams: &OpenStreams) -> Response {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_none_or(|value| !value.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let open = streams.open();
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _: &OpenStream = &open;
            frame
        }))
    })
}

/// A method's name; clients may make up others.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
