//! Tests that feeds read only the rows they need, however full the tables are: the server's own counters of rows read are
//! compared before and after.

use sqlx::{AssertSqlSafe, MySqlConnection, MySqlPool};
use toneup_people::posts::Visibility;
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::feeds::{Feed, read_feed};
use super::home::list_home;
use super::numbers::{list_liked, list_newest, list_of, list_own};
use super::read::{find, find_by_number};
use crate::features::people::list_likers;
use crate::http::cursor::ListPage;

const AUTHORS: u64 = 300;
const POSTS_EACH: u64 = 10;
const LIMIT: u32 = 10;

/// Authors with ten posts each, in turns; the first user follows all of them, and likes all that they have posted.
async fn fill(conn: &mut MySqlConnection) -> (UserId, UserId) {
    let statements = [
        format!(
            "INSERT INTO users (id, kind, created_at)
             SELECT UNHEX(LPAD(HEX(seq), 32, '0')), 'guest', NOW(3)
             FROM (WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s
                   WHERE seq <= {AUTHORS}) SELECT seq FROM s) s"
        ),
        format!(
            "INSERT INTO posts (id, user_id, visibility, state, text, created_at)
             SELECT UNHEX(REPLACE(UUID(), '-', '')), u.id, 'public', 'ready', 'x', NOW(3)
             FROM (WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s
                   WHERE seq < {POSTS_EACH}) SELECT seq FROM s) s JOIN users u
             ORDER BY s.seq, u.id"
        ),
        "INSERT INTO authors (user_id, last_post, posts)
         SELECT user_id, MAX(number), COUNT(*) FROM posts GROUP BY user_id"
            .to_owned(),
        "INSERT INTO content_counters (kind, target_id, likes) SELECT 'post', number, 1 FROM posts"
            .to_owned(),
        "INSERT INTO follows (follower_id, followed_id, id)
         SELECT UNHEX(LPAD('1', 32, '0')), id, id FROM users WHERE id <> UNHEX(LPAD('1', 32, '0'))"
            .to_owned(),
        "INSERT INTO likes (kind, target_id, user_id, created_at)
         SELECT 'post', number, UNHEX(LPAD('1', 32, '0')), NOW(6) - INTERVAL number SECOND FROM posts"
            .to_owned(),
        "INSERT INTO likes (kind, target_id, user_id, created_at)
         SELECT 'post', 1, id, NOW(6) FROM users WHERE id <> UNHEX(LPAD('1', 32, '0'))"
            .to_owned(),
        "INSERT INTO restrictions (user_id, subject_id, kind, id)
         SELECT id, UNHEX(LPAD('2', 32, '0')), 'mute', id FROM users
         WHERE id > UNHEX(LPAD('2', 32, '0'))"
            .to_owned(),
    ];
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(
        "ANALYZE TABLE users, posts, authors, content_counters, follows, likes, restrictions,
                       post_pictures, pictures, personal_colours",
    )
    .execute(conn)
    .await
    .unwrap();
    (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)))
}

#[sqlx::test(migrations = "../migrations")]
async fn no_feed_reads_the_tables_through(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let (me, other) = fill(&mut conn).await;
    let conn = &mut *conn;
    let followed = i64::try_from(AUTHORS).unwrap();
    let first = ListPage { limit: LIMIT, after: None };
    let deep = ListPage { limit: LIMIT, after: Some((AUTHORS * POSTS_EACH / 2, 0)) };
    let newest = Visibility::Public;

    // For each who is followed: the follow, the newest post, whether they are muted.
    let page = assert_reads!(*conn, 4 * followed + 200, list_home(conn, me, first));
    assert_eq!(page.len(), 11);
    let page = assert_reads!(*conn, 60, list_home(conn, me, deep));
    assert_eq!(page.len(), 11);
    // Where the posts just below the cursor do not fill a page, also the posts above it are read.
    let end = ListPage { limit: LIMIT, after: Some((8, 0)) };
    let above = i64::try_from(AUTHORS * POSTS_EACH).unwrap();
    let page = assert_reads!(*conn, 6 * followed + above + 400, list_home(conn, me, end));
    assert_eq!(page.len(), 6, "one of the seven is the reader's own");
    for page in [first, deep] {
        assert_eq!(assert_reads!(*conn, 60, list_newest(conn, me, page)).len(), 11);
        let own = assert_reads!(*conn, 30, list_own(conn, other, newest, page));
        let of = assert_reads!(*conn, 30, list_of(conn, other, newest, page));
        assert_eq!(own, of);
    }
    let liked = assert_reads!(*conn, 40, list_liked(conn, me, first));
    let after = ListPage { limit: LIMIT, after: liked.last().copied() };
    assert_eq!(assert_reads!(*conn, 40, list_liked(conn, me, after)).len(), 11);
    // Of each post the row, its author, and what adorns both.
    let (posts, _) = assert_reads!(*conn, 250, read_feed(conn, me, Feed::Newest, first));
    assert_eq!(posts.len(), 10);
    let post = assert_reads!(*conn, 20, find(conn, me, newest, posts[0].id)).unwrap();
    assert_reads!(*conn, 20, find_by_number(conn, me, newest, post.number));
    let of = ("post", 1);
    let people = assert_reads!(*conn, 120, list_likers(conn, me, of, None, LIMIT));
    let before = people.last().map(|last| last.place);
    assert_eq!(assert_reads!(*conn, 120, list_likers(conn, me, of, before, LIMIT)).len(), 10);
}
