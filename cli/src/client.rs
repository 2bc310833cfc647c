//! HTTP client of the public API: sign in, upload, submit, watch.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Body, Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};
use toneup_colour::photo::PhotoType;
use toneup_colour::result::AnalysisResult;
use toneup_jobs::job::Status;
use toneup_jobs::outcome::JobError;
use toneup_platform::retry::Backoff;
use url::Url;
use uuid::Uuid;

use crate::exit::Unreachable;

/// Most attempts of a call.
const TRIES: u32 = 5;
const BACKOFF: Backoff = Backoff::RECONNECT;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Silence after which a stream counts as broken: three heartbeats, which the server sends every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
const UPLOAD_CHUNK_BYTES: usize = 32 * 1024;
/// Timeout of reading an error's body.
const PROBLEM_TIMEOUT: Duration = Duration::from_secs(3);
/// Most bytes of an error's body that are read.
const PROBLEM_LIMIT_BYTES: usize = 64 * 1024;

/// An analysis as the API returns it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analysis {
    /// Identifier of the analysis.
    pub(crate) id: Uuid,
    /// State of the analysis.
    pub(crate) status: Status,
    /// Number of changes so far; grows with every one.
    #[serde(default)]
    version: u32,
    /// Number of attempts started.
    #[serde(default)]
    pub(crate) attempt: u16,
    /// Time at which the analysis was submitted.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) created_at: Option<OffsetDateTime>,
    /// Time at which the analysis ended; `None` while unfinished.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) finished_at: Option<OffsetDateTime>,
    /// Position in the queue, from 1; `None` unless queued.
    pub(crate) queue_position: Option<u64>,
    /// Estimated time until the start, in seconds.
    pub(crate) estimated_wait_seconds: Option<f64>,
    /// Result; `None` unless the analysis succeeded.
    pub(crate) result: Option<AnalysisResult>,
    /// Error; `None` unless the analysis failed.
    pub(crate) error: Option<JobError>,
    /// Complete JSON document, including fields that this client does not know.
    #[serde(skip)]
    pub(crate) document: Value,
}

impl Analysis {
    fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        let document: Value = serde_json::from_slice(json)?;
        let analysis = Self::deserialize(&document)?;
        Ok(Self { document, ..analysis })
    }
}

/// Target of an upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Upload {
    object_key: String,
    method: String,
    url: Url,
    headers: BTreeMap<String, String>,
}

/// Error response of the server, in the form of RFC 9457; other responses are converted to it.
#[derive(Debug, Default, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    status: u16,
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
    trace_id: Option<String>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.detail.as_ref().or(self.title.as_ref());
        f.write_str(words.map_or("no reason given", |words| words.trim()))?;
        write!(f, " (status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(trace) = &self.trace_id {
            write!(f, ", trace {trace}")?;
        }
        f.write_str(")")?;
        if let Some(wait) = self.retry_after {
            write!(f, "; try again in {} s", wait.as_secs())?;
        }
        Ok(())
    }
}

impl Problem {
    /// Reads the error from a response.
    async fn read(mut response: Response) -> Self {
        let status = response.status();
        let retry_after = retry_after(&response);
        let until = Instant::now() + PROBLEM_TIMEOUT;
        let mut body = Vec::new();
        while body.len() < PROBLEM_LIMIT_BYTES
            && let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await
        {
            body.extend_from_slice(&chunk);
        }
        let mut problem: Self = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&body);
            Self {
                code: element(&text, "Code"),
                detail: element(&text, "Message"),
                ..Self::default()
            }
        });
        problem.status = status.as_u16();
        problem.retry_after = retry_after;
        if problem.title.is_none() {
            problem.title = status.canonical_reason().map(str::to_owned);
        }
        problem
    }

    fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429) || self.is_outage()
    }

    /// True if the response says that the server behind a proxy is unavailable.
    fn is_outage(&self) -> bool {
        matches!(self.status, 502..=504)
    }
}

/// Returns the text of an XML element: object stores respond in XML.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

/// Reads `Retry-After` in seconds, the only form that our server sends.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Reason why one attempt of a call failed.
#[derive(Debug)]
enum Failure {
    Answered(Problem),
    Unanswered(reqwest::Error),
}

