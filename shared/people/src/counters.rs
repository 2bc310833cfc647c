//! Comparison of counters with the rows that they count. They change in the same transactions: a difference is a defect.

use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow, MySqlConnection};

/// Most differences of one counter that are listed.
const MOST: u32 = 100;

/// A counter that does not say what the rows do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Difference {
    /// The thing, e.g. `post 7`.
    #[sqlx(rename = "item")]
    pub of: String,
    /// What the counter says.
    pub stored: u64,
    /// What the rows say.
    pub counted: u64,
}

/// A counter, and its differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name.
    pub counter: &'static str,
    /// At most a hundred.
    pub differences: Vec<Difference>,
}

/// The counters, each with the query of all its values beside the rows' count.
const COUNTERS: [(&str, &str); 8] = [
    (
        "likes",
        "SELECT CONCAT(n.kind, ' ', n.target_id) AS item, n.likes AS stored,
                (SELECT COUNT(*) FROM likes l
                 WHERE l.kind = n.kind AND l.target_id = n.target_id) AS counted
         FROM content_counters n",
    ),
    (
        "comments of posts",
        "SELECT CONCAT('post ', n.target_id) AS item, n.comments AS stored,
                (SELECT COUNT(*) FROM comments c
                 WHERE c.post_id = n.target_id AND c.deleted_at IS NULL) AS counted
         FROM content_counters n WHERE n.kind = 'post'",
    ),
    (
        "replies",
        "SELECT CONCAT('comment ', n.target_id) AS item, n.comments AS stored,
                (SELECT COUNT(*) FROM comments c JOIN comments r
                     ON r.post_id = c.post_id AND r.thread = c.number AND r.deleted_at IS NULL
                 WHERE c.number = n.target_id) AS counted
         FROM content_counters n WHERE n.kind = 'comment'",
    ),
    (
        "followers",
        "SELECT CONCAT('user ', u.number) AS item, u.followers AS stored,
                (SELECT COUNT(*) FROM follows f WHERE f.followed_id = u.id) AS counted
         FROM users u",
    ),
    (
        "following",
        "SELECT CONCAT('user ', u.number) AS item, u.following AS stored,
                (SELECT COUNT(*) FROM follows f WHERE f.follower_id = u.id) AS counted
         FROM users u",
    ),
    (
        "posts",
        "SELECT CONCAT('user ', u.number) AS item, COALESCE(a.posts, 0) AS stored,
                (SELECT COUNT(*) FROM posts p WHERE p.user_id = u.id
                     AND p.visibility = 'public' AND p.state = 'ready') AS counted
         FROM users u LEFT JOIN authors a ON a.user_id = u.id",
    ),
    (
        "diary entries",
        "SELECT CONCAT('user ', u.number) AS item, COALESCE(a.entries, 0) AS stored,
                (SELECT COUNT(*) FROM posts p WHERE p.user_id = u.id
                     AND p.visibility = 'self' AND p.state = 'ready') AS counted
         FROM users u LEFT JOIN authors a ON a.user_id = u.id",
    ),
    (
        "newest posts",
        "SELECT CONCAT('user ', u.number) AS item, COALESCE(a.last_post, 0) AS stored,
                (SELECT COALESCE(MAX(p.number), 0) FROM posts p WHERE p.user_id = u.id
                     AND p.visibility = 'public' AND p.state = 'ready') AS counted
         FROM users u LEFT JOIN authors a ON a.user_id = u.id",
    ),
];

/// Compares all counters with their rows. `conn` must be in a transaction that reads one snapshot (REPEATABLE READ).
pub async fn check(conn: &mut MySqlConnection) -> Result<Vec<Checked>, sqlx::Error> {
    let mut checked = Vec::new();
    for (counter, query) in COUNTERS {
        let query = format!(
            "SELECT CAST(q.item AS CHAR) AS item, CAST(q.stored AS UNSIGNED) AS stored,
                    CAST(q.counted AS UNSIGNED) AS counted
             FROM ({query}) q WHERE q.stored <> q.counted LIMIT {MOST}"
        );
        let differences = sqlx::query_as(AssertSqlSafe(query)).fetch_all(&mut *conn).await?;
        checked.push(Checked { counter, differences });
    }
    Ok(checked)
}
