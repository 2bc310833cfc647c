//! Handler of analyses: takes a photo from the object store to an analyzer.

pub(crate) mod analyzer;

use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::AnalysisPayload;
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_colour::photo_answers::{Answers, PhotoDigest, PhotoKey};
use toneup_colour::result::AnalysisResult;
use toneup_jobs::document::Document;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_platform::crash;
use toneup_platform::identity::UserId;
use toneup_platform::objects::{ObjectError, Objects};
use toneup_platform::retry::Backoff;
use tracing::Instrument;

use self::analyzer::CallError;
use crate::flow::Flow;
use crate::jobs::attempt::discard;

/// Delay between retries while a service is unavailable. The job waits without losing an attempt.
const OUTAGE: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(5) };

/// Size up to which a photo is digested on the thread at hand, in bytes: about 0.1 ms.
const DIGESTED_IN_PLACE: usize = 64 * 1024;

/// Failures of an analyzer that fails at everything which one attempt outlasts.
const EXCUSED: u32 = 2;

/// Handler of analysis jobs.
#[derive(Debug)]
pub(crate) struct Analyze {
    pub(crate) objects: Objects,
    pub(crate) answers: Answers,
    pub(crate) flow: Flow,
    pub(crate) draining: CancellationToken,
}

impl Handler for Analyze {
    /// Reads the photo, looks up an earlier result for it, and otherwise calls an analyzer when it is the job's turn.
    /// Outages of services are waited out, since they are not the job's failure.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(AnalysisPayload { object_key, .. }) = job.payload.read() else {
            return Attempt::Failed(image_missing());
        };
        let photo = match self.read_photo(&object_key).await {
            Ok(photo) => photo,
            Err(ended) => return ended,
        };
        crash::point("photo-read");
        let key = self.key(job.user, &photo).await;
        if let Some(key) = key
            && let Some(answer) = self.answers.find(key, &self.flow.models()).await
        {
            tracing::info!("the photo was answered before");
            return succeeded(&answer, None);
        }
        self.analyze(job, photo, key).await
    }
}

impl Analyze {
    /// Reads the photo, waiting out an outage of the object store. The error is the end of the attempt.
    async fn read_photo(&self, object_key: &str) -> Result<Bytes, Attempt> {
        let mut failures = 0;
        loop {
            match self.objects.get(object_key, PHOTO_LIMIT_BYTES).await {
                Ok(photo) => return Ok(photo),
                Err(ObjectError::Missing) => return Err(Attempt::Failed(image_missing())),
                Err(ObjectError::TooLarge(_)) => {
                    discard(&self.objects, object_key).await;
                    return Err(Attempt::Failed(image_too_large()));
                }
                Err(ObjectError::Refused(error)) => {
                    tracing::warn!(%error, "the object store refuses the photo");
                    let error = JobError { retryable: true, ..image_missing() };
                    return Err(Attempt::FailedForNow { error, retry_after: None });
                }
                Err(ObjectError::Unavailable(error)) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "cannot read the photo");
                }
            }
            if !self.wait(OUTAGE.pause(failures)).await {
                return Err(Attempt::HandedBack);
            }
        }
    }

    /// The key of the photo's answer, where answers are used again. Digesting a large photo takes long enough to leave
    /// the other jobs alone; a small one takes less than the way to another thread.
    async fn key(&self, user: UserId, photo: &Bytes) -> Option<PhotoKey> {
        if !self.answers.are_reused() {
            return None;
        }
        let digest = if photo.len() <= DIGESTED_IN_PLACE {
            PhotoDigest::of(photo)
        } else {
            let photo = photo.clone();
            spawn_blocking(move || PhotoDigest::of(&photo)).await.ok()?
        };
        self.answers.key(user, digest)
    }

    /// Sends the photo to an analyzer when it is the job's turn, and again if the failure is the analyzer's, not the
    /// job's.
    async fn analyze(&self, job: &Claimed, photo: Bytes, key: Option<PhotoKey>) -> Attempt {
        let mut excused = 0;
        loop {
            let turn = self.flow.admit();
            let Some(permit) = self.draining.run_until_cancelled(turn).await else {
                return Attempt::HandedBack;
            };
            crash::point("admitted");
            let endpoint = permit.endpoint();
            let span =
                tracing::info_span!("analyze", otel.kind = "client", instance = endpoint.label);
            let answer = analyzer::analyze(endpoint, job, photo.clone()).instrument(span).await;
            crash::point("answered");
            let away = permit.end(answer.ended());
            match answer.result {
                Ok(result) => return succeeded(&result, key),
                Err(CallError::Refused(error)) => return Attempt::Failed(error),
                Err(error @ CallError::Busy { .. }) => {
                    tracing::debug!(%error, "waiting for the analyzer");
                }
                Err(error @ CallError::Unreachable(_)) => {
                    tracing::warn!(%error, "waiting for the analyzer");
                }
                // While the analyzer fails on every job, the failure is not this job's; but a job on which it always
                // fails must not be its only probe.
                Err(error) if away && excused < EXCUSED => {
                    excused += 1;
                    tracing::warn!(%error, excused, "the analyzer is failing");
                }
                Err(error) => {
                    tracing::warn!(%error, "the analyzer failed");
                    let retry_after = error.retry_after();
                    return Attempt::FailedForNow { error: error.into_outcome(), retry_after };
                }
            }
        }
    }

    /// Waits for `pause`; `false` if the process starts draining first, so that another worker should take over.
    async fn wait(&self, pause: Duration) -> bool {
        self.draining.run_until_cancelled(sleep(pause)).await.is_some()
    }
}

/// Ends an attempt with a result, noting the photo so that the result can be reused.
fn succeeded(result: &AnalysisResult, photo: Option<PhotoKey>) -> Attempt {
    let note = photo.map(|photo| Document::of(&photo)).transpose();
    match (Document::of(result), note) {
        (Ok(result), Ok(note)) => Attempt::Succeeded { result, note },
        (Err(error), _) | (_, Err(error)) => {
            Attempt::Failed(JobError::permanent("RESULT_UNWRITABLE", &error.to_string()))
        }
    }
}

fn image_missing() -> JobError {
    JobError::permanent(
        "IMAGE_MISSING",
        "The photo was not uploaded, or has been deleted. Please upload it again.",
    )
}

fn image_too_large() -> JobError {
    JobError::permanent("IMAGE_TOO_LARGE", "The photo is too large.")
}
