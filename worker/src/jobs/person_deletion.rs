//! Deleting a person: the objects under the person's prefixes, then the rows of each table, in slices.

use tokio::time::{Instant, sleep};
use toneup_colour::photo;
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler};
use toneup_jobs::store::claim::Claimed;
use toneup_people::deletion::{PersonDeletion, SECOND_PASS, schedule_pass};
use toneup_people::pictures;
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::erasure::Erasure;
use toneup_platform::identity::UserId;
use toneup_platform::objects::{ObjectError, Objects};

use super::attempt::{database_unavailable, done, store_unavailable};

/// Rows that one transaction erases: short locks, whatever the history. A slice of 50 takes nearly as long as one of 200.
const SLICE: u32 = 200;
/// One part in so many of the time is for erasing: somebody's long history is not to slow the others down.
const SHARE: u32 = 4;

/// Erases all that is kept of a person.
#[derive(Debug)]
pub(crate) struct DeletePerson {
    pub(crate) database: Database,
    pub(crate) objects: Objects,
    pub(crate) erasures: Vec<Erasure>,
}

/// Reason for which a pass stopped; the next attempt continues from there.
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
        for prefix in [photo::user_prefix(user), pictures::user_prefix(user)] {
            while self.objects.delete_some(&prefix).await? > 0 {}
        }
        for erasure in &self.erasures {
            loop {
                let begun = Instant::now();
                if self.erase(user, erasure).await? == 0 {
                    break;
                }
                sleep(begun.elapsed() * (SHARE - 1)).await;
            }
        }
        if pass == 1 {
            bounded(async {
                schedule_pass(&mut *self.database.acquire().await?, user, 2, SECOND_PASS).await
            })
            .await?;
        }
        Ok(())
    }

    async fn erase(&self, user: UserId, erasure: &Erasure) -> Result<u64, sqlx::Error> {
        let erasing = retry_deadlock(|| {
            self.database.in_transaction(async |conn| erasure.erase(&mut *conn, user, SLICE).await)
        });
        bounded(erasing).await
    }
}
