//! Tests that a batch of likes reads the rows that it is about, however many likes there are.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, MySqlConnection, MySqlPool};
use toneup_plans::rows_read;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::fold::{Ask, Wish};
use super::store::apply_resolved;
use super::target::{Target, TargetKind, TargetName, find, find_blocked};

/// A thousand users, of whom each has written a post, likes that of the first, and blocks the last.
async fn fill(conn: &mut MySqlConnection) {
    for statement in [
        "INSERT INTO users (id, kind, created_at)
         SELECT UNHEX(LPAD(HEX(seq), 32, '0')), 'guest', NOW(3)
         FROM (WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s
               WHERE seq < 1000) SELECT seq FROM s) s",
        "INSERT INTO posts (id, user_id, visibility, state, text, created_at)
         SELECT id, id, 'public', 'ready', 'x', NOW(3) FROM users ORDER BY id",
        "INSERT INTO content_counters (kind, target_id, likes)
         SELECT 'post', number, IF(number = 1, 1000, 0) FROM posts",
        "INSERT INTO likes (kind, target_id, user_id, created_at)
         SELECT 'post', 1, id, NOW(6) FROM users",
        "INSERT INTO restrictions (user_id, subject_id, kind, id)
         SELECT id, UNHEX(LPAD(HEX(1000), 32, '0')), 'block', id FROM users",
        "ANALYZE TABLE users, posts, content_counters, likes, restrictions",
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap();
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_batch_reads_what_it_is_about(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    fill(&mut conn).await;
    let user = |number: u128| UserId(Uuid::from_u128(number));
    let post = |number: u64| Target { kind: TargetKind::Post, number };
    // One hot post, whose likes are taken back, and many that nobody has liked.
    let hot = (1..=30).map(|n| Ask { target: post(1), user: user(n), wish: Wish::Toggle });
    let many = (101..=130).map(|n| Ask { target: post(n), user: user(7), wish: Wish::Like });
    let asks: Vec<Ask> = hot.chain(many).collect();
    let names: HashSet<TargetName> =
        (1..=30).map(|n| TargetName::Post(Uuid::from_u128(n))).collect();
    let pairs: HashSet<_> = (1..=30).map(|n| (user(n), user(1000))).collect();

    let before = rows_read(&mut conn).await;
    assert_eq!(find(&mut conn, &names).await.unwrap().len(), 30);
    let found = rows_read(&mut conn).await;
    assert_eq!(find_blocked(&mut conn, &pairs).await.unwrap().len(), 30);
    let checked = rows_read(&mut conn).await;
    let mut transaction = sqlx::Connection::begin(&mut *conn).await.unwrap();
    let (told, added) = apply_resolved(&mut transaction, &asks).await.unwrap();
    transaction.commit().await.unwrap();
    let written = rows_read(&mut conn).await;

    assert_eq!((told[29].unwrap().likes, added.len()), (970, 30));
    assert!(found - before < 200, "{} rows to find 30 targets", found - before);
    assert!(checked - found < 300, "{} rows to check 30 pairs", checked - found);
    assert!(written - checked < 900, "{} rows for 60 likes", written - checked);
    let differences = crate::counters::check(&mut conn).await.unwrap();
    let of_likes = differences.iter().find(|checked| checked.counter == "likes").unwrap();
    assert_eq!(of_likes.differences, []);
}
