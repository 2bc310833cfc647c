//! Contents of the databases, written by one statement for each table. Everybody's id is a number.

use std::ops::Range;

use sqlx::{AssertSqlSafe, MySqlConnection};
use uuid::Uuid;

/// Seeds of the runs with faults; each has a post of its own.
pub(super) const SEEDS: [u64; 3] = [7, 8, 9];
/// The post that everybody likes and likes no longer, by its number.
pub(super) const HOT_POST: u64 = 1;

/// First numbers of the groups of people; authors begin at 1.
const LIKERS: u64 = 1_000_000;
const WRITERS: u64 = 2_000_000;
const FOLLOWERS: u64 = 10_000_000;
/// Follows many authors.
pub(super) const MANY: u64 = 3_000_001;
/// Follows few authors.
pub(super) const FEW: u64 = 3_000_002;
/// Has very many followers.
pub(super) const STAR: u64 = 3_000_003;
/// Has one follower.
pub(super) const NOBODY: u64 = 3_000_004;
/// Follows the two.
pub(super) const FAN: u64 = 3_000_005;
/// Has very many posts, and leaves.
pub(super) const LEAVER: u64 = 3_000_006;
/// Follows the writers.
pub(super) const READER: u64 = 3_000_007;

/// Numbers of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) posts: u64,
    pub(super) authors: u64,
    /// Authors whom the one with many and the one with few follow.
    pub(super) followed: [u64; 2],
    pub(super) likers: u64,
    pub(super) followers: u64,
    /// Posts of the one who leaves.
    pub(super) left: u64,
}

impl Size {
    /// The size of a full run, or a tenth of it.
    pub(super) fn new(quick: bool) -> Self {
        let part = if quick { 10 } else { 1 };
        Self {
            posts: 1_000_000 / part,
            authors: 20_000 / part,
            // A feed of fifty pages at least.
            followed: [2_000 / part, if quick { 40 } else { 200 }],
            likers: 10_000 / part,
            followers: 1_000_000 / part,
            left: 100_000 / part,
        }
    }
}

/// Number of people who write while a reader pages, and the posts of each before.
pub(super) const WRITING: u64 = 50;
pub(super) const POSTS_BEFORE: u64 = 20;

/// First numbers of the ids of posts: those of the one who leaves, of authors, and of the people who write.
const LEFT_POSTS: u64 = 10_000_000;
pub(super) const POSTS: u64 = 20_000_000;
pub(super) const WRITERS_POSTS: u64 = 30_000_000;

/// The id of a person, or of a post.
pub(super) fn id(number: u64) -> Uuid {
    Uuid::from_u128(number.into())
}

/// The people who like.
pub(super) fn likers(size: Size) -> Range<u64> {
    LIKERS..LIKERS + size.likers
}

/// The people who write while a reader pages.
pub(super) fn writers() -> Range<u64> {
    WRITERS..WRITERS + WRITING
}

/// SQL of an id whose number is an expression.
fn sql_id(number: &str) -> String {
    format!("UNHEX(LPAD(HEX({number}), 32, '0'))")
}

/// Users with these numbers.
fn users(numbers: &Range<u64>) -> String {
    format!(
        "INSERT INTO users (id, kind, created_at) SELECT {}, 'guest', NOW(3) FROM seq_{}_to_{}",
        sql_id("seq"),
        numbers.start,
        numbers.end - 1
    )
}

/// Posts that are shown, `count` of them, whose ids begin at `first`; `author` is an expression of `seq`, from 1 on.
fn posts(first: u64, count: u64, author: &str) -> String {
    format!(
        "INSERT INTO posts (id, user_id, visibility, state, text, created_at)
         SELECT {}, {}, 'public', 'ready', 'A yellow coat for the first warm days, and a scarf.',
                NOW(3) - INTERVAL ({count} - seq) SECOND FROM seq_1_to_{count}",
        sql_id(&format!("{first} + seq")),
        sql_id(author)
    )
}

