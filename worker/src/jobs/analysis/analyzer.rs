//! The analyzer's client: one call, and what its answer means. Works with our analyzer and with the original server.

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

/// Largest answer that is read, in bytes.
const ANSWER_LIMIT_BYTES: usize = 256 * 1024;
/// Bounds of the pause an overloaded analyzer may ask for.
const RETRY_BOUNDS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// The pause when an overloaded analyzer does not say.
const RETRY_DEFAULT: Duration = Duration::from_millis(500);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The photo's fault: never retried.
    #[error("refused: {}", .0.code)]
    Refused(JobError),
    /// Overload: the analyzer did not begin.
    #[error("busy for {retry_after:?}")]
    Busy {
        /// When to ask again.
        retry_after: Duration,
    },
    /// There is no analyzer at the address, or none that lets us in.
    #[error("unreachable: {0:#}")]
    Unreachable(anyhow::Error),
    /// The analyzer failed at this photo: it may do better next time.
    #[error("faulty: {detail}")]
    Faulty {
        /// What it did.
        detail: String,
        /// When it asked to be asked again.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
}

impl CallError {
    /// When the analyzer wants to be asked again, if it said so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Faulty { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What a person is told when no attempt is left.
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

/// What came of one call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the instance said about itself.
    pub(crate) signals: Option<Signals>,
    /// What it said about the photo.
    pub(crate) result: Result<AnalysisResult, CallError>,
}

impl Answer {
    /// What it means for the flow of work.
    pub(crate) fn ended(&self) -> Ended {
        match &self.result {
            Ok(_) | Err(CallError::Refused(_)) => Ended::Answered(self.signals),
            Err(CallError::Busy { retry_after }) => Ended::Busy(*retry_after),
            Err(CallError::Unreachable(_)) => Ended::Unreachable,
            Err(CallError::Faulty { .. } | CallError::TimedOut) => Ended::Failed,
        }
    }
}

/// Has one photo analysed by one instance.
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
    // The original server takes a number for the user and only returns it; ours is known by its request.
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

/// A connection that could not be made was no attempt; one that broke may have been the photo's doing.
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

/// What an answer means.
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
        // A wrong address or a missing key: nothing was tried, and no photo can mend it.
        status if status.is_client_error() || status.is_redirection() => {
            Err(CallError::Unreachable(anyhow::anyhow!("answered {status}")))
        }
        status => Err(faulty(format!("answered {status}"))),
    }
}

/// Reads a 200. The original server spells autumn `ATUMN` and says `Error` when it finds no face.
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

/// Reads a problem; whatever it says, the photo is at fault.
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

/// `Retry-After-Ms`, or `Retry-After` in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let millis = number("retry-after-ms").map(Duration::from_millis);
    millis.or_else(|| number(RETRY_AFTER.as_str()).map(Duration::from_secs))
}

#[cfg(test)]
mod tests;
