//! Notices at many users: exact whoever writes at once, and read without reading others'.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::MySqlPool;
use toneup_notify::notices::list::{count_unread, find_unread, list, mark_read, mark_seen, purge};
use toneup_notify::notices::{NewNotice, NoticeKind, settings, tell};
use toneup_plans::assert_reads;
use toneup_platform::database::{Database, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::support::user;

fn like(user: UserId, actor: UserId, subject: Uuid) -> NewNotice {
    NewNotice { user, kind: NoticeKind::PostLiked, subject, actor }
}

#[sqlx::test(migrations = "../../migrations")]
async fn likes_at_once_are_counted_once_each(db: MySqlPool) {
    let (author, post) = (user(&db).await, Uuid::now_v7());
    let fans = join_all((0..12).map(|_| user(&db))).await;
    // Each like arrives twice, in batches of two, over many connections.
    let batches =
        (0..24).map(|n| [like(author, fans[n % 12], post), like(author, fans[(n + 1) % 12], post)]);
    let database = Database::from(db.clone());
    let telling = batches.map(async |batch| {
        let telling = || database.in_transaction(async |conn| tell(conn, &batch).await);
        retry_deadlock(telling).await.unwrap()
    });
    let told: BTreeSet<_> = join_all(telling).await.concat().iter().map(|one| one.notice).collect();
    let mut connection = db.acquire().await.unwrap();
    let found = list(&mut connection, author, None, 10).await.unwrap();
    assert_eq!((told.len(), found.len()), (1, 1));
    assert_eq!((found[0].actors, found[0].times), (12, 12));
    let people: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM notice_actors")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(people, 12);
}

#[sqlx::test(migrations = "../../migrations")]
async fn old_notices_are_purged_with_their_people(db: MySqlPool) {
    let (author, fan) = (user(&db).await, user(&db).await);
    let mut connection = db.acquire().await.unwrap();
    for _ in 0..3 {
        tell(&mut connection, &[like(author, fan, Uuid::now_v7())]).await.unwrap();
    }
    sqlx::query(
        "UPDATE notices SET changed_at = changed_at - INTERVAL 91 DAY ORDER BY place LIMIT 2",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    let days = Duration::from_hours(90 * 24);
    assert_eq!(purge(&mut connection, days, 10).await.unwrap(), 2);
    assert_eq!(purge(&mut connection, days, 10).await.unwrap(), 0);
    let left: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM notices), (SELECT COUNT(*) FROM notice_actors)",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!(left, (1, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn notices_are_read_by_their_indexes(db: MySqlPool) {
    let (me, other) = (user(&db).await, user(&db).await);
    let actors = join_all((0..20).map(|_| user(&db))).await;
    let mut conn = db.acquire().await.unwrap();
    for owner in [me, other] {
        for chunk in 0..10 {
            let news: Vec<NewNotice> = (0..50)
                .map(|number| like(owner, actors[(chunk + number) % 20], Uuid::now_v7()))
                .collect();
            tell(&mut conn, &news).await.unwrap();
        }
    }
    sqlx::query("ANALYZE TABLE notices, notice_actors").execute(&mut *conn).await.unwrap();
    let page = assert_reads!(conn, 64, list(&mut conn, me, None, 10));
    let (first, subject) = (page[0].id, page[0].subject_id);
    // A hundred entries of the index, and as many of the subquery.
    assert_reads!(conn, 210, count_unread(&mut conn, me));
    assert_reads!(conn, 24, find_unread(&mut conn, [first].into_iter()));
    assert_reads!(conn, 8, settings::find(&mut conn, [me].into_iter()));
    // Among them the rows of the statements' own parameters.
    assert_reads!(conn, 64, tell(&mut conn, &[like(me, actors[3], subject)]));
    assert_reads!(conn, 64, tell(&mut conn, &[like(me, actors[3], Uuid::now_v7())]));
    assert_reads!(conn, 12, mark_read(&mut conn, me, Some(&[first])));
    assert_reads!(conn, 8, mark_seen(&mut conn, me, NoticeKind::PostLiked, page[1].subject_id));
    assert_reads!(conn, 8, purge(&mut conn, Duration::from_hours(24), 10));
}