impl Failure {
    fn is_transient(&self) -> bool {
        match self {
            Self::Answered(problem) => problem.is_transient(),
            Self::Unanswered(error) => !error.is_builder(),
        }
    }

    fn retry_after(&self) -> Duration {
        match self {
            Self::Answered(problem) => problem.retry_after.unwrap_or_default(),
            Self::Unanswered(_) => Duration::ZERO,
        }
    }

    /// Converts to the command's error. `origin` names the server without the path, since the URL of an upload carries
    /// its authorization.
    fn into_error(self, origin: &str) -> anyhow::Error {
        match self {
            Self::Answered(problem) if problem.is_outage() => {
                Unreachable::new(origin, problem).into()
            }
            Self::Answered(problem) => problem.into(),
            Self::Unanswered(error) => Unreachable::new(origin, error.without_url()).into(),
        }
    }
}

/// A client of one server, for one command.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    deadline: Instant,
}

impl Client {
    /// Creates a client of the server at `base` whose calls fail after `timeout` in total. Nothing is sent.
    pub(crate) fn new(
        mut base: Url,
        token: Option<SecretString>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("toneup-cli/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirected POST would become a GET, so redirects are errors.
            .redirect(Policy::none())
            .build()
            .context("preparing the HTTP client")?;
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(Self { http, base, token, deadline: Instant::now() + timeout })
    }

    /// True if the caller has provided a token.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.token.is_some()
    }

