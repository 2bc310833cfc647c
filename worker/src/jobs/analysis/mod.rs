//! Handler of analyses: takes a person's photos from the object store to an analyzer, and combines the answers.

pub(crate) mod analyzer;
mod together;

use std::collections::BTreeSet;
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

/// Result of one photo.
#[derive(Debug)]
struct Answered {
    result: AnalysisResult,
    /// Key under which the result can be reused; `None` if it was itself, or must not be.
    key: Option<PhotoKey>,
}

impl Handler for Analyze {
    /// Analyses the photo, or several photos one after the other. Outages of services are waited out, since they are not
    /// the job's failure.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(payload) = job.payload.read::<AnalysisPayload>() else {
            return Attempt::Failed(image_missing());
        };
        let answered = if payload.other_keys.is_empty() {
            self.answer(job, &payload.object_key).await
        } else {
            self.answer_together(job, &payload).await
        };
        match answered {
            Ok(Answered { result, key }) => succeeded(&result, key),
            Err(ended) => ended,
        }
    }
}

impl Analyze {
    /// Analyses each photo by itself, with a permit of its own, and combines what they came to. A refused photo is left
    /// out; whatever else ends the attempt for one photo ends it for all. The error is the end of the attempt.
    async fn answer_together(
        &self,
        job: &Claimed,
        payload: &AnalysisPayload,
    ) -> Result<Answered, Attempt> {
        let (mut answers, mut seen) = (Vec::new(), BTreeSet::new());
        for object_key in payload.keys() {
            let answered = async {
                let photo = self.read_photo(object_key).await?;
                let digest = digest(&photo).await;
                if digest.is_some_and(|digest| !seen.insert(digest)) {
                    return Err(Attempt::Failed(same_photo()));
                }
                self.answer_to(job, photo, digest).await
            };
            match answered.await {
                Ok(Answered { result, .. }) => answers.push(Ok(result)),
                Err(Attempt::Failed(error)) => answers.push(Err(error)),
                Err(ended) => return Err(ended),
            }
        }
        let result = together::combine(answers).map_err(Attempt::Failed)?;
        // The result is that of all of them: the answer to none alone.
        Ok(Answered { result, key: None })
    }

    /// Reads a photo and answers to it. The error is the end of the attempt.
    async fn answer(&self, job: &Claimed, object_key: &str) -> Result<Answered, Attempt> {
        let photo = self.read_photo(object_key).await?;
        let digest = if self.answers.are_reused() { digest(&photo).await } else { None };
        self.answer_to(job, photo, digest).await
    }

    /// Looks up an earlier result for the photo, and otherwise calls an analyzer when it is the job's turn.
    async fn answer_to(
        &self,
        job: &Claimed,
        photo: Bytes,
        digest: Option<PhotoDigest>,
    ) -> Result<Answered, Attempt> {
        crash::point("photo-read");
        let key = digest.and_then(|digest| self.answers.key(job.user, digest));
        if let Some(key) = key
            && let Some(result) = self.answers.find(key, &self.flow.models()).await
        {
            tracing::info!("the photo was answered before");
            return Ok(Answered { result, key: None });
        }
        let result = self.analyze(job, photo).await?;
        Ok(Answered { result, key })
    }

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

    /// Sends the photo to an analyzer when it is the job's turn, and again if the failure is the analyzer's, not the
    /// job's. The error is the end of the attempt.
    async fn analyze(&self, job: &Claimed, photo: Bytes) -> Result<AnalysisResult, Attempt> {
        let mut excused = 0;
        loop {
            let turn = self.flow.admit();
            let Some(permit) = self.draining.run_until_cancelled(turn).await else {
                return Err(Attempt::HandedBack);
            };
            crash::point("admitted");
            let endpoint = permit.endpoint();
            let span =
                tracing::info_span!("analyze", otel.kind = "client", instance = endpoint.label);
            let answer = analyzer::analyze(endpoint, job, photo.clone()).instrument(span).await;
            crash::point("answered");
            let away = permit.end(answer.ended());
            match answer.result {
                Ok(result) => return Ok(result),
                Err(CallError::Refused(error)) => return Err(Attempt::Failed(error)),
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
                    let error = error.into_outcome();
                    return Err(Attempt::FailedForNow { error, retry_after });
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

/// The digest of a photo. A large photo takes long enough to leave the other jobs alone; a small one takes less than the
/// way to another thread.
async fn digest(photo: &Bytes) -> Option<PhotoDigest> {
    if photo.len() <= DIGESTED_IN_PLACE {
        return Some(PhotoDigest::of(photo));
    }
    let photo = photo.clone();
    spawn_blocking(move || PhotoDigest::of(&photo)).await.ok()
}

fn same_photo() -> JobError {
    JobError::permanent("SAME_PHOTO", "This is the same photo as one before it.")
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
