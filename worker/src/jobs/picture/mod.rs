//! Making a picture of an upload: checked, upright, without metadata, in three sizes.

mod render;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_people::pictures::{PictureSource, object_key};
use toneup_platform::objects::{ObjectError, Objects};

use self::render::{Rendered, render};
use super::attempt::{discard, for_now, store_unavailable, succeeded};

/// Handler of picture jobs.
#[derive(Debug)]
pub(crate) struct MakePicture {
    pub(crate) objects: Objects,
}

impl Handler for MakePicture {
    /// Reads the upload, which the bucket's lifecycle rule deletes, and stores the picture. Safe to repeat: the same upload
    /// gives the same objects.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(PictureSource { object_key }) = job.payload.read() else {
            return Attempt::Failed(JobError::permanent("PAYLOAD_UNREADABLE", "Not a picture."));
        };
        let upload = match self.objects.get(&object_key, PHOTO_LIMIT_BYTES).await {
            Ok(upload) => upload,
            Err(ObjectError::Missing) => {
                return refused("IMAGE_MISSING", "Nothing was uploaded at this key.");
            }
            Err(ObjectError::TooLarge(_)) => {
                discard(&self.objects, &object_key).await;
                return refused("IMAGE_TOO_LARGE", "The upload has more than 10 MiB.");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot read the upload");
                return store_unavailable();
            }
        };
        match spawn_blocking(move || render(&upload)).await {
            Ok(Ok(rendered)) => self.store(job, rendered).await,
            Ok(Err(refusal)) => Attempt::Failed(refusal.into()),
            Err(error) => {
                tracing::error!(%error, "cannot make the picture");
                for_now("PICTURE_FAILED", "An internal error occurred.")
            }
        }
    }
}

impl MakePicture {
    async fn store(&self, job: &Claimed, rendered: Rendered) -> Attempt {
        for (size, jpeg) in rendered.sizes {
            let key = object_key(job.user, job.lease.job, size);
            if let Err(error) = self.objects.put(&key, "image/jpeg", Bytes::from(jpeg)).await {
                tracing::warn!(%error, "cannot store the picture");
                return store_unavailable();
            }
        }
        succeeded(&rendered.made)
    }
}

fn refused(code: &str, message: &str) -> Attempt {
    Attempt::Failed(JobError::permanent(code, message))
}
