//! Reading single analyses for whoever waits: those asked for at the same moment by all streams, long polls and requests
//! of this replica in one round trip.

use std::collections::{BTreeSet, HashMap};

use tokio_util::task::TaskTracker;
use toneup_colour::analysis::{Analysis, find_all};
use toneup_jobs::job::JobId;
use toneup_notify::events::find_latest_of_all;
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;

use crate::http::problem::ApiError;

/// An analysis as it is read.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// Analysis as stored.
    pub(super) analysis: Analysis,
    /// Sequence number of its latest event, once it has ended.
    pub(super) event: Option<u64>,
}

/// Reads analyses. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    reads: Batcher<JobId, Option<Snapshot>, sqlx::Error>,
}

impl Reader {
    /// Starts the task that gathers reads.
    pub(super) fn spawn(database: Database, tasks: &TaskTracker) -> Self {
        let read = move |ids: Vec<JobId>| {
            let database = database.clone();
            async move { read_all(&database, &ids).await }
        };
        Self { reads: Batcher::spawn(Limits::default(), tasks, read) }
    }

    /// Reads a user's analysis; another user's does not exist.
    pub(super) async fn read(&self, user: UserId, id: JobId) -> Result<Snapshot, ApiError> {
        let found = self.reads.submit(id).await?;
        found.filter(|found| found.analysis.user == user).ok_or(ApiError::NotFound)
    }
}

async fn read_all(
    database: &Database,
    ids: &[JobId],
) -> Result<Vec<Option<Snapshot>>, sqlx::Error> {
    let distinct: BTreeSet<JobId> = ids.iter().copied().collect();
    let (found, events) = database
        .batch(async |conn| {
            let analyses = find_all(&mut *conn, distinct).await?;
            let ended = analyses.iter().filter(|analysis| analysis.status.is_terminal());
            // The event is written in the transaction that ends the analysis: once that is seen, so is this.
            let events = find_latest_of_all(conn, ended.map(|analysis| analysis.id.0)).await?;
            Ok::<_, sqlx::Error>((analyses, events))
        })
        .await?;
    let analyses: HashMap<JobId, Analysis> =
        found.into_iter().map(|analysis| (analysis.id, analysis)).collect();
    let snapshot = |id: &JobId| {
        let event = events.get(&id.0).copied();
        Some(Snapshot { analysis: analyses.get(id)?.clone(), event })
    };
    Ok(ids.iter().map(snapshot).collect())
}
