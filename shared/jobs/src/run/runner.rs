//! Processing of one delivery: claim, attempt, outcome, acknowledgement.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use metrics::counter;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use toneup_platform::crash;
use tracing::Instrument;

use super::lease_keeper::LeaseKeeper;
use super::settlements::{Aborted, Settlements, Undecided};
use super::{Attempt, Handler};
use crate::broker::message::JobRequested;
use crate::document::Document;
use crate::job::JobId;
use crate::kind::Kind;
use crate::outcome::{JobError, Outcome};
use crate::store::claim::{Claim, ClaimRequest, Claimed};
use crate::store::finish::{Finish, Guard};

/// Runner of the jobs of one kind.
#[derive(Debug)]
pub(super) struct Runner<H> {
    pub(super) kind: Kind,
    pub(super) settlements: Settlements,
    pub(super) leases: LeaseKeeper,
    pub(super) handler: H,
    pub(super) aborting: CancellationToken,
    /// Longest time that a message is kept unacknowledged; the broker's own limit ends the channel.
    pub(super) hold_limit: Duration,
}

/// Answer to the broker about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The outcome is committed, or there is nothing to do: acknowledge it.
    Done,
    /// Another consumer is to have it: return it to its place in the queue.
    Return,
}

/// End of the work on a claimed job.
enum WorkEnd {
    /// The handler ended the attempt.
    Attempt(Attempt),
    /// The deadline passed first.
    Overdue,
    /// The lease was lost: the job was cancelled, or another worker has claimed it.
    Lost,
    /// It has waited for as long as its message may be kept.
    PutOff,
}

impl WorkEnd {
    /// Value of the metrics' label.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Attempt(Attempt::Succeeded { .. }) => "succeeded",
            Self::Attempt(Attempt::Failed(_)) => "refused",
            Self::Attempt(Attempt::FailedForNow { .. }) => "failed",
            Self::Attempt(Attempt::HandedBack) => "handed_back",
            Self::Overdue => "overdue",
            Self::Lost => "lost",
            Self::PutOff => "put_off",
        }
    }
}

impl<H: Handler> Runner<H> {
    /// Processes one delivery. It is acknowledged only once its outcome is committed; an unacknowledged delivery is
    /// redelivered.
    pub(super) async fn process(&self, delivery: Delivery) {
        let Ok(message) = serde_json::from_slice::<JobRequested>(&delivery.data) else {
            tracing::error!(size_bytes = delivery.data.len(), "unreadable message; dead-lettered");
            let rejected = delivery.reject(BasicRejectOptions { requeue: false }).await;
            return log_unsettled(rejected);
        };
        let id = message.job_id;
        let span = tracing::info_span!(
            "job",
            job.id = %id.0,
            kind = self.kind.name,
            trace.id = tracing::field::Empty,
        );
        let request = ClaimRequest { job: id, redelivered: delivery.redelivered };
        let hold_until = Instant::now() + self.hold_limit;
        let Ok(answer) = self.run(request, hold_until).instrument(span).await else {
            return; // The process ends: the broker gives the message to another worker.
        };
        crash::point("settled");
        // `Ok(false)` is a stale channel: the message is redelivered and its claim finds nothing to do.
        log_unsettled(match answer {
            Answer::Done => delivery.ack(BasicAckOptions::default()).await,
            Answer::Return => {
                delivery.nack(BasicNackOptions { requeue: true, multiple: false }).await
            }
        });
        crash::point("acked");
    }

    /// Claims the job and works on it; `Ok` is the answer to the broker.
    async fn run(&self, request: ClaimRequest, hold_until: Instant) -> Result<Answer, Aborted> {
        let claim = match self.settlements.claim(request).await {
            Ok(claim) => claim,
            Err(Undecided::TooLong) => return Ok(Answer::Return),
            Err(Undecided::Aborted) => return Err(Aborted),
        };
        let (user, outcome) = match claim {
            Claim::Granted(claimed) => return self.work(*claimed, hold_until).await,
            Claim::Stale => {
                tracing::debug!("nothing to do");
                return Ok(Answer::Done);
            }
            Claim::Exhausted(user) => (user, Outcome::Failed(JobError::exhausted())),
            Claim::Overdue(user) => (user, Outcome::Expired),
        };
        let (job, kind, guard) = (request.job, self.kind.name, Guard::Unowned);
        self.settlements.finish(Finish { job, kind, user, guard, outcome, note: None }).await?;
        Ok(Answer::Done)
    }

