//! What can be liked, and who may like it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, json_rows};
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// Kind of a thing that can be liked. The order is the one in which counters are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetKind {
    /// A comment on a post.
    Comment,
    /// A post.
    Post,
    /// A product.
    Product,
}

impl TargetKind {
    /// All kinds, in the order of locking.
    pub const ALL: [Self; 3] = [Self::Comment, Self::Post, Self::Product];

    /// The word used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Post => "post",
            Self::Product => "product",
        }
    }
}

/// A thing that can be liked, as its counters name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// Its kind.
    pub kind: TargetKind,
    /// Its number.
    pub number: u64,
}

/// A thing that can be liked, as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetName {
    /// A post, by its id.
    Post(Uuid),
    /// A post, by its number.
    PostNumber(u64),
    /// A comment, by its id.
    Comment(Uuid),
    /// A product, by its number.
    Product(u64),
}

/// A target that exists, and the people who may have blocked somebody from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: Target,
    /// Where it comes from; a product comes from nobody.
    pub(super) origin: Option<Origin>,
}

/// Where a target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// The target's public id.
    pub(super) id: Uuid,
    /// Its author.
    pub(super) owner: UserId,
    /// The author of the post that it is on; the same for a post.
    pub(super) host: UserId,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    number: u64,
    owner: UserId,
    host: UserId,
}

const POSTS: &str = "SELECT p.id, p.number, p.user_id AS owner, p.user_id AS host
    FROM posts p JOIN users u ON u.id = p.user_id
    WHERE p.visibility = 'public' AND p.state = 'ready' AND u.deleted_at IS NULL AND ";

const COMMENTS: &str = "SELECT c.id, c.number, c.user_id AS owner, p.user_id AS host
    FROM comments c JOIN posts p ON p.number = c.post_id
    JOIN users u ON u.id = c.user_id JOIN users h ON h.id = p.user_id
    WHERE c.deleted_at IS NULL AND p.state = 'ready' AND u.deleted_at IS NULL
      AND h.deleted_at IS NULL AND ";

/// Finds the targets that exist.
pub(super) async fn find(
    conn: &mut MySqlConnection,
    names: &HashSet<TargetName>,
) -> Result<HashMap<TargetName, Found>, sqlx::Error> {
    let (mut posts, mut numbers, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    let mut products = Vec::new();
    for name in names {
        match *name {
            TargetName::Post(id) => posts.push(id),
            TargetName::PostNumber(number) => numbers.push(number),
            TargetName::Comment(id) => comments.push(id),
            TargetName::Product(number) => products.push(number),
        }
    }
    let mut found = HashMap::new();
    if !posts.is_empty() {
        let mut query = QueryBuilder::new(POSTS);
        bind_list(query.push("p.id IN "), posts.into_iter());
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
        let post = |row: Row| (TargetName::Post(row.id), row.found(TargetKind::Post));
        found.extend(rows.into_iter().map(post));
    }
    if !numbers.is_empty() {
        let mut query = QueryBuilder::new(POSTS);
        bind_list(query.push("p.number IN "), numbers.into_iter());
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
        let post = |row: Row| (TargetName::PostNumber(row.number), row.found(TargetKind::Post));
        found.extend(rows.into_iter().map(post));
    }
    if !comments.is_empty() {
        let mut query = QueryBuilder::new(COMMENTS);
        bind_list(query.push("c.id IN "), comments.into_iter());
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
        let comment = |row: Row| (TargetName::Comment(row.id), row.found(TargetKind::Comment));
        found.extend(rows.into_iter().map(comment));
    }
    if !products.is_empty() {
        let mut query = QueryBuilder::new("SELECT id FROM products WHERE id IN ");
        bind_list(&mut query, products.into_iter());
        let rows: Vec<u64> = query.build_query_scalar().fetch_all(&mut *conn).await?;
        let product = |number| {
            let target = Target { kind: TargetKind::Product, number };
            (TargetName::Product(number), Found { target, origin: None })
        };
        found.extend(rows.into_iter().map(product));
    }
    Ok(found)
}

impl Row {
    fn found(&self, kind: TargetKind) -> Found {
        let target = Target { kind, number: self.number };
        let origin = Origin { id: self.id, owner: self.owner, host: self.host };
        Found { target, origin: Some(origin) }
    }
}

/// Of pairs of people, those of whom one blocks the other; each pair as it was given.
pub(super) async fn find_blocked(
    conn: &mut MySqlConnection,
    pairs: &HashSet<(UserId, UserId)>,
) -> Result<HashSet<(UserId, UserId)>, sqlx::Error> {
    #[derive(Serialize)]
    struct Pair {
        a: String,
        b: String,
    }
    let hex = |user: UserId| user.0.simple().to_string();
    let rows: Vec<Pair> = pairs
        .iter()
        .filter(|(user, other)| user != other)
        .flat_map(|(user, other)| [(user, other), (other, user)])
        .map(|(a, b)| Pair { a: hex(*a), b: hex(*b) })
        .collect();
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let blocks: Vec<(UserId, UserId)> = sqlx::query_as(
        "SELECT b.user_id, b.subject_id
         FROM JSON_TABLE(?, '$[*]' COLUMNS (a CHAR(32) PATH '$.a', b CHAR(32) PATH '$.b')) AS r
         STRAIGHT_JOIN restrictions b
             ON b.user_id = UNHEX(r.a) AND b.subject_id = UNHEX(r.b) AND b.kind = 'block'",
    )
    .bind(json_rows(&rows)?)
    .fetch_all(conn)
    .await?;
    let both = blocks.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]);
    Ok(both.filter(|pair| pairs.contains(pair)).collect())
}
