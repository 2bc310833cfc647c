//! Ends of attempts that handlers share.

use serde::Serialize;
use toneup_jobs::document::Document;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::Attempt;
use toneup_platform::objects::Objects;

/// Ends with a result.
pub(super) fn succeeded(result: &impl Serialize) -> Attempt {
    match Document::of(result) {
        Ok(result) => Attempt::Succeeded { result, note: None },
        Err(error) => Attempt::Failed(JobError::permanent("RESULT_UNWRITABLE", &error.to_string())),
    }
}

/// Ends with nothing to report but that it is done.
pub(super) fn done() -> Attempt {
    succeeded(&())
}

/// Returns an attempt that failed for now, and may be retried.
pub(super) fn for_now(code: &str, message: &str) -> Attempt {
    Attempt::FailedForNow { error: JobError::retryable(code, message), retry_after: None }
}

/// Fails for now, because the object store does.
pub(super) fn store_unavailable() -> Attempt {
    for_now("STORE_UNAVAILABLE", "The object store is away.")
}

/// Fails for now, because the database does.
pub(super) fn database_unavailable() -> Attempt {
    for_now("DATABASE_UNAVAILABLE", "The database is away.")
}

/// Deletes an upload that is too large to be used; if that fails, the api's pass over the bucket finds it.
pub(super) async fn discard(objects: &Objects, object_key: &str) {
    if let Err(error) = objects.delete(object_key).await {
        tracing::warn!(%error, "cannot delete an upload that is too large");
    }
}
