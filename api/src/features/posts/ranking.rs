//! The ranking by likes that decay. It is frozen once a minute, so that pages neither repeat nor skip, and the same on all
//! replicas: whichever needs it first writes it down.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_people::posts::{PostState, Visibility};
use toneup_platform::database::micros;
use toneup_platform::identity::UserId;

use super::read::{Post, read_all};
use crate::http::cursor::{ListPage, Place};
use crate::http::purge::Purge;

/// Seconds after which it is computed anew.
const PERIOD: u64 = 60;
/// Posts in it.
const LENGTH: u32 = 1000;
/// Versions kept in memory.
const KEPT: usize = 2;
/// Time for which a reader may go on paging.
const RETENTION: Duration = Duration::from_mins(15);
/// Queries of one page, where most posts are of people whom the viewer does not see.
const ROUNDS: usize = 10;

/// The numbers of its posts, in order.
type Numbers = Arc<[u64]>;

/// The latest rankings. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rankings(Arc<Mutex<Vec<(u64, Numbers)>>>);

/// A page of the ranking.
#[derive(Debug)]
pub(crate) struct RankedPage {
    pub(crate) posts: Vec<Post>,
    /// The version, and the place at which the next page begins.
    pub(crate) next: Option<Place>,
}

impl Rankings {
    /// Reads a page for `viewer`; `None` if the version that it continues is not kept any more.
    pub(crate) async fn read(
        &self,
        conn: &mut MySqlConnection,
        viewer: UserId,
        page: ListPage,
    ) -> Result<Option<RankedPage>, sqlx::Error> {
        let (version, begin) = page.after.unwrap_or((this_minute(), 0));
        let Some(numbers) = self.find(&mut *conn, version, page.after.is_none()).await? else {
            return Ok(None);
        };
        let begin = usize::try_from(begin).unwrap_or(usize::MAX).min(numbers.len());
        let (posts, next) = fill(conn, viewer, &numbers, begin, page.length()).await?;
        let next = next.and_then(|place| Some((version, u64::try_from(place).ok()?)));
        Ok(Some(RankedPage { posts, next }))
    }

    async fn find(
        &self,
        conn: &mut MySqlConnection,
        version: u64,
        is_new: bool,
    ) -> Result<Option<Numbers>, sqlx::Error> {
        if let Some(numbers) = self.kept(version) {
            return Ok(Some(numbers));
        }
        let mut stored = load(&mut *conn, version).await?;
        if stored.is_none() && is_new {
            compute(&mut *conn, version).await?;
            stored = load(conn, version).await?;
        }
        Ok(stored.inspect(|numbers| self.keep(version, numbers)))
    }

    fn kept(&self, version: u64) -> Option<Numbers> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(one, _)| *one == version).map(|(_, numbers)| Arc::clone(numbers))
    }

    fn keep(&self, version: u64, numbers: &Numbers) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((version, Arc::clone(numbers)));
        kept.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        kept.dedup_by_key(|(version, _)| *version);
        kept.truncate(KEPT);
    }
}

/// Reads posts from a place on until the page is full; with the place of the next one, unless the list ends.
async fn fill(
    conn: &mut MySqlConnection,
    viewer: UserId,
    numbers: &[u64],
    begin: usize,
    length: usize,
) -> Result<(Vec<Post>, Option<usize>), sqlx::Error> {
    let (mut posts, mut place) = (Vec::new(), begin);
    for _ in 0..ROUNDS {
        let rest = numbers.get(place..).unwrap_or_default();
        if rest.is_empty() || posts.len() == length {
            break;
        }
        let some = &rest[..rest.len().min(length)];
        for post in read_all(&mut *conn, viewer, Visibility::Public, some).await? {
            if posts.len() < length && post.state == PostState::Ready.as_str() {
                let passed = some.iter().position(|number| *number == post.number);
                posts.push((place + passed.unwrap_or_default() + 1, post));
            }
        }
        place += some.len();
    }
    // A full page ends with its last post, whatever else was read.
    if posts.len() == length {
        place = posts.last().map_or(place, |(after, _)| *after);
    }
    let next = (place < numbers.len()).then_some(place);
    Ok((posts.into_iter().map(|(_, post)| post).collect(), next))
}

fn this_minute() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default() / PERIOD
}

async fn load(conn: &mut MySqlConnection, version: u64) -> Result<Option<Numbers>, sqlx::Error> {
    let stored = sqlx::query_scalar!("SELECT posts FROM rankings WHERE version = ?", version);
    let stored = stored.fetch_optional(conn).await?;
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).ok();
    Ok(stored.map(|bytes| bytes.chunks_exact(8).filter_map(number).collect()))
}

async fn compute(conn: &mut MySqlConnection, version: u64) -> Result<(), sqlx::Error> {
    let numbers: Vec<u64> = sqlx::query_scalar!(
        "SELECT target_id FROM content_counters FORCE INDEX (content_counters_hotness)
         WHERE kind = 'post' ORDER BY hotness DESC, target_id DESC LIMIT ?",
        LENGTH
    )
    .fetch_all(&mut *conn)
    .await?;
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_be_bytes).collect();
    sqlx::query!(
        "INSERT IGNORE INTO rankings (version, posts, created_at) VALUES (?, ?, NOW(3))",
        version,
        bytes
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Retention of what nobody pages over any more.
pub(super) fn purge() -> Purge {
    Purge::new("rankings", |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM rankings WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(RETENTION),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}
