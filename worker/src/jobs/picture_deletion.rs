//! Deleting a picture's stored objects.

use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_people::pictures::{PictureDeletion, SIZES, forget, object_key};
use toneup_platform::database::{Database, bounded};
use toneup_platform::objects::Objects;

use super::attempt::{database_unavailable, done, store_unavailable};

/// Deletes pictures from the object store, and then from the database.
#[derive(Debug)]
pub(crate) struct DeletePicture {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
}

impl Handler for DeletePicture {
    /// Deletes all sizes; what is gone already counts as deleted, so that a repeated job does no harm.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(PictureDeletion { picture }) = job.payload.read() else {
            return Attempt::Failed(JobError::permanent("PAYLOAD_UNREADABLE", "Not a picture."));
        };
        for (size, _) in SIZES {
            if let Err(error) = self.objects.delete(&object_key(job.user, picture, size)).await {
                tracing::warn!(%error, "cannot delete the picture");
                return store_unavailable();
            }
        }
        let forgetting =
            bounded(async { forget(&mut *self.database.acquire().await?, picture).await });
        match forgetting.await {
            Ok(()) => done(),
            Err(error) => {
                tracing::warn!(%error, "cannot forget the picture");
                database_unavailable()
            }
        }
    }
}
