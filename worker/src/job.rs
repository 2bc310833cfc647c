//! One job, top to bottom: claim, photo, analyzer, outcome, acknowledgement.

use std::time::Duration;

use bytes::Bytes;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use metrics::counter;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::claim::{Claim, ClaimRequest, Claimed};
use toneup_shared::analyses::due::exhausted;
use toneup_shared::analyses::finish::{Finish, Guard};
use toneup_shared::analyses::outcome::{AnalysisError, AnalysisResult, Outcome};
use toneup_shared::analyses::photos::{Answers, PhotoDigest, PhotoKey};
use toneup_shared::analyses::{AnalysisId, UserId};
use toneup_shared::crash;
use toneup_shared::objects::{ObjectError, Objects};
use toneup_shared::queue::message::AnalyzeRequested;
use toneup_shared::retry::Backoff;
use tracing::Instrument;

use crate::analyzer::{self, CallError};
use crate::flow::Flow;
use crate::leases::LeaseKeeper;
use crate::settle::{Aborted, Settlements};

/// Between attempts at a job that failed.
const RETRY: Backoff = Backoff { first: Duration::from_secs(2), longest: Duration::from_mins(1) };
/// Between looks at a service that is away. The job waits where it is and loses no attempt.
const OUTAGE: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(5) };

/// Failures of an analyzer that fails at everything which one attempt outlasts.
const EXCUSED: u32 = 2;

/// Runs jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) settlements: Settlements,
    pub(crate) leases: LeaseKeeper,
    pub(crate) objects: Objects,
    pub(crate) answers: Answers,
    pub(crate) flow: Flow,
    pub(crate) max_attempts: u16,
    pub(crate) draining: CancellationToken,
    pub(crate) aborting: CancellationToken,
}

/// How an attempt ended.
#[derive(Debug)]
enum Attempt {
    /// With a result; and the photo that it may be the answer to again.
    Succeeded(Box<AnalysisResult>, Option<PhotoKey>),
    /// With an error that another attempt cannot mend.
    Failed(AnalysisError),
    /// With an error that another attempt may not meet.
    FailedForNow(CallError),
    /// Not at all: the process ends, and another worker shall have the job at once.
    HandedBack,
    /// The deadline passed.
    Overdue,
    /// The lease was lost: the job was cancelled, or another worker has it.
    Lost,
}

impl Attempt {
    /// The word in metrics.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded(..) => "succeeded",
            Self::Failed(_) => "refused",
            Self::FailedForNow(_) => "failed",
            Self::HandedBack => "handed_back",
            Self::Overdue => "overdue",
            Self::Lost => "lost",
        }
    }
}

impl Jobs {
    /// Sees one delivery through. It is acknowledged only once what became of it is committed; a delivery that is not
    /// acknowledged comes back.
    pub(crate) async fn process(&self, delivery: Delivery) {
        let Ok(message) = serde_json::from_slice::<AnalyzeRequested>(&delivery.data) else {
            tracing::error!(size_bytes = delivery.data.len(), "unreadable message; dead-lettered");
            let rejected = delivery.reject(BasicRejectOptions { requeue: false }).await;
            return log_unsettled(rejected);
        };
        let id = message.analysis_id;
        let span =
            tracing::info_span!("job", analysis.id = %id.0, trace.id = tracing::field::Empty);
        let request = ClaimRequest { analysis: id, redelivered: delivery.redelivered };
        let Ok(()) = self.run(request).instrument(span).await else {
            return; // The process ends: the broker gives the message to another worker.
        };
        crash::point("settled");
        // `Ok(false)` is a stale channel: the message comes back and its claim finds nothing to do.
        log_unsettled(delivery.ack(BasicAckOptions::default()).await);
        crash::point("acked");
    }

    /// Does what the message asks for, once it may; when this returns `Ok`, the message has served its purpose.
    async fn run(&self, request: ClaimRequest) -> Result<(), Aborted> {
        match self.settlements.claim(request).await? {
            Claim::Granted(claimed) => self.work(*claimed).await,
            Claim::Stale => {
                tracing::debug!("nothing to do");
                Ok(())
            }
            Claim::Exhausted(user) => {
                self.close(request.analysis, user, Outcome::Failed(exhausted())).await
            }
            Claim::Overdue(user) => self.close(request.analysis, user, Outcome::Expired).await,
        }
    }

    /// Ends a job that will not be tried.
    async fn close(
        &self,
        analysis: AnalysisId,
        user: UserId,
        outcome: Outcome,
    ) -> Result<(), Aborted> {
        let finish = Finish { analysis, user, guard: Guard::Unowned, outcome };
        self.settlements.finish(finish).await
    }

