//! Deletion of a photo's stored object once its analysis no longer needs it: a kind of job of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use toneup_jobs::document::Document;
use toneup_jobs::job::JobId;
use toneup_jobs::kind::Kind;
use toneup_jobs::store::{read, submit};
use toneup_platform::identity::UserId;

use crate::analysis::{ANALYSIS, AnalysisPayload};

/// Name of the kind.
pub const PHOTO_DELETION: &str = "photo_deletion";

/// Payload of a photo deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoDeletion {
    /// Key of the photo in the object store.
    pub object_key: String,
}

/// Creates the kind: many attempts over a long time, since the object store may be unavailable for long.
pub fn kind() -> Kind {
    Kind { noun: "deletion", max_attempts: 20, ..Kind::new(PHOTO_DELETION) }
}

/// Schedules the deletion of the photos of `jobs`, `retention` from now, in the caller's transaction.
pub(crate) async fn schedule(
    conn: &mut MySqlConnection,
    jobs: &BTreeSet<JobId>,
    retention: Duration,
) -> Result<(), sqlx::Error> {
    let ended = read::find_all(&mut *conn, jobs).await?;
    let deletions: Vec<_> =
        ended.iter().flat_map(|job| deletions(job.user, &job.payload)).collect();
    submit::schedule(conn, PHOTO_DELETION, &deletions, retention).await.map(drop)
}

/// Schedules the deletion of the photos of an analysis with this payload, at once, in the caller's transaction.
pub(crate) async fn schedule_now(
    conn: &mut MySqlConnection,
    user: UserId,
    payload: &Document,
) -> Result<(), sqlx::Error> {
    let deletions = deletions(user, payload);
    submit::schedule(conn, PHOTO_DELETION, &deletions, Duration::ZERO).await.map(drop)
}

/// Payloads of the deletions of an analysis's photos, one for each; none if its payload is unreadable.
fn deletions(user: UserId, payload: &Document) -> Vec<(UserId, Document)> {
    let Ok(payload) = payload.read::<AnalysisPayload>() else { return Vec::new() };
    let deletion = |key: &str| Document::of(&PhotoDeletion { object_key: key.to_owned() }).ok();
    payload.keys().filter_map(deletion).map(|deletion| (user, deletion)).collect()
}

/// True if an unfinished analysis of `user` uses the photo: a photo may be submitted again while the deletion that
/// followed its first analysis waits. The end of that analysis schedules a deletion of its own.
pub async fn is_needed(
    conn: &mut MySqlConnection,
    user: UserId,
    object_key: &str,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM jobs FORCE INDEX (jobs_active)
                          WHERE user_id = ? AND kind = ? AND finished_at IS NULL
                            AND JSON_CONTAINS(JSON_EXTRACT(payload, '$.objectKey', '$.otherKeys[*]'),
                                              JSON_QUOTE(?))) AS "found: bool""#,
        user,
        ANALYSIS,
        object_key
    );
    found.fetch_one(conn).await
}
