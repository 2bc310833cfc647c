//! The arrival of requests' bodies: how slow one may be, how long a handler has, and that a refusal reaches a client which is
//! still sending.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::problem::ApiError;

/// Longest time of a handler, from the last of its request's body on: the longest wait a client can ask for, and some more.
const HANDLER_TIME: Duration = Duration::from_secs(75);
/// Longest time of a whole body: the largest photo at 0.3 Mbit/s.
const BODY_TIME: Duration = Duration::from_mins(5);
/// Longest pause between two parts of a body.
const PAUSE: Duration = Duration::from_secs(15);
/// Bytes a second, on average, that a body keeps to once it has taken longer than [`PAUSE`].
const LEAST_RATE: u64 = 1024;
/// Bytes of a refused body that are still read, and thrown away: the largest photo, and some more.
const UNWANTED_BYTES: u64 = 12 * 1024 * 1024;

/// The body stopped arriving, or arrives too slowly.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body took too long to arrive")]
pub(crate) struct TooSlow;

/// Middleware: bounds the time of body and handler, each by itself, since a slow line is not the handler's fault. What a
/// handler left unread is read after its response is on its way: closing on a client that sends would reset the connection,
/// and the client would never see the response (RFC 9112 §9.6).
#[expect(
    clippy::disallowed_methods,
    reason = "ends with the process's draining, and costs nothing then"
)]
pub(crate) async fn receive(
    State(draining): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response {
    // Such a client sends nothing before it is asked to.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let arrival = Arrival::new(body);
    let body = Body::new(Arriving(arrival.clone()));
    let response = run(&arrival, next.run(Request::from_parts(parts, body))).await;
    if arrival.has_rest() && !(waits && arrival.is_untouched()) {
        tokio::spawn(draining.run_until_cancelled_owned(arrival.discard()));
    }
    response
}

async fn run(arrival: &Arrival, handling: impl Future<Output = Response>) -> Response {
    let mut handling = Box::pin(handling);
    loop {
        let until = arrival.lock().latest + HANDLER_TIME;
        match timeout_at(until, &mut handling).await {
            Ok(response) => return response,
            // More of the body has come since.
            Err(_) if arrival.lock().latest + HANDLER_TIME > Instant::now() => {}
            Err(elapsed) => return ApiError::Unavailable(elapsed.into()).into_response(),
        }
    }
}

/// A body on its way, shared by whoever reads it and whoever watches over it. Cheap to clone.
#[derive(Clone)]
struct Arrival(Arc<Mutex<Progress>>);

struct Progress {
    body: Body,
    begun: Instant,
    /// Time of the latest part; the start of the request before the first.
    latest: Instant,
    /// Timer of the maximum pause between two parts.
    patience: Pin<Box<Sleep>>,
    received_bytes: u64,
    ended: bool,
}

impl Arrival {
    fn new(body: Body) -> Self {
        let begun = Instant::now();
        let ended = body.is_end_stream();
        let patience = Box::pin(sleep_until(begun + PAUSE));
        let (latest, received_bytes) = (begun, 0);
        Self(Arc::new(Mutex::new(Progress {
            body,
            begun,
            latest,
            patience,
            received_bytes,
            ended,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_rest(&self) -> bool {
        let progress = self.lock();
        !progress.ended && !progress.body.is_end_stream()
    }

    fn is_untouched(&self) -> bool {
        self.lock().received_bytes == 0
    }

    /// Reads the rest, within the bounds of any body, and of its own.
    async fn discard(self) {
        let before = self.lock().received_bytes;
        let mut rest = Arriving(self.clone());
        while let Some(Ok(_)) = rest.frame().await {
            if self.lock().received_bytes - before > UNWANTED_BYTES {
                return;
            }
        }
    }
}

impl Progress {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(self.note(frame));
        }
        ready!(self.patience.as_mut().poll(context));
        self.ended = true;
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn note(
        &mut self,
        frame: Option<Result<Frame<Bytes>, axum::Error>>,
    ) -> Option<Result<Frame<Bytes>, axum::BoxError>> {
        self.latest = Instant::now();
        let Some(Ok(frame)) = frame else {
            self.ended = true;
            return frame.map(|frame| frame.map_err(Into::into));
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.received_bytes = self.received_bytes.saturating_add(length.try_into().unwrap_or(0));
        let taken = self.latest - self.begun;
        let due = taken.saturating_sub(PAUSE).as_secs() * LEAST_RATE;
        if taken > BODY_TIME || self.received_bytes < due {
            self.ended = true;
            return Some(Err(TooSlow.into()));
        }
        let patience = (self.latest + PAUSE).min(self.begun + BODY_TIME);
        self.patience.as_mut().reset(patience);
        Some(Ok(frame))
    }
}

/// Body that handlers read; tracks its arrival.
struct Arriving(Arrival);

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.lock().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let progress = self.0.lock();
        progress.ended || progress.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// A body of so many parts, each of so many bytes after a pause.
    fn body(parts: u32, bytes: usize, pause: Duration) -> Body {
        let parts = stream::unfold(0, move |sent| async move {
            if sent == parts {
                return None;
            }
            sleep(pause).await;
            Some((Ok::<_, axum::Error>(Bytes::from(vec![0; bytes])), sent + 1))
        });
        Body::from_stream(parts)
    }

    /// The time and the bytes of a body, and whether it came whole.
    async fn read(body: Body) -> (Duration, u64, bool) {
        let arrival = Arrival::new(body);
        let (mut arriving, begun) = (Arriving(arrival.clone()), Instant::now());
        let whole = loop {
            match arriving.frame().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    assert!(error.is::<TooSlow>(), "{error}");
                    break false;
                }
                None => break true,
            }
        };
        (begun.elapsed(), arrival.lock().received_bytes, whole)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_that_keeps_sending_is_waited_for() {
        let photo = body(290, 36_000, Duration::from_secs(1));
        assert_eq!(read(photo).await, (Duration::from_secs(290), 290 * 36_000, true));
        let endless = body(u32::MAX, 36_000, Duration::from_secs(1));
        let (taken, _, whole) = read(endless).await;
        assert_eq!((taken, whole), (BODY_TIME, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_pauses_or_trickles_is_not() {
        let (taken, received, whole) = read(body(2, 10, Duration::from_secs(20))).await;
        assert_eq!((taken, received, whole), (PAUSE, 0, false));
        let (taken, _, whole) = read(body(u32::MAX, 1, Duration::from_secs(1))).await;
        assert!(taken < Duration::from_secs(20) && !whole, "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handlers_time_begins_when_the_body_is_there() {
        let handle = async |handler: Duration| {
            let arrival = Arrival::new(body(100, 36_000, Duration::from_secs(1)));
            let mut arriving = Arriving(arrival.clone());
            let handling = async move {
                while let Some(Ok(_)) = arriving.frame().await {}
                sleep(handler).await;
                ().into_response()
            };
            run(&arrival, handling).await.status().as_u16()
        };
        assert_eq!(handle(Duration::from_secs(70)).await, 200);
        assert_eq!(handle(Duration::from_secs(80)).await, 503);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_wants_is_read_so_far_and_no_further() {
        let arrival = Arrival::new(body(3, 10, Duration::ZERO));
        assert!(arrival.has_rest() && arrival.is_untouched());
        arrival.clone().discard().await;
        assert!(!arrival.has_rest());
        let endless = Arrival::new(body(u32::MAX, 1024 * 1024, Duration::ZERO));
        endless.clone().discard().await;
        assert_eq!(endless.lock().received_bytes, UNWANTED_BYTES + 1024 * 1024);
    }
}
