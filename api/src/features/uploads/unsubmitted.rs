//! Deletion of uploads that nobody submits, and of those that are larger than a photo may be: whoever may upload could fill
//! the bucket with them otherwise.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::QueryBuilder;
use sqlx::types::Json;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::photo::{PHOTO_LIMIT_BYTES, PREFIX};
use toneup_jobs::job::JobId;
use toneup_people::pictures::PICTURE;
use toneup_platform::database::{Database, bind_list, bounded, json_rows};
use toneup_platform::identity::UserId;
use toneup_platform::leader::Leadership;
use toneup_platform::objects::{Listed, Objects};
use uuid::{Builder, Uuid};

/// Time between two passes over the bucket.
const INTERVAL: Duration = Duration::from_mins(10);
/// Pause after a page of the bucket, so that a pass over many photos disturbs nobody.
const PAUSE: Duration = Duration::from_millis(100);
/// Uploads that one statement looks up.
const CHUNK: usize = 100;
/// The time by which a job may seem older than the upload that it is about: the lifetime of a presigned upload, which may be
/// used again, and the difference of clocks.
const SLACK: Duration = Duration::from_hours(24);

/// Passes over the bucket every few minutes, on the replica that leads, until `draining`.
pub(super) async fn run(
    (pool, objects): (Database, Objects),
    retention: Duration,
    leadership: Leadership,
    draining: CancellationToken,
) {
    // Replicas that start together need not begin together.
    let mut pause = INTERVAL.mul_f64(rand::random());
    while draining.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = INTERVAL;
        if !leadership.is_held() {
            continue;
        }
        let pass = delete_unsubmitted(&pool, &objects, retention);
        match draining.run_until_cancelled(pass).await {
            Some(Ok(0)) | None => {}
            Some(Ok(deleted)) => tracing::info!(deleted, "deleted uploads that nobody submitted"),
            Some(Err(error)) => tracing::warn!(%error, "cannot delete unsubmitted uploads"),
        }
    }
}

/// Passes over the bucket once: deletes uploads that are older than `retention` and belong to no job, and those larger than a
/// photo may be at any age. Returns the number deleted. Uploads of users unknown to this database are left alone, since the
/// bucket may be shared.
pub async fn delete_unsubmitted(
    pool: &Database,
    objects: &Objects,
    retention: Duration,
) -> anyhow::Result<usize> {
    let (mut deleted, mut after) = (0, None::<String>);
    loop {
        let page = objects.list(PREFIX, after.as_deref()).await?;
        let Some(last) = page.last() else { return Ok(deleted) };
        after = Some(last.key.clone());
        let before = OffsetDateTime::now_utc() - retention;
        let (large, page): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|upload| upload.size_bytes > PHOTO_LIMIT_BYTES);
        let old: Vec<Listed> =
            page.into_iter().filter(|upload| upload.modified <= before).collect();
        let mut unused: Vec<&str> = large.iter().map(|upload| upload.key.as_str()).collect();
        for uploads in old.chunks(CHUNK) {
            unused.extend(find_unsubmitted(pool, uploads).await?);
        }
        for key in &unused {
            objects.delete(key).await?;
        }
        deleted += unused.len();
        sleep(PAUSE).await;
    }
}

/// The keys of those uploads that belong to a user of ours and to no job.
async fn find_unsubmitted<'a>(
    pool: &Database,
    uploads: &'a [Listed],
) -> Result<Vec<&'a str>, sqlx::Error> {
    let owned: Vec<(UserId, &str)> = uploads.iter().filter_map(owner).collect();
    let Some(oldest) = uploads.iter().map(|upload| upload.modified).min() else {
        return Ok(Vec::new());
    };
    let owners: BTreeSet<UserId> = owned.iter().map(|(user, _)| *user).collect();
    let keys: Vec<&str> = owned.iter().map(|(_, key)| *key).collect();
    let (known, submitted) = bounded(async {
        let mut connection = pool.acquire().await?;
        let mut query = QueryBuilder::new("SELECT id FROM users WHERE id IN ");
        bind_list(&mut query, owners.iter().copied());
        let known: Vec<UserId> = query.build_query_scalar().fetch_all(&mut *connection).await?;
        let mut query = QueryBuilder::new(
            "SELECT JSON_EXTRACT(payload, '$.objectKey', '$.otherKeys[*]')
             FROM jobs FORCE INDEX (jobs_history) WHERE kind IN ",
        );
        bind_list(&mut query, [ANALYSIS, PICTURE].into_iter());
        query.push(" AND user_id IN ");
        bind_list(&mut query, owners.iter().copied());
        query.push(" AND id >= ").push_bind(earliest_id(oldest - SLACK));
        query.push(" AND JSON_OVERLAPS(JSON_EXTRACT(payload, '$.objectKey', '$.otherKeys[*]'), ");
        query.push_bind(json_rows(&keys)?).push(")");
        let submitted: Vec<Json<Vec<String>>> =
            query.build_query_scalar().fetch_all(&mut *connection).await?;
        Ok::<_, sqlx::Error>((known, submitted))
    })
    .await?;
    let known: BTreeSet<UserId> = known.into_iter().collect();
    let submitted: BTreeSet<String> = submitted.into_iter().flat_map(|Json(keys)| keys).collect();
    let unsubmitted =
        owned.into_iter().filter(|(user, key)| known.contains(user) && !submitted.contains(*key));
    Ok(unsubmitted.map(|(_, key)| key).collect())
}

/// The user under whose prefix an upload lies.
fn owner(upload: &Listed) -> Option<(UserId, &str)> {
    let (user, _) = upload.key.strip_prefix(PREFIX)?.split_once('/')?;
    Some((UserId(user.parse().ok()?), &upload.key))
}

/// The first id that a job of this time can have.
fn earliest_id(time: OffsetDateTime) -> JobId {
    let millis = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let random = [0; 10];
    let first: Uuid = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    JobId(first)
}