/// What follows from the posts and follows that are there.
fn counts() -> Vec<String> {
    let counted = |column: &str, side: &str| {
        format!(
            "UPDATE users u JOIN (SELECT {side} AS id, COUNT(*) AS n FROM follows GROUP BY {side}) f
             ON f.id = u.id SET u.{column} = f.n"
        )
    };
    vec![
        "INSERT INTO authors (user_id, last_post, posts)
         SELECT user_id, MAX(number), COUNT(*) FROM posts GROUP BY user_id"
            .to_owned(),
        "INSERT INTO content_counters (kind, target_id, born_at, hotness)
         SELECT 'post', number, UNIX_TIMESTAMP(created_at), number FROM posts ORDER BY number"
            .to_owned(),
        counted("followers", "followed_id"),
        counted("following", "follower_id"),
        "ANALYZE TABLE users, posts, authors, content_counters, follows, likes".to_owned(),
    ]
}

/// People who like, and a few posts.
pub(super) async fn small(conn: &mut MySqlConnection, size: Size) -> anyhow::Result<()> {
    let mut statements = vec![users(&(1..2)), users(&likers(size)), posts(0, 100, "1")];
    statements.extend(counts());
    run(conn, statements).await
}

/// Authors and their posts, and people who read them.
pub(super) async fn large(conn: &mut MySqlConnection, size: Size) -> anyhow::Result<()> {
    let Size { posts: count, authors, followed, followers, left, .. } = size;
    let mut statements: Vec<String> =
        [&(1..authors + 1), &(MANY..READER + 1), &writers(), &likers(size)].map(users).into();
    statements.push(posts(LEFT_POSTS, left, &LEAVER.to_string()));
    statements.push(posts(POSTS, count, &format!("1 + CRC32(seq) MOD {authors}")));
    let lasting = WRITING * POSTS_BEFORE;
    statements.push(posts(WRITERS_POSTS, lasting, &format!("{WRITERS} + seq MOD {WRITING}")));
    for (reader, followed) in [MANY, FEW].into_iter().zip(followed) {
        let author = format!("seq * {}", authors / followed);
        statements.push(follows(&reader.to_string(), &author, followed));
    }
    statements.push(follows(&READER.to_string(), &format!("{WRITERS} + seq - 1"), WRITING));
    statements.push(follows(&FAN.to_string(), &format!("{STAR} + seq - 1"), 2));
    statements.push(follows(&format!("{FOLLOWERS} + seq"), &STAR.to_string(), followers - 1));
    statements.extend(counts());
    statements.extend(likes());
    statements.extend(pictures(count / 10));
    run(conn, statements).await
}

/// One like of each post of the one who leaves, and the reader's of those of the people who write.
fn likes() -> [String; 3] {
    let liked = |liker: u64, posts: String| {
        format!(
            "INSERT INTO likes (kind, target_id, user_id, created_at)
             SELECT 'post', p.number, {}, p.created_at FROM posts p WHERE {posts}",
            sql_id(&liker.to_string())
        )
    };
    let by = |user: u64| sql_id(&user.to_string());
    let of_leaver = format!("p.user_id = {}", by(LEAVER));
    let of_writers =
        format!("p.user_id >= {} AND p.user_id < {}", by(WRITERS), by(WRITERS + WRITING));
    [
        liked(LIKERS, of_leaver.clone()),
        liked(READER, of_writers.clone()),
        format!(
            "UPDATE content_counters c JOIN posts p ON p.number = c.target_id
             SET c.likes = 1 WHERE c.kind = 'post' AND ({of_leaver} OR {of_writers})"
        ),
    ]
}

fn follows(follower: &str, followed: &str, count: u64) -> String {
    format!(
        "INSERT INTO follows (follower_id, followed_id, id)
         SELECT {}, {}, UNHEX(LPAD(HEX(seq), 32, '0')) FROM seq_1_to_{count}",
        sql_id(follower),
        sql_id(followed)
    )
}

/// A picture of each of the newest posts.
fn pictures(count: u64) -> [String; 2] {
    [
        format!(
            "INSERT INTO pictures (id, user_id, purpose, state, source_key, width, height, created_at)
             SELECT id, user_id, 'post', 'ready', 'none', 640, 640, created_at FROM posts
             ORDER BY number DESC LIMIT {count}"
        ),
        format!(
            "INSERT INTO post_pictures (post_id, position, picture_id, alt)
             SELECT number, 0, id, 'a yellow coat' FROM posts ORDER BY number DESC LIMIT {count}"
        ),
    ]
}

/// Runs the statements, without the checks and flushes of single rows.
async fn run(conn: &mut MySqlConnection, statements: Vec<String>) -> anyhow::Result<()> {
    let checks = "SET SESSION unique_checks = 0, foreign_key_checks = 0".to_owned();
    for statement in std::iter::once(checks).chain(statements) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}
