//! People's personal colours: the season of each user's latest analysis that succeeded.

use std::collections::BTreeMap;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;

use crate::result::PersonalColor;

/// Returns true if a user has a colour.
pub async fn has_colour(conn: &mut MySqlConnection, user: UserId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!("SELECT 1 AS found FROM personal_colours WHERE user_id = ?", user)
        .fetch_optional(conn)
        .await
        .map(|found| found.is_some())
}

/// Gives a user's colour to another, to whom the analyses go: of the two, that of the later analysis counts.
pub async fn transfer(
    conn: &mut MySqlConnection,
    from: UserId,
    to: UserId,
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        r#"SELECT job_id AS "job: JobId", colour AS "colour: PersonalColor"
           FROM personal_colours WHERE user_id = ? FOR UPDATE"#,
        from
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(moved) = moved else { return Ok(()) };
    remember(conn, [(to, moved.job, moved.colour)]).await?;
    sqlx::query!("DELETE FROM personal_colours WHERE user_id = ?", from)
        .execute(conn)
        .await
        .map(drop)
}

/// Sets colours in the transaction that ends the analyses. Of one user's analyses the one that was submitted last counts,
/// whichever ends first.
pub(crate) async fn remember(
    conn: &mut MySqlConnection,
    found: impl IntoIterator<Item = (UserId, JobId, PersonalColor)>,
) -> Result<(), sqlx::Error> {
    // One order for all writers; the users' event sequences are locked already.
    let mut latest: BTreeMap<UserId, (JobId, PersonalColor)> = BTreeMap::new();
    for (user, job, colour) in found {
        let entry = latest.entry(user).or_insert((job, colour));
        *entry = (*entry).max((job, colour));
    }
    if latest.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("INSERT INTO personal_colours (user_id, job_id, colour) ");
    query.push_values(latest, |mut row, (user, (job, colour))| {
        row.push_bind(user).push_bind(job).push_bind(colour.as_str());
    });
    // Assignments are made from left to right: the job last.
    query.push(
        " ON DUPLICATE KEY UPDATE
              colour = IF(VALUES(job_id) > job_id, VALUES(colour), colour),
              job_id = GREATEST(job_id, VALUES(job_id))",
    );
    query.build().execute(conn).await.map(drop)
}
