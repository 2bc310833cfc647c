//! Accepting a submit from any endpoint.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use toneup_colour::analysis::{ANALYSIS, Analysis};
use toneup_colour::photo_answers::PhotoDigest;
use toneup_colour::result::AnalysisResult;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::store::idempotency::{Idempotency, find_repeated};
use toneup_jobs::store::submit::{NewJob, Submitted};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use super::problems::too_many_analyses;
use super::state::AnalysesState;
use super::submission::{Submission, check_deadline};
use super::wait::Waiting;
use crate::http::idempotency::key_reused;
use crate::http::problem::ApiError;

/// The treatment of a submit that duplicates an earlier one.
#[derive(Debug)]
pub(crate) enum OnDuplicate {
    /// Returns the first submit's analysis, found by the client's key, or by the photo while it runs; or reuses the photo's
    /// earlier result.
    Reuse(Option<Idempotency>),
    /// Always creates an analysis of its own.
    Create,
}

/// Makes an analysis durable, or finds the one that the same submit became before.
pub(crate) async fn accept(
    state: &AnalysesState,
    user: UserId,
    trace: TraceParent,
    submission: Submission,
    on_duplicate: OnDuplicate,
) -> Result<Analysis, ApiError> {
    let deadline = submission.deadline;
    let mut admitted = check_capacity(state, user, deadline);
    if admitted.is_ok() && matches!(on_duplicate, OnDuplicate::Reuse(_)) {
        // The load tests' door, which always creates, is one user to us.
        admitted = state.limiter.check_units(&state.submits, user.0, submission.photos()).await;
    }
    if let Err(refusal) = admitted {
        // What was accepted once stays so, whatever would be said to it now: its answer may have been lost.
        return find_accepted(state, user, &on_duplicate).await?.ok_or(refusal);
    }
    let (idempotency, answer) = match on_duplicate {
        OnDuplicate::Create => (None, None),
        OnDuplicate::Reuse(key) => {
            let digest = submission.photo_digest(state, user);
            let answer = find_answer(state, user, digest).await;
            (key.or_else(|| submission.implicit_key()), answer)
        }
    };
    let payload = submission.into_payload(state, user).await?;
    let id = JobId::generate();
    tracing::Span::current().record("analysis.id", tracing::field::display(id.0));

    let answered = answer.is_some();
    let (metadata, payload) = (payload.metadata.clone(), document(&payload)?);
    let result = answer.as_ref().map(document).transpose()?;
    let new = NewJob { id, user, payload, trace, deadline, idempotency, result };
    match state.submitter.submit(new).await? {
        Submitted::Accepted { .. } if answered => Waiting::new(state, user, id).read().await,
        Submitted::Accepted { created_at } => {
            let analysis = accepted(id, user, created_at, deadline, trace);
            Ok(Analysis { metadata, ..analysis })
        }
        Submitted::Repeated(earlier) => Waiting::new(state, user, earlier).read().await,
        Submitted::KeyReused => Err(key_reused()),
        Submitted::TooMany => Err(too_many_analyses(state.queue.next_end())),
    }
}

fn document(value: &impl serde::Serialize) -> Result<Document, ApiError> {
    Document::of(value).map_err(|error| ApiError::Internal(error.into()))
}

/// Refuses an analysis that cannot be served in time, or at all.
fn check_capacity(
    state: &AnalysesState,
    user: UserId,
    deadline: Option<OffsetDateTime>,
) -> Result<(), ApiError> {
    check_deadline(deadline)?;
    state.queue.check_capacity(user, deadline, state.colour.job_ceiling)
}

/// The analysis that the same request became before, by the client's key.
async fn find_accepted(
    state: &AnalysesState,
    user: UserId,
    on_duplicate: &OnDuplicate,
) -> Result<Option<Analysis>, ApiError> {
    let OnDuplicate::Reuse(Some(key)) = on_duplicate else { return Ok(None) };
    let earlier =
        async { find_repeated(&mut *state.pool.acquire().await?, ANALYSIS, user, key).await };
    match bounded(earlier).await? {
        Some(earlier) => Waiting::new(state, user, earlier).read().await.map(Some),
        None => Ok(None),
    }
}

/// The answer that the same photo got before. A photo that is not known here is looked up by the worker, which reads it.
async fn find_answer(
    state: &AnalysesState,
    user: UserId,
    digest: Option<PhotoDigest>,
) -> Option<AnalysisResult> {
    let key = state.answers.key(user, digest?)?;
    state.answers.find(key, &state.queue.latest().models).await
}

/// An analysis as it is right after its acceptance; saves reading back what was just written.
fn accepted(
    id: JobId,
    user: UserId,
    created_at: OffsetDateTime,
    deadline: Option<OffsetDateTime>,
    trace: TraceParent,
) -> Analysis {
    Analysis {
        id,
        user,
        status: Status::Queued,
        version: 1,
        attempt: 0,
        created_at,
        deadline,
        started_at: None,
        finished_at: None,
        result: None,
        error: None,
        metadata: BTreeMap::new(),
        trace: Some(trace),
    }
}
