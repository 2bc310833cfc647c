//! Erasing an analysis: what its owner takes back.

use sqlx::MySqlConnection;
use toneup_jobs::job::JobId;
use toneup_jobs::store::forget::forget;
use toneup_notify::callbacks;
use toneup_platform::identity::UserId;

use crate::analysis::ANALYSIS;
use crate::{photo_answers, photo_deletion};

/// Deletes a user's analysis that has ended, in the caller's transaction: its result, what it would answer to the same photo,
/// and, by a job, its photo. `false` if there is no such analysis, or it has not ended.
pub async fn erase(
    conn: &mut MySqlConnection,
    user: UserId,
    id: JobId,
) -> Result<bool, sqlx::Error> {
    let Some(payload) = forget(&mut *conn, ANALYSIS, user, id).await? else {
        return Ok(false);
    };
    photo_answers::forget(&mut *conn, id).await?;
    callbacks::forget_all(&mut *conn, [id.0].into_iter()).await?;
    photo_deletion::schedule_now(conn, user, &payload).await?;
    Ok(true)
}
