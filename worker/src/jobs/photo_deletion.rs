//! Deleting a photo's stored object.

use toneup_colour::photo::PREFIX;
use toneup_colour::photo_deletion::PhotoDeletion;
use toneup_jobs::document::Document;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_platform::objects::Objects;

/// Deletes photos from the object store.
#[derive(Debug)]
pub(crate) struct DeletePhoto {
    pub(crate) objects: Objects,
}

impl Handler for DeletePhoto {
    /// Deletes the object; one that is gone already counts as deleted, so that a repeated job does no harm.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(PhotoDeletion { object_key }) = job.payload.read() else {
            return Attempt::Failed(JobError::permanent("PAYLOAD_UNREADABLE", "Not a photo."));
        };
        if !object_key.starts_with(PREFIX) {
            return Attempt::Failed(JobError::permanent("NOT_A_PHOTO", "Not the key of a photo."));
        }
        match self.objects.delete(&object_key).await {
            Ok(()) => deleted(),
            Err(error) => {
                tracing::warn!(%error, "cannot delete the photo");
                let error = JobError::retryable("STORE_UNAVAILABLE", "The object store is away.");
                Attempt::FailedForNow { error, retry_after: None }
            }
        }
    }
}

fn deleted() -> Attempt {
    match Document::of(&()) {
        Ok(result) => Attempt::Succeeded { result, note: None },
        Err(error) => {
            let error = JobError::permanent("RESULT_UNWRITABLE", &error.to_string());
            Attempt::Failed(error)
        }
    }
}
