//! Server-sent events: pulled, not pushed. A stream reads the database when its client is ready for more and something may
//! have changed, so that a slow client costs no memory and misses nothing. Places in the queue come from memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_platform::retry::Backoff;

use super::stream_slots::StreamSlot;
use super::watch::Watch;
use crate::http::identity::Ending;
use crate::http::problem::ApiError;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Interval at which the position in the queue is checked while an analysis waits.
const PLACE: Duration = Duration::from_secs(1);
/// Longest time of one read. It is tried again: nothing else would wake the stream.
const READ_TIME: Duration = Duration::from_secs(2);
/// Between reads that fail. With [`READ_TIME`], a stream goes on within five seconds of the database's return.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(2) };
/// `retry` value sent to clients when this replica shuts down.
const RECONNECT: Duration = Duration::from_millis(500);

/// Source of a stream's events.
pub(super) trait Subject: Send + 'static {
    /// Reads what is new since the last time. May be dropped half-way, and is then called again.
    fn read(
        &mut self,
        news: &mut VecDeque<Event>,
    ) -> impl Future<Output = Result<Pace, ApiError>> + Send;

    /// Tells the places in the queue that have moved. Asks no server.
    fn look(&mut self, news: &mut VecDeque<Event>) -> Result<Places, ApiError>;
}

/// Next step of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Something is queued: its place moves with time.
    Queued,
    /// Wait for a change.
    Quiet,
    /// There is more to read at once.
    More,
    /// Reading failed, so many times in a row.
    Failed(u32),
    /// The stream has ended.
    Ended,
}

/// Result of a check of the positions in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    /// All are where they were, or told.
    Known,
    /// Something is in the queue no more: it was changed.
    Left,
}

/// The state of an open stream.
struct Open<S> {
    subject: S,
    draining: CancellationToken,
    watch: Watch,
    news: VecDeque<Event>,
    pace: Pace,
    _slot: StreamSlot,
}

/// Opens a stream, which ends with its session at the latest. `opened` is written at once: some proxies hold an answer back
/// until its first byte.
pub(super) fn stream<S: Subject>(
    subject: S,
    opened: Event,
    watch: Watch,
    draining: CancellationToken,
    slot: StreamSlot,
    until_revoked: Ending,
) -> Response {
    let news = VecDeque::from([opened]);
    let open = Box::new(Open { subject, draining, watch, news, pace: Pace::More, _slot: slot });
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

/// Boxed: the stream's future would hold the state more than once.
fn events<S: Subject>(
    open: Box<Open<S>>,
) -> impl futures_util::Stream<Item = Result<Event, Infallible>> {
    unfold(open, |mut open| async move {
        loop {
            if let Some(event) = open.news.pop_front() {
                return Some((Ok(event), open));
            }
            match open.pace {
                Pace::Ended => return None,
                Pace::More => {}
                Pace::Failed(times) => open.pause(RETRY.pause(times)).await,
                Pace::Quiet | Pace::Queued => open.wait().await,
            }
            if open.draining.is_cancelled() {
                open.news.push_back(Event::default().retry(RECONNECT).comment("draining"));
                open.pace = Pace::Ended;
            } else if open.news.is_empty() {
                open.read().await;
            }
        }
    })
}

impl<S: Subject> Open<S> {
    async fn read(&mut self) {
        // Statements make large futures: boxed, so that a stream that only waits holds no room for them.
        let read = Box::pin(timeout(READ_TIME, self.subject.read(&mut self.news)));
        let failures = match self.pace {
            Pace::Failed(times) => times.saturating_add(1),
            _ => 1,
        };
        self.pace = match read.await {
            Ok(Ok(pace)) => pace,
            // The client stays connected over an outage of ours.
            Ok(Err(ApiError::Unavailable(cause))) => {
                tracing::warn!("stream cannot read: {cause:#}");
                Pace::Failed(failures)
            }
            Err(elapsed) => {
                tracing::warn!("stream cannot read: {elapsed}");
                Pace::Failed(failures)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "stream ended");
                Pace::Ended
            }
        };
    }

    async fn pause(&mut self, pause: Duration) {
        self.draining.run_until_cancelled(sleep(pause)).await;
    }

    /// Waits until there is something to read or to tell.
    async fn wait(&mut self) {
        loop {
            tokio::select! {
                () = self.watch.changed() => return,
                () = self.draining.cancelled() => return,
                () = sleep(PLACE), if self.pace == Pace::Queued => {
                    match self.subject.look(&mut self.news) {
                        Ok(Places::Known) if self.news.is_empty() => {}
                        Ok(Places::Known) => return,
                        Ok(Places::Left) => {
                            self.pace = Pace::More;
                            return;
                        }
                        Err(error) => {
                            tracing::warn!(%error, "stream ended");
                            self.pace = Pace::Ended;
                            return;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream::pending;
    use http_body_util::BodyExt;
    use proptest::prelude::*;
    use tokio::time::Instant;
    use toneup_platform::identity::UserId;
    use uuid::Uuid;

    use super::super::stream_slots::StreamSlots;
    use super::super::watch::Watchers;
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

    /// Failure of a read while the database is unavailable.
    #[derive(Debug, Clone, Copy)]
    enum Trouble {
        /// It is refused, after so many milliseconds.
        Refused(u64),
        /// It never comes back.
        Hangs,
    }

    /// A subject that ends once the database is back.
    struct Ending {
        troubles: Vec<Trouble>,
        reads: usize,
        back: Instant,
    }

    impl Subject for Ending {
        async fn read(&mut self, news: &mut VecDeque<Event>) -> Result<Pace, ApiError> {
            let trouble = self.troubles[self.reads % self.troubles.len()];
            self.reads += 1;
            if Instant::now() >= self.back {
                news.push_back(Event::default().data("the end"));
                return Ok(Pace::Ended);
            }
            match trouble {
                Trouble::Refused(after) => sleep(Duration::from_millis(after)).await,
                Trouble::Hangs => std::future::pending().await,
            }
            Err(ApiError::Unavailable(anyhow::anyhow!("away")))
        }

        fn look(&mut self, _: &mut VecDeque<Event>) -> Result<Places, ApiError> {
            Ok(Places::Known)
        }
    }

    /// Seconds from the database's return to the end of a stream, to which no hint ever comes.
    async fn seconds_to_the_end(troubles: Vec<Trouble>, away: Duration) -> f64 {
        let (watchers, _connected) = Watchers::new();
        let user = UserId(Uuid::now_v7());
        let back = Instant::now() + away;
        let open = Box::new(Open {
            subject: Ending { troubles, reads: 0, back },
            draining: CancellationToken::new(),
            watch: watchers.subscribe(user),
            news: VecDeque::new(),
            pace: Pace::More,
            _slot: StreamSlots::new(1, 1).enter().unwrap(),
        });
        let told = events(open).count().await;
        assert_eq!(told, 1, "the end, once");
        back.elapsed().as_secs_f64()
    }

    proptest! {
        #[test]
        fn every_stream_has_its_end_soon_after_the_database_is_back(
            troubles in prop::collection::vec(
                prop_oneof![(0..3000_u64).prop_map(Trouble::Refused), Just(Trouble::Hangs)],
                1..8,
            ),
            away_millis in 1..600_000_u64,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
            let away = Duration::from_millis(away_millis);
            let seconds = runtime.block_on(seconds_to_the_end(troubles, away));
            prop_assert!(seconds < 5.0, "{seconds} s");
        }
    }
}