    /// Signs in as a new guest.
    pub(crate) async fn sign_in_as_guest(&mut self) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Session {
            access_token: SecretString,
        }
        let url = self.endpoint("v1/sessions/guest")?;
        let call = || self.http.post(url.clone()).timeout(CALL_TIMEOUT).json(&json!({}));
        let response = self.send(TRIES, &url, call).await?;
        let session: Session = response.json().await.map_err(reqwest::Error::without_url)?;
        self.token = Some(session.access_token);
        Ok(())
    }

    /// Requests a presigned upload for a photo.
    pub(crate) async fn create_upload(
        &self,
        kind: PhotoType,
        length_bytes: usize,
    ) -> anyhow::Result<Upload> {
        let url = self.endpoint("v1/uploads")?;
        let body = json!({ "contentType": kind.content_type(), "contentLength": length_bytes });
        let call =
            || self.authorized(self.http.post(url.clone())).timeout(CALL_TIMEOUT).json(&body);
        let response = self.send(TRIES, &url, call).await?;
        Ok(response.json().await.map_err(reqwest::Error::without_url)?)
    }

    /// Uploads a photo as `upload` says. Calls `sent` with the number of bytes sent so far.
    pub(crate) async fn put(
        &self,
        upload: &Upload,
        photo: &Bytes,
        sent: impl Fn(u64) + Clone + Send + 'static,
    ) -> anyhow::Result<()> {
        let method = Method::from_bytes(upload.method.as_bytes()).context("reading the upload")?;
        let call = || {
            let request = self.http.request(method.clone(), upload.url.clone());
            let length = photo.len().to_string();
            let mut request = request.timeout(UPLOAD_TIMEOUT);
            // A stream has no length by itself, and object stores require one.
            if !upload.headers.keys().any(|name| name.eq_ignore_ascii_case("content-length")) {
                request = request.header(CONTENT_LENGTH, length);
            }
            for (name, value) in &upload.headers {
                request = request.header(name, value);
            }
            request.body(counted(photo.clone(), sent.clone()))
        };
        self.send(TRIES, &upload.url, call).await.map(drop)
    }

    /// Submits uploaded photos of one person in one analysis. All attempts share an idempotency key, so that they create
    /// one.
    pub(crate) async fn submit(&self, uploads: &[Upload]) -> anyhow::Result<Analysis> {
        let url = self.endpoint("v1/analyses")?;
        let key = Uuid::new_v4().to_string();
        let keys: Vec<&str> = uploads.iter().map(|upload| upload.object_key.as_str()).collect();
        // A server of the previous release knows the key of one photo alone.
        let body = match keys.as_slice() {
            [key] => json!({ "objectKey": key }),
            keys => json!({ "objectKeys": keys }),
        };
        let call = || {
            self.authorized(self.http.post(url.clone()))
                .timeout(CALL_TIMEOUT)
                .header("idempotency-key", &key)
                .json(&body)
        };
        let response = self.send(TRIES, &url, call).await?;
        let json = response.bytes().await.map_err(reqwest::Error::without_url)?;
        Analysis::from_json(&json).context("reading the analysis")
    }

    /// Cancels an analysis; returns its state. One that is cancelled already is no error.
    pub(crate) async fn cancel(&self, id: Uuid) -> anyhow::Result<Analysis> {
        let url = self.endpoint(&format!("v1/analyses/{id}/cancel"))?;
        let call = || self.authorized(self.http.post(url.clone())).timeout(CALL_TIMEOUT);
        let response = self.send(TRIES, &url, call).await?;
        let json = response.bytes().await.map_err(reqwest::Error::without_url)?;
        Analysis::from_json(&json).context("reading the analysis")
    }

    /// Watches an analysis until it ends, reconnecting as often as needed. Calls `changed` for every change.
    pub(crate) async fn watch(
        &self,
        id: Uuid,
        mut changed: impl FnMut(&Analysis),
    ) -> anyhow::Result<Analysis> {
        let mut seen = Seen::default();
        // A server that has never responded is not waited for; one that has is expected to come back.
        let mut tries = TRIES;
        loop {
            let events = self.open_events(id, &seen, tries).await?;
            tries = u32::MAX;
            let events = events.bytes_stream();
            if let Some(ended) = self.follow(events, &mut seen, &mut changed).await? {
                return Ok(ended);
            }
            seen.breaks += 1;
            let pause = seen.retry.unwrap_or_default() + BACKOFF.pause(seen.breaks);
            if timeout_at(self.deadline, sleep(pause)).await.is_err() {
                return Err(unfinished());
            }
        }
    }

    async fn open_events(&self, id: Uuid, seen: &Seen, tries: u32) -> anyhow::Result<Response> {
        let url = self.endpoint(&format!("v1/analyses/{id}/events"))?;
        let call = || {
            let mut request = self.authorized(self.http.get(url.clone()));
            request = request.header(ACCEPT, "text/event-stream");
            if !seen.event_id.is_empty() {
                request = request.header("last-event-id", &seen.event_id);
            }
            request
        };
        let response = self.send(tries, &url, call).await?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let is_stream = content_type.is_some_and(|value| value.starts_with("text/event-stream"));
        anyhow::ensure!(is_stream, "expected an event stream from {url}, found {content_type:?}");
        Ok(response)
    }

    /// Reads the events of one connection. `None` if it broke before the analysis ended.
    async fn follow<E: std::error::Error>(
        &self,
        bytes: impl Stream<Item = Result<Bytes, E>>,
        seen: &mut Seen,
        changed: &mut impl FnMut(&Analysis),
    ) -> anyhow::Result<Option<Analysis>> {
        // Heartbeats are comments, which are no events: they show life all the same.
        let heard = Cell::new(Instant::now());
        let bytes = bytes.inspect(|_| heard.set(Instant::now()));
        let mut events = pin!(bytes.eventsource());
        loop {
            let until = self.deadline.min(heard.get() + SILENCE);
            let event = match timeout_at(until, events.next()).await {
                Ok(Some(Ok(event))) => event,
                Err(_) if Instant::now() < self.deadline.min(heard.get() + SILENCE) => continue,
                _ => return Ok(None),
            };
            if !event.id.is_empty() {
                seen.event_id.clone_from(&event.id);
            }
            seen.retry = event.retry.or(seen.retry);
            seen.breaks = 0;
            if event.event != "analysis" {
                continue;
            }
            let analysis =
                Analysis::from_json(event.data.as_bytes()).context("reading an event")?;
            // A lagging replica may send events that are older than the last one.
            if analysis.version < seen.version {
                continue;
            }
            seen.version = analysis.version;
            changed(&analysis);
            if analysis.status.is_terminal() {
                return Ok(Some(analysis));
            }
        }
    }

    fn endpoint(&self, path: &str) -> anyhow::Result<Url> {
        self.base.join(path).context("putting the server's address together")
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// Sends an idempotent call, up to `tries` times, until it succeeds, is refused, or time is up.
    async fn send(
        &self,
        tries: u32,
        url: &Url,
        call: impl Fn() -> RequestBuilder,
    ) -> anyhow::Result<Response> {
        let origin = url.origin().ascii_serialization();
        let mut failures = 0;
        loop {
            let Ok(answer) = timeout_at(self.deadline, call().send()).await else {
                return Err(Unreachable::new(origin, anyhow::anyhow!("no response in time")).into());
            };
            let failure = match answer {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => Failure::Answered(Problem::read(response).await),
                Err(error) => Failure::Unanswered(error),
            };
            failures += 1;
            let pause = failure.retry_after() + BACKOFF.pause(failures);
            let in_time = Instant::now() + pause < self.deadline;
            if failures >= tries || !failure.is_transient() || !in_time {
                return Err(failure.into_error(&origin));
            }
            sleep(pause).await;
        }
    }
}

