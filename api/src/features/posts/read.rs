//! Reading posts: one query decides who sees which.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use time::OffsetDateTime;
use toneup_colour::result::PersonalColor;
use toneup_people::posts::Visibility;
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// A post as its viewer may see it.
#[derive(Debug, FromRow)]
pub(crate) struct Post {
    pub(crate) number: u64,
    pub(crate) id: Uuid,
    pub(crate) user_id: UserId,
    pub(crate) state: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) edited_at: Option<OffsetDateTime>,
    pub(crate) author_number: u64,
    pub(crate) nickname: String,
    pub(crate) author_picture: Option<Uuid>,
    pub(crate) author_thumb_hash: Option<Vec<u8>>,
    pub(crate) colour: Option<PersonalColor>,
    /// `None` while it has no counters: nobody has ever been shown it.
    likes: Option<u32>,
    comments: Option<u32>,
    is_liked: i64,
    #[sqlx(skip)]
    pub(crate) pictures: Vec<Picture>,
}

impl Post {
    /// Returns true if the viewer likes it.
    pub(crate) fn is_liked(&self) -> bool {
        self.is_liked != 0
    }

    /// Number of likes.
    pub(crate) fn likes(&self) -> u32 {
        self.likes.unwrap_or_default()
    }

    /// Number of comments.
    pub(crate) fn comments(&self) -> u32 {
        self.comments.unwrap_or_default()
    }
}

/// A picture of a post.
#[derive(Debug, FromRow)]
pub(crate) struct Picture {
    post_id: u64,
    pub(crate) id: Uuid,
    /// `pending`, `ready` or `refused`.
    pub(crate) state: String,
    pub(crate) alt: String,
    pub(crate) width: Option<u16>,
    pub(crate) height: Option<u16>,
    pub(crate) thumb_hash: Option<Vec<u8>>,
    pub(crate) error_code: Option<String>,
}

/// How somebody comes upon a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By its id: also those of people whom the viewer mutes.
    Named,
    /// In a list.
    Listed,
}

/// Finds a post for `viewer` by its id.
pub(crate) async fn find(
    conn: &mut MySqlConnection,
    viewer: UserId,
    visibility: Visibility,
    id: Uuid,
) -> Result<Option<Post>, sqlx::Error> {
    let mut query = visible(viewer, visibility, Way::Named);
    query.push(" AND p.id = ").push_bind(id);
    Ok(read(conn, query).await?.pop())
}

/// Finds a post for `viewer` by its number.
pub(crate) async fn find_by_number(
    conn: &mut MySqlConnection,
    viewer: UserId,
    visibility: Visibility,
    number: u64,
) -> Result<Option<Post>, sqlx::Error> {
    let mut query = visible(viewer, visibility, Way::Named);
    query.push(" AND p.number = ").push_bind(number);
    Ok(read(conn, query).await?.pop())
}

/// Reads posts by their numbers, in that order; those that `viewer` may not see are left out.
pub(crate) async fn read_all(
    conn: &mut MySqlConnection,
    viewer: UserId,
    visibility: Visibility,
    numbers: &[u64],
) -> Result<Vec<Post>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = visible(viewer, visibility, Way::Listed);
    bind_list(query.push(" AND p.number IN "), numbers.iter().copied());
    let found = read(conn, query).await?;
    let mut found: HashMap<u64, Post> = found.into_iter().map(|post| (post.number, post)).collect();
    Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
}

/// Posts that `viewer` may see: one's own, and others' that are ready, unless one blocks the other, or the viewer mutes the
/// author and has not asked for it.
fn visible(viewer: UserId, visibility: Visibility, way: Way) -> QueryBuilder<MySql> {
    let mut query = QueryBuilder::new(
        "SELECT p.number, p.id, p.user_id, p.state, p.title, p.text, p.created_at, p.edited_at,
                u.number AS author_number, u.nickname, u.picture_id AS author_picture,
                a.thumb_hash AS author_thumb_hash, c.colour,
                n.likes, n.comments,
                EXISTS (SELECT 1 FROM likes l
                        WHERE l.kind = 'post' AND l.target_id = p.number AND l.user_id = ",
    );
    query.push_bind(viewer).push(
        ") AS is_liked
         FROM posts p
         JOIN users u ON u.id = p.user_id
         LEFT JOIN pictures a ON a.id = u.picture_id
         LEFT JOIN personal_colours c ON c.user_id = u.id
         LEFT JOIN content_counters n ON n.kind = 'post' AND n.target_id = p.number
         WHERE u.deleted_at IS NULL AND p.visibility = ",
    );
    query.push_bind(visibility.as_str());
    match visibility {
        Visibility::Own => {
            query.push(" AND p.state <> 'deleted' AND p.user_id = ").push_bind(viewer);
        }
        Visibility::Public => {
            query.push(" AND (p.state = 'ready' OR p.state <> 'deleted' AND p.user_id = ");
            query.push_bind(viewer).push(") AND ");
            push_unrestricted(&mut query, viewer, "p.user_id", way);
        }
    }
    query
}

/// Appends that neither of `viewer` and `author` blocks the other; in lists, nor does the viewer mute the author.
pub(crate) fn push_unrestricted(
    query: &mut QueryBuilder<MySql>,
    viewer: UserId,
    author: &str,
    way: Way,
) {
    query.push(format_args!(
        "NOT EXISTS (SELECT 1 FROM restrictions b
                     WHERE b.user_id = {author} AND b.kind = 'block' AND b.subject_id = "
    ));
    query.push_bind(viewer);
    query.push(") AND NOT EXISTS (SELECT 1 FROM restrictions m WHERE m.user_id = ");
    query.push_bind(viewer).push(format_args!(" AND m.subject_id = {author}"));
    if way == Way::Named {
        query.push(" AND m.kind = 'block'");
    }
    query.push(")");
}

async fn read(
    conn: &mut MySqlConnection,
    mut query: QueryBuilder<MySql>,
) -> Result<Vec<Post>, sqlx::Error> {
    let mut posts: Vec<Post> = query.build_query_as().fetch_all(&mut *conn).await?;
    if posts.is_empty() {
        return Ok(posts);
    }
    let mut query = QueryBuilder::new(
        "SELECT pp.post_id, pp.picture_id AS id, x.state, pp.alt, x.width, x.height, x.thumb_hash,
                x.error_code
         FROM post_pictures pp JOIN pictures x ON x.id = pp.picture_id
         WHERE pp.post_id IN ",
    );
    bind_list(&mut query, posts.iter().map(|post| post.number));
    query.push(" ORDER BY pp.post_id, pp.position");
    let pictures: Vec<Picture> = query.build_query_as().fetch_all(conn).await?;
    let mut by_post: HashMap<u64, Vec<Picture>> = HashMap::new();
    for picture in pictures {
        by_post.entry(picture.post_id).or_default().push(picture);
    }
    for post in &mut posts {
        post.pictures = by_post.remove(&post.number).unwrap_or_default();
    }
    Ok(posts)
}