    /// Makes one attempt and writes what it came to.
    async fn work(&self, claimed: Claimed) -> Result<(), Aborted> {
        tracing::Span::current().record("trace.id", claimed.trace.trace_id());
        self.settlements.announce(claimed.changed.clone());
        crash::point("claimed");
        let held = self.leases.hold(claimed.lease, claimed.changed.version);
        let span = tracing::info_span!("attempt", attempt = claimed.lease.attempt);
        claimed.trace.adopt(&span);
        let attempt = tokio::select! {
            attempt = self.attempt(&claimed).instrument(span) => attempt,
            () = held.lost() => Attempt::Lost,
            () = deadline(claimed.remaining) => Attempt::Overdue,
            () = self.aborting.cancelled() => Attempt::HandedBack,
        };
        counter!("toneup_job_attempts_total", "outcome" => attempt.as_str()).increment(1);
        let (lease, user) = (claimed.lease, claimed.user);
        let end = async |outcome| {
            let guard = Guard::Leased(lease);
            self.settlements.finish(Finish { analysis: lease.analysis, user, guard, outcome }).await
        };
        match attempt {
            Attempt::Succeeded(result, photo) => {
                let outcome = Outcome::Succeeded(result);
                let guard = Guard::Leased(lease);
                let finish = Finish { analysis: lease.analysis, user, guard, outcome };
                self.settlements.answer(finish, photo).await
            }
            Attempt::Failed(error) => {
                tracing::info!(code = error.code, "analysis failed");
                end(Outcome::Failed(error)).await
            }
            Attempt::FailedForNow(error) if lease.attempt >= self.max_attempts => {
                tracing::warn!(%error, attempt = lease.attempt, "last attempt failed");
                end(Outcome::Failed(error.into_outcome())).await
            }
            Attempt::FailedForNow(error) => {
                let pause =
                    error.retry_after().unwrap_or_else(|| RETRY.pause(lease.attempt.into()));
                tracing::warn!(%error, attempt = lease.attempt, ?pause, "attempt failed");
                self.settlements.retry_later(&claimed, pause, &error.into_outcome()).await
            }
            Attempt::Overdue => end(Outcome::Expired).await,
            Attempt::HandedBack => {
                tracing::info!("handing back");
                self.settlements.hand_back(&claimed).await
            }
            Attempt::Lost => {
                tracing::info!("cancelled or taken over; dropping what was being done");
                Ok(())
            }
        }
    }

    /// The attempt itself. Services that are away are waited for, since that is not the job's failure.
    async fn attempt(&self, claimed: &Claimed) -> Attempt {
        let mut failures = 0;
        let photo = loop {
            match self.objects.get(&claimed.object_key).await {
                Ok(photo) => break photo,
                Err(ObjectError::Missing) => return Attempt::Failed(image_missing()),
                Err(ObjectError::TooLarge) => return Attempt::Failed(image_too_large()),
                Err(ObjectError::Unavailable(error)) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "cannot read the photo");
                }
            }
            if !self.wait(OUTAGE.pause(failures)).await {
                return Attempt::HandedBack;
            }
        };
        crash::point("photo-read");
        let key = self.key(claimed.user, &photo).await;
        if let Some(key) = key
            && let Some(answer) = self.answers.find(key, &self.flow.models()).await
        {
            tracing::info!("the photo was answered before");
            return Attempt::Succeeded(Box::new(answer), None);
        }
        match self.analyze(claimed, photo).await {
            Attempt::Succeeded(result, _) => Attempt::Succeeded(result, key),
            other => other,
        }
    }

    /// Where the photo's answer is kept. Digesting a large photo takes long enough to leave the other jobs alone.
    async fn key(&self, user: UserId, photo: &Bytes) -> Option<PhotoKey> {
        let photo = photo.clone();
        let digest = spawn_blocking(move || PhotoDigest::of(&photo)).await.ok()?;
        self.answers.key(user, digest)
    }

    /// Sends the photo to an analyzer when it is the job's turn; again where the analyzer, not the job, is to blame.
    async fn analyze(&self, claimed: &Claimed, photo: Bytes) -> Attempt {
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
            let answer = analyzer::analyze(endpoint, claimed, photo.clone()).instrument(span).await;
            crash::point("answered");
            let away = permit.end(answer.ended());
            match answer.result {
                Ok(result) => return Attempt::Succeeded(Box::new(result), None),
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
                Err(error) => return Attempt::FailedForNow(error),
            }
        }
    }

    /// Waits, unless the process begins to end: then another worker may well do better.
    async fn wait(&self, pause: Duration) -> bool {
        self.draining.run_until_cancelled(sleep(pause)).await.is_some()
    }
}

/// Waits for the deadline; for ever where there is none.
async fn deadline(remaining: Option<Duration>) {
    match remaining {
        Some(remaining) => sleep(remaining).await,
        None => std::future::pending().await,
    }
}

fn image_missing() -> AnalysisError {
    AnalysisError::permanent(
        "IMAGE_MISSING",
        "The photo was not uploaded, or has been deleted. Please upload it again.",
    )
}

fn image_too_large() -> AnalysisError {
    AnalysisError::permanent("IMAGE_TOO_LARGE", "The photo is too large.")
}

fn log_unsettled(settled: Result<bool, lapin::Error>) {
    if let Err(error) = settled {
        tracing::debug!(%error, "delivery not settled; it will come back");
    }
}