    /// Runs one attempt and writes its outcome; puts it off at `hold_until`.
    async fn work(&self, claimed: Claimed, hold_until: Instant) -> Result<Answer, Aborted> {
        tracing::Span::current().record("trace.id", claimed.trace.trace_id());
        self.settlements.tell(claimed.changed.clone());
        crash::point("claimed");
        let held = self.leases.hold(claimed.lease, claimed.changed.version);
        let span = tracing::info_span!("attempt", attempt = claimed.lease.attempt);
        claimed.trace.adopt(&span);
        let end = tokio::select! {
            attempt = self.attempt(&claimed).instrument(span) => WorkEnd::Attempt(attempt),
            () = held.lost() => WorkEnd::Lost,
            () = deadline(claimed.remaining) => WorkEnd::Overdue,
            () = self.aborting.cancelled() => WorkEnd::Attempt(Attempt::HandedBack),
            () = sleep_until(hold_until) => WorkEnd::PutOff,
        };
        counter!("toneup_job_attempts_total", "kind" => self.kind.name, "outcome" => end.as_str())
            .increment(1);
        match end {
            WorkEnd::Attempt(attempt) => self.settle(&claimed, attempt).await,
            WorkEnd::Overdue => self.end(&claimed, Outcome::Expired, None).await,
            WorkEnd::Lost => {
                tracing::info!("lease lost: cancelled or taken over; attempt dropped");
                Ok(Answer::Done)
            }
            WorkEnd::PutOff => {
                tracing::warn!(after = ?self.hold_limit, "waited too long; queued again");
                self.settlements.put_off(&claimed).await.map(|()| Answer::Done)
            }
        }
    }

    /// Runs the handler. A panic counts as a failure that may be retried.
    async fn attempt(&self, claimed: &Claimed) -> Attempt {
        let run = AssertUnwindSafe(self.handler.run(claimed)).catch_unwind();
        run.await.unwrap_or_else(|_| Attempt::FailedForNow {
            error: JobError::retryable("HANDLER_FAILED", "An internal error occurred."),
            retry_after: None,
        })
    }

    async fn settle(&self, claimed: &Claimed, attempt: Attempt) -> Result<Answer, Aborted> {
        let number = claimed.lease.attempt;
        match attempt {
            Attempt::Succeeded { result, note } => {
                self.end(claimed, Outcome::Succeeded(result), note).await
            }
            Attempt::Failed(error) => {
                tracing::info!(code = error.code, "job failed");
                self.end(claimed, Outcome::Failed(error), None).await
            }
            Attempt::FailedForNow { error, .. } if number >= self.kind.max_attempts => {
                tracing::warn!(code = error.code, attempt = number, "last attempt failed");
                self.end(claimed, Outcome::Failed(error), None).await
            }
            Attempt::FailedForNow { error, retry_after } => {
                let pause = retry_after.unwrap_or_else(|| self.kind.backoff.pause(number.into()));
                tracing::warn!(code = error.code, attempt = number, ?pause, "attempt failed");
                self.settlements.retry_later(claimed, pause, &error).await.map(|()| Answer::Done)
            }
            Attempt::HandedBack => {
                tracing::info!("handing back");
                let returned = self.settlements.hand_back(claimed).await?;
                Ok(if returned { Answer::Return } else { Answer::Done })
            }
        }
    }

    /// Ends the job if the lease still holds.
    async fn end(
        &self,
        claimed: &Claimed,
        outcome: Outcome,
        note: Option<Document>,
    ) -> Result<Answer, Aborted> {
        let job: JobId = claimed.lease.job;
        let (kind, user, guard) = (self.kind.name, claimed.user, Guard::Leased(claimed.lease));
        self.settlements.finish(Finish { job, kind, user, guard, outcome, note }).await?;
        Ok(Answer::Done)
    }
}

/// Waits for the deadline; forever if there is none.
async fn deadline(remaining: Option<Duration>) {
    match remaining {
        Some(remaining) => sleep(remaining).await,
        None => std::future::pending().await,
    }
}

fn log_unsettled(settled: Result<bool, lapin::Error>) {
    if let Err(error) = settled {
        tracing::debug!(%error, "delivery not acknowledged; it will be redelivered");
    }
}
