//! Deleting a person: objects first, since the rows name them, then the rows of each table, in slices.

use toneup_colour::photo::user_prefix;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_people::deletion::{PersonDeletion, SECOND_PASS, schedule_pass};
use toneup_people::pictures::{SIZES, list_some, object_key};
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::erasure::Erasure;
use toneup_platform::identity::UserId;
use toneup_platform::objects::{ObjectError, Objects};

use super::attempt::{database_unavailable, done, store_unavailable};

/// Rows that one transaction erases: short locks, whatever the history.
const SLICE: u32 = 200;

/// Erases all that is kept of a person.
#[derive(Debug)]
pub(crate) struct DeletePerson {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
    pub(crate) erasures: Vec<Erasure>,
}

/// Why a pass stopped; the next attempt goes on where this one ended.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Handler for DeletePerson {
    /// Makes one pass, and schedules the second after the first. Safe to repeat.
    async fn run(&self, job: &Claimed) -> Attempt {
        let Ok(PersonDeletion { pass }) = job.payload.read() else {
            return Attempt::Failed(JobError::permanent("PAYLOAD_UNREADABLE", "Not a deletion."));
        };
        match self.pass(job.user, pass).await {
            Ok(()) => done(),
            Err(PassError::Objects(error)) => {
                tracing::warn!(%error, "cannot delete a person's objects");
                store_unavailable()
            }
            Err(PassError::Database(error)) => {
                tracing::warn!(%error, "cannot erase a person's rows");
                database_unavailable()
            }
        }
    }
}

impl DeletePerson {
    async fn pass(&self, user: UserId, pass: u8) -> Result<(), PassError> {
        while self.objects.delete_some(&user_prefix(user)).await? > 0 {}
        self.delete_pictures(user).await?;
        for erasure in &self.erasures {
            while self.erase(user, erasure).await? > 0 {}
        }
        if pass == 1 {
            bounded(async {
                schedule_pass(&mut *self.database.acquire().await?, user, 2, SECOND_PASS).await
            })
            .await?;
        }
        Ok(())
    }

    /// Deletes the objects of all pictures; their rows go with the erasures.
    async fn delete_pictures(&self, user: UserId) -> Result<(), PassError> {
        let mut after = None;
        loop {
            let some = bounded(async {
                list_some(&mut *self.database.acquire().await?, user, after, SLICE).await
            });
            let some = some.await?;
            let Some(last) = some.last().copied() else {
                return Ok(());
            };
            for picture in some {
                for (size, _) in SIZES {
                    self.objects.delete(&object_key(picture, size)).await?;
                }
            }
            after = Some(last);
        }
    }

    async fn erase(&self, user: UserId, erasure: &Erasure) -> Result<u64, sqlx::Error> {
        let erasing = retry_deadlock(|| {
            self.database.in_transaction(async |conn| erasure.erase(&mut *conn, user, SLICE).await)
        });
        bounded(erasing).await
    }
}