/// State of an analysis known from earlier connections.
#[derive(Debug, Default)]
struct Seen {
    event_id: String,
    version: u32,
    retry: Option<Duration>,
    /// Consecutive connections that broke without an event.
    breaks: u32,
}

fn unfinished() -> anyhow::Error {
    anyhow::anyhow!("timed out before the analysis ended; --timeout sets how long to wait")
}

/// Request body that reports the number of bytes sent.
fn counted(photo: Bytes, sent: impl Fn(u64) + Send + 'static) -> Body {
    let starts = (0..photo.len()).step_by(UPLOAD_CHUNK_BYTES);
    let chunks = starts.map(move |start| {
        let end = photo.len().min(start + UPLOAD_CHUNK_BYTES);
        sent(end as u64);
        Ok::<_, Infallible>(photo.slice(start..end))
    });
    Body::wrap_stream(futures_util::stream::iter(chunks))
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    fn client(server: &MockServer, timeout: Duration) -> Client {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let token = Some(SecretString::from("the-token"));
        Client::new(server.uri().parse().unwrap(), token, timeout).unwrap()
    }

    fn upload(server: &MockServer) -> Upload {
        Upload {
            object_key: "u/7/a.jpg".to_owned(),
            method: "PUT".to_owned(),
            url: format!("{}/photos/a.jpg?signature=secret", server.uri()).parse().unwrap(),
            headers: BTreeMap::from([("content-type".to_owned(), "image/jpeg".to_owned())]),
        }
    }

    fn queued() -> ResponseTemplate {
        let id = Uuid::now_v7();
        ResponseTemplate::new(202).set_body_json(json!({ "id": id, "status": "queued", "news": 1 }))
    }

    #[tokio::test]
    async fn a_submit_is_repeated_under_one_key_when_the_server_asks_to_wait() {
        let server = MockServer::start().await;
        let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
        Mock::given(path("/v1/analyses")).respond_with(busy).up_to_n_times(1).mount(&server).await;
        let down = ResponseTemplate::new(503);
        Mock::given(path("/v1/analyses")).respond_with(down).up_to_n_times(1).mount(&server).await;
        let authorized = header("authorization", "Bearer the-token");
        Mock::given(method("POST")).and(authorized).respond_with(queued()).mount(&server).await;

        let client = client(&server, Duration::from_secs(30));
        let began = Instant::now();
        let analysis = client.submit(&[upload(&server)]).await.unwrap();

        assert!(began.elapsed() >= Duration::from_secs(1));
        assert_eq!(analysis.status, Status::Queued);
        assert_eq!(analysis.document["news"], 1);
        let calls = server.received_requests().await.unwrap();
        let keys: Vec<_> = calls.iter().map(|call| &call.headers["idempotency-key"]).collect();
        assert_eq!(keys.len(), 3);
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[tokio::test]
    async fn a_wait_longer_than_the_time_left_is_an_error_that_names_it() {
        let server = MockServer::start().await;
        let problem = json!({ "title": "Too many", "detail": "slow down", "code": "rate_limited" });
        let busy = ResponseTemplate::new(429).insert_header("retry-after", "60");
        let busy = busy.set_body_raw(problem.to_string(), "application/problem+json");
        Mock::given(method("POST")).respond_with(busy).expect(1).mount(&server).await;

        let client = client(&server, Duration::from_secs(10));
        let error = client.submit(&[upload(&server)]).await.unwrap_err();
        let expected = "slow down (status 429, code rate_limited); try again in 60 s";
        assert_eq!(error.to_string(), expected);
        assert!(!error.is::<Unreachable>());
    }

    #[tokio::test]
    async fn a_server_that_stays_down_counts_as_unreachable() {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&server).await;
        let client = client(&server, Duration::from_secs(1));
        assert!(client.submit(&[upload(&server)]).await.unwrap_err().is::<Unreachable>());
    }

    #[tokio::test]
    async fn an_upload_carries_the_given_headers_its_length_and_no_token() {
        let server = MockServer::start().await;
        Mock::given(method("PUT")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let photo = Bytes::from(vec![7; 100_000]);
        let client = client(&server, Duration::from_secs(10));
        let (sent, received) = std::sync::mpsc::channel();
        let report = move |bytes| sent.send(bytes).unwrap();
        client.put(&upload(&server), &photo, report).await.unwrap();

        let call = &server.received_requests().await.unwrap()[0];
        assert_eq!(call.body, photo);
        assert_eq!(call.headers["content-type"], "image/jpeg");
        assert_eq!(call.headers["content-length"], "100000");
        assert!(!call.headers.contains_key("transfer-encoding"));
        assert!(!call.headers.contains_key("authorization"));
        assert_eq!(received.iter().collect::<Vec<_>>(), [32_768, 65_536, 98_304, 100_000]);
    }

    #[tokio::test]
    async fn a_refused_upload_says_why_and_keeps_its_signature_to_itself() {
        let server = MockServer::start().await;
        let xml = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        let refusal = ResponseTemplate::new(403).set_body_raw(xml, "application/xml");
        Mock::given(method("PUT")).respond_with(refusal).expect(1).mount(&server).await;
        let client = client(&server, Duration::from_secs(10));
        let error = client.put(&upload(&server), &Bytes::from_static(b"x"), drop).await;
        let text = format!("{:?}", error.unwrap_err());
        assert!(text.starts_with("Request has expired (status 403, code AccessDenied)"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[tokio::test]
    async fn an_analysis_that_never_ends_is_not_watched_for_ever() {
        let server = MockServer::start().await;
        let stream = ResponseTemplate::new(200).set_body_raw(": hello\n\n", "text/event-stream");
        Mock::given(method("GET")).respond_with(stream).mount(&server).await;
        let client = client(&server, Duration::from_secs(1));
        let error = client.watch(Uuid::now_v7(), |_| {}).await.unwrap_err();
        assert!(error.to_string().contains("timed out before the analysis ended"), "{error}");
        assert!(!error.is::<Unreachable>());
    }

    #[tokio::test(start_paused = true)]
    async fn heartbeats_are_life_on_a_stream_that_has_nothing_to_tell() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = "http://127.0.0.1:9".parse().unwrap();
        let client = Client::new(base, None, Duration::from_mins(10)).unwrap();
        let ended = json!({ "id": Uuid::now_v7(), "status": "succeeded" });
        let ended = format!("event: analysis\ndata: {ended}\n\n");
        let beats = futures_util::stream::unfold(0, |beat| {
            let text = if beat < 8 { ": heartbeat\n\n".to_owned() } else { ended.clone() };
            async move {
                sleep(Duration::from_secs(15)).await;
                Some((Ok::<_, Infallible>(Bytes::from(text)), beat + 1))
            }
        });
        let followed = client.follow(beats, &mut Seen::default(), &mut |_| {}).await.unwrap();
        assert_eq!(followed.unwrap().status, Status::Succeeded);
        let silent = futures_util::stream::pending::<Result<Bytes, Infallible>>();
        let followed = client.follow(silent, &mut Seen::default(), &mut |_| {}).await.unwrap();
        assert!(followed.is_none(), "given up");
    }

    #[test]
    fn a_base_address_may_have_a_path() {
        drop(rustls::crypto::ring::default_provider().install_default());
        let base = "https://example.org/toneup".parse().unwrap();
        let client = Client::new(base, None, Duration::ZERO).unwrap();
        let url = client.endpoint("v1/analyses").unwrap();
        assert_eq!(url.as_str(), "https://example.org/toneup/v1/analyses");
    }
}
