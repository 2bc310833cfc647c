//! HTTP client of the analyzer, for this project's server and for the original one.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use toneup_colour::result::AnalysisResult;
use toneup_jobs::outcome::JobError;
use toneup_jobs::store::claim::Claimed;

use crate::flow::endpoints::Endpoint;
use crate::flow::instance::Ended;
use crate::flow::limit::Signals;

/// Largest response body that is read, in bytes.
const ANSWER_LIMIT_BYTES: usize = 256 * 1024;
/// Bounds of the pause that an overloaded analyzer may request.
const RETRY_BOUNDS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// Longest pause after a failure that is granted to an analyzer.
const RETRY_LIMIT: Duration = Duration::from_mins(5);
/// Pause after an overload that names none.
const RETRY_DEFAULT: Duration = Duration::from_millis(500);

/// Reason why a call returned no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The analyzer rejected the photo: never retried.
    #[error("refused: {}", .0.code)]
    Refused(JobError),
    /// The analyzer is overloaded and did not start the analysis.
    #[error("busy for {retry_after:?}")]
    Busy {
        /// Time until the next request, requested by the analyzer or [`RETRY_DEFAULT`].
        retry_after: Duration,
    },
    /// No analyzer listens at the address, or it denies access.
    #[error("unreachable: {0:#}")]
    Unreachable(anyhow::Error),
    /// The analyzer failed on this photo; a retry may succeed.
    #[error("faulty: {detail}")]
    Faulty {
        /// Description of the failure, for logs.
        detail: String,
        /// Time until the next request, if the analyzer named one.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
}

impl CallError {
    /// Time until the next request, if the analyzer named one.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Faulty { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Error that the user sees once no attempt is left.
    pub(crate) fn into_outcome(self) -> JobError {
        let message = "The analysis did not work out. Please try again later.";
        match self {
            Self::Refused(error) => error,
            Self::TimedOut => JobError::retryable("ANALYZER_TIMEOUT", message),
            Self::Busy { .. } | Self::Unreachable(_) | Self::Faulty { .. } => {
                JobError::retryable("ANALYZER_FAILED", message)
            }
        }
    }
}

/// Outcome of one call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Capacity that the instance reported, if any.
    pub(crate) signals: Option<Signals>,
    /// Result of the analysis, or the reason why there is none.
    pub(crate) result: Result<AnalysisResult, CallError>,
}

impl Answer {
    /// Outcome as flow control sees it.
    pub(crate) fn ended(&self) -> Ended {
        match &self.result {
            Ok(_) | Err(CallError::Refused(_)) => Ended::Answered(self.signals),
            Err(CallError::Busy { retry_after }) => Ended::Busy(*retry_after),
            Err(CallError::Unreachable(_)) => Ended::Unreachable,
            Err(CallError::Faulty { .. } | CallError::TimedOut) => Ended::Failed,
        }
    }
}

/// Sends one photo to one instance and reads the result.
pub(crate) async fn analyze(endpoint: &Endpoint, claimed: &Claimed, photo: Bytes) -> Answer {
    let mut signals = None;
    let result = exchange(endpoint, claimed, photo, &mut signals).await;
    Answer { signals, result }
}

async fn exchange(
    endpoint: &Endpoint,
    claimed: &Claimed,
    photo: Bytes,
    signals: &mut Option<Signals>,
) -> Result<AnalysisResult, CallError> {
    // The original server requires a numeric user id, which it only returns.
    let length = u64::try_from(photo.len()).unwrap_or(u64::MAX);
    let file = Part::stream_with_length(photo, length).file_name("photo");
    let form = Form::new().text("user_id", "0").part("file", file);
    let connection = endpoint.connect().map_err(not_sent)?;
    let sent = Instant::now();
    let request = connection
        .post(endpoint.url.clone())
        .header("traceparent", claimed.trace.onward().to_string())
        .multipart(form);
    let response = request.send().await.map_err(not_sent)?;
    let (status, headers) = (response.status(), response.headers().clone());
    *signals = Signals::read(&headers);
    let body = read(response).await?;
    endpoint.give_back(connection, signals.is_none().then(|| sent.elapsed()));
    interpret(status, &headers, &body)
}

/// Classifies a transport error: without a connection there was no attempt; one that broke may be due to the photo.
fn not_sent(error: reqwest::Error) -> CallError {
    if error.is_timeout() && !error.is_connect() {
        return CallError::TimedOut;
    }
    if error.is_connect() {
        return CallError::Unreachable(error.into());
    }
    CallError::Faulty { detail: format!("{:#}", anyhow::Error::from(error)), retry_after: None }
}

async fn read(mut response: Response) -> Result<Bytes, CallError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(not_sent)? {
        if body.len() + chunk.len() > ANSWER_LIMIT_BYTES {
            let detail = format!("an answer of more than {ANSWER_LIMIT_BYTES} bytes");
            return Err(CallError::Faulty { detail, retry_after: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Converts a response to a result or an error.
fn interpret(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<AnalysisResult, CallError> {
    let faulty = |detail| CallError::Faulty { detail, retry_after: retry_after(headers) };
    match status {
        StatusCode::OK => parse(body).map_err(faulty)?,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            let (shortest, longest) = RETRY_BOUNDS;
            let pause = retry_after(headers).unwrap_or(RETRY_DEFAULT);
            Err(CallError::Busy { retry_after: pause.clamp(shortest, longest) })
        }
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Err(refusal(body)),
        // A wrong address or a missing key: the photo was not looked at, and none would be.
        status if status.is_client_error() || status.is_redirection() => {
            Err(CallError::Unreachable(anyhow::anyhow!("answered {status}")))
        }
        status => Err(faulty(format!("answered {status}"))),
    }
}

/// Parses the body of a 200. The original server spells autumn `ATUMN` and returns `Error` when it finds no face.
fn parse(body: &[u8]) -> Result<Result<AnalysisResult, CallError>, String> {
    let mut answer: Value = serde_json::from_slice(body)
        .map_err(|error| format!("an answer that is no JSON: {error}"))?;
    match answer["personalColor"].as_str() {
        Some("ATUMN") => answer["personalColor"] = "AUTUMN".into(),
        Some("Error") => return Ok(Err(CallError::Refused(no_face()))),
        _ => {}
    }
    serde_json::from_value(answer)
        .map(|result: AnalysisResult| Ok(AnalysisResult { reused: false, ..result }))
        .map_err(|error| format!("an answer we cannot read: {error}"))
}

fn no_face() -> JobError {
    JobError::permanent("NO_FACE", "No face could be found in the photo.")
}

/// Parses a problem document (RFC 9457). Whatever its content, the analyzer rejected the photo.
fn refusal(body: &[u8]) -> CallError {
    #[derive(Debug, Deserialize)]
    struct Problem {
        code: String,
        detail: Option<String>,
        title: Option<String>,
    }
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let unknown = "The photo could not be analysed.";
    CallError::Refused(problem.map_or_else(
        || JobError::permanent("PHOTO_REFUSED", unknown),
        |Problem { code, detail, title }| {
            JobError::permanent(&code, detail.or(title).as_deref().unwrap_or(unknown))
        },
    ))
}

/// `Retry-After-Ms`, or `Retry-After` in seconds, at most [`RETRY_LIMIT`].
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let millis = number("retry-after-ms").map(Duration::from_millis);
    let pause = millis.or_else(|| number(RETRY_AFTER.as_str()).map(Duration::from_secs));
    pause.map(|pause| pause.min(RETRY_LIMIT))
}

#[cfg(test)]
mod tests;
