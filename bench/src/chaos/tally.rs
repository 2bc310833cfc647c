//! Counts of the clients' requests, and the failed ones.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

/// Longest `Retry-After` that a client accepts.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3);

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Body as JSON; null if it is none.
    pub(crate) said: Value,
    pub(crate) retry_after: Option<Duration>,
}

impl Answer {
    /// True if the response is as expected. A cancellation that comes just too late is rightly refused.
    fn is_right(&self) -> bool {
        let is_too_late =
            self.status == StatusCode::CONFLICT && self.said["code"] == "already_finished";
        self.status.is_success() || is_too_late
    }
}

/// Counts of requests and failures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    /// Requests with an unexpected, missing or incomplete response.
    pub(crate) failures: Vec<String>,
    /// Number of streams among the requests, counted when opened.
    pub(crate) streams: usize,
    /// Latencies of the responses that do not wait for an event, in milliseconds.
    pub(crate) latencies_ms: Vec<f64>,
}

/// Shared counter of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Tally {
    /// Sends a request with an immediate response; `None` if there is none, or it is incomplete.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Option<Answer> {
        let began = Instant::now();
        let answer = self.wait(request).await;
        self.lock().latencies_ms.push(began.elapsed().as_secs_f64() * 1e3);
        answer
    }

    /// Sends a request whose response may wait for an event.
    pub(crate) async fn wait(&self, request: RequestBuilder) -> Option<Answer> {
        let name = name_of(&request);
        let outcome = read(request).await;
        match &outcome {
            Ok(answer) if answer.is_right() => self.count(&name, None),
            Ok(answer) => self.count(&name, Some(format!("{} {}", answer.status, answer.said))),
            Err(error) => self.count(&name, Some(format!("{error:#}"))),
        }
        outcome.ok()
    }

    /// Counts a requested stream, and its failure.
    pub(crate) fn stream(&self, failure: Option<String>) {
        self.count("a stream", failure);
        self.lock().streams += 1;
    }

    /// Counts a stream that broke.
    pub(crate) fn broken(&self, error: &str) {
        self.lock().failures.push(format!("a stream broke: {error}"));
    }

    /// Returns all counts so far.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    fn count(&self, name: &str, failure: Option<String>) {
        let mut counts = self.lock();
        counts.requests += 1;
        counts.failures.extend(failure.map(|why| format!("{name}: {why}")));
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(request: RequestBuilder) -> anyhow::Result<Answer> {
    let answer = request.send().await?;
    let (status, retry_after) = (answer.status(), retry_after(&answer));
    let body = answer.bytes().await?;
    Ok(Answer { status, said: serde_json::from_slice(&body).unwrap_or_default(), retry_after })
}

/// Method and path: a query may name an analysis, and the failures are many when all of them fail.
fn name_of(request: &RequestBuilder) -> String {
    let built = request.try_clone().and_then(|request| request.build().ok());
    built.map_or_else(String::new, |built| format!("{} {}", built.method(), built.url().path()))
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let header = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(header.parse().ok()?).min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[tokio::test]
    async fn whatever_is_no_success_is_a_failure_and_says_of_what() {
        crate::install_tls();
        let server = MockServer::start().await;
        for (at, status) in [("/good", 202), ("/busy", 503), ("/refused", 404)] {
            let answer =
                ResponseTemplate::new(status).set_body_json(serde_json::json!({ "code": at }));
            Mock::given(path(at)).respond_with(answer).mount(&server).await;
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let tally = Tally::default();
        for at in ["/good", "/busy", "/refused"] {
            let answer = tally.ask(http.get(format!("{}{at}", server.uri()))).await.unwrap();
            assert_eq!(answer.said["code"], at);
        }
        assert!(tally.ask(http.get("http://127.0.0.1:1/nobody")).await.is_none());
        let counts = tally.counts();
        assert_eq!((counts.requests, counts.latencies_ms.len()), (4, 4));
        let names: Vec<_> =
            counts.failures.iter().filter_map(|failure| failure.split(':').next()).collect();
        assert_eq!(names, ["GET /busy", "GET /refused", "GET /nobody"]);
    }

    #[test]
    fn a_cancelling_that_comes_too_late_is_answered_and_any_other_refusal_is_not() {
        let answer = |status, code| Answer {
            status,
            said: serde_json::json!({ "code": code }),
            retry_after: None,
        };
        assert!(answer(StatusCode::CONFLICT, "already_finished").is_right());
        assert!(!answer(StatusCode::CONFLICT, "idempotency_key_reused").is_right());
        assert!(!answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable").is_right());
    }
}
