//! Analysing a photo: from the object store to an analyzer.

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

/// Between looks at a service that is away. The job waits where it is and loses no attempt.
const OUTAGE: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(5) };

/// Failures of an analyzer that fails at everything which one attempt outlasts.
const EXCUSED: u32 = 2;

/// Analyses photos.
#[derive(Debug)]
pub(crate) struct Analyze {
    pub(crate) objects: Objects,
    pub(crate) answers: Answers,
    pub(crate) flow: Flow,
    pub(crate) draining: CancellationToken,
}

impl Handler for Analyze {
    /// Reads the photo, looks for an earlier answer to it, and asks an analyzer when it is the job's turn. Services that
    /// are away are waited for, since that is not the job's failure.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(AnalysisPayload { object_key }) = job.payload.read() else {
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
    /// Reads the photo, however long the object store is away; or the end of the attempt.
    async fn read_photo(&self, object_key: &str) -> Result<Bytes, Attempt> {
        let mut failures = 0;
        loop {
            match self.objects.get(object_key, PHOTO_LIMIT_BYTES).await {
                Ok(photo) => return Ok(photo),
                Err(ObjectError::Missing) => return Err(Attempt::Failed(image_missing())),
                Err(ObjectError::TooLarge(_)) => return Err(Attempt::Failed(image_too_large())),
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

    /// The key of the photo's answer. Digesting a large photo takes long enough to leave the other jobs alone.
    async fn key(&self, user: UserId, photo: &Bytes) -> Option<PhotoKey> {
        let photo = photo.clone();
        let digest = spawn_blocking(move || PhotoDigest::of(&photo)).await.ok()?;
        self.answers.key(user, digest)
    }

    /// Sends the photo to an analyzer when it is the job's turn; again where the analyzer, not the job, is to blame.
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
                // While the analyzer fails at everything, that is no failure of this job; but a job that it always fails
                // at must not be its only test.
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

    /// Waits, unless the process begins to end: then another worker may well do better.
    async fn wait(&self, pause: Duration) -> bool {
        self.draining.run_until_cancelled(sleep(pause)).await.is_some()
    }
}

/// The end of an attempt with a result, and the photo that it may be the answer to again.
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
