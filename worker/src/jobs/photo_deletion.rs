//! Deleting a photo's stored object.

use toneup_colour::photo::PREFIX;
use toneup_colour::photo_deletion::{PhotoDeletion, is_needed};
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_platform::database::{Database, bounded};
use toneup_platform::objects::Objects;

use super::attempt::{database_unavailable, done, store_unavailable};

/// Deletes photos from the object store.
#[derive(Debug)]
pub(crate) struct DeletePhoto {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
}

impl Handler for DeletePhoto {
    /// Deletes the object, unless another analysis still needs it; one that is gone already counts as deleted, so that a
    /// repeated job does no harm.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(PhotoDeletion { object_key }) = job.payload.read() else {
            return Attempt::Failed(JobError::permanent("PAYLOAD_UNREADABLE", "Not a photo."));
        };
        if !object_key.starts_with(PREFIX) {
            return Attempt::Failed(JobError::permanent("NOT_A_PHOTO", "Not the key of a photo."));
        }
        let needed = bounded(async {
            is_needed(&mut *self.database.acquire().await?, job.user, &object_key).await
        });
        match needed.await {
            Ok(true) => return done(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot see whether the photo is needed");
                return database_unavailable();
            }
        }
        match self.objects.delete(&object_key).await {
            Ok(()) => done(),
            Err(error) => {
                tracing::warn!(%error, "cannot delete the photo");
                store_unavailable()
            }
        }
    }
}
