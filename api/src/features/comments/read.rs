//! Reading comments: one query decides who sees which.

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use time::OffsetDateTime;
use toneup_colour::result::PersonalColor;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::posts::{Way, push_unrestricted};
use crate::http::cursor::ListPage;

/// A comment as its viewer may see it.
#[derive(Debug, FromRow)]
pub(crate) struct Comment {
    pub(crate) number: u64,
    pub(super) id: Uuid,
    pub(super) post: Uuid,
    /// The comment that it replies to.
    pub(super) parent: Option<Uuid>,
    pub(super) text: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) edited_at: Option<OffsetDateTime>,
    pub(super) deleted_at: Option<OffsetDateTime>,
    /// `None` if it is deleted.
    pub(super) user_id: Option<UserId>,
    pub(super) author_number: Option<u64>,
    pub(super) nickname: Option<String>,
    pub(super) author_picture: Option<Uuid>,
    pub(super) author_thumb_hash: Option<Vec<u8>>,
    pub(super) colour: Option<PersonalColor>,
    likes: Option<u32>,
    replies: Option<u32>,
    is_liked: i64,
}

impl Comment {
    /// Returns true if the viewer likes it.
    pub(super) fn is_liked(&self) -> bool {
        self.is_liked != 0
    }

    /// Number of likes.
    pub(super) fn likes(&self) -> u32 {
        self.likes.unwrap_or_default()
    }

    /// Number of replies.
    pub(super) fn replies(&self) -> u32 {
        self.replies.unwrap_or_default()
    }
}

/// Finds a comment for `viewer` that is not deleted.
pub(crate) async fn find(
    conn: &mut MySqlConnection,
    viewer: UserId,
    id: Uuid,
) -> Result<Option<Comment>, sqlx::Error> {
    let mut query = visible(viewer, Way::Named);
    query.push(" AND c.deleted_at IS NULL AND c.id = ").push_bind(id);
    query.build_query_as().fetch_optional(conn).await
}

/// Finds a comment for `viewer`, or what is left of it.
pub(super) async fn find_thread(
    conn: &mut MySqlConnection,
    viewer: UserId,
    id: Uuid,
) -> Result<Option<Comment>, sqlx::Error> {
    let mut query = visible(viewer, Way::Named);
    query.push(" AND c.id = ").push_bind(id);
    query.build_query_as().fetch_optional(conn).await
}

/// Lists comments of a thread (0: those that reply to none) for `viewer`, in the order of writing. Of the deleted ones, those
/// with replies are left, empty.
pub(super) async fn list(
    conn: &mut MySqlConnection,
    viewer: UserId,
    (post, thread): (u64, u64),
    page: ListPage,
) -> Result<Vec<Comment>, sqlx::Error> {
    let mut query = visible(viewer, Way::Listed);
    query.push(" AND c.post_id = ").push_bind(post).push(" AND c.thread = ").push_bind(thread);
    query.push(" AND c.number > ").push_bind(page.after.map_or(0, |(number, _)| number));
    query.push(" AND (c.deleted_at IS NULL OR n.comments > 0) ORDER BY c.number LIMIT ");
    query.push_bind(page.reach());
    query.build_query_as().fetch_all(conn).await
}

/// Comments that `viewer` may see: on posts that are shown, unless one blocks the other, or the viewer mutes the author and
/// has not asked for it.
fn visible(viewer: UserId, way: Way) -> QueryBuilder<MySql> {
    let mut query = QueryBuilder::new(
        "SELECT c.number, c.id, p.id AS post, t.id AS parent, c.text, c.created_at, c.edited_at,
                c.deleted_at, u.id AS user_id, u.number AS author_number, u.nickname,
                u.picture_id AS author_picture, a.thumb_hash AS author_thumb_hash, s.colour,
                n.likes, n.comments AS replies,
                EXISTS (SELECT 1 FROM likes l
                        WHERE l.kind = 'comment' AND l.target_id = c.number AND l.user_id = ",
    );
    query.push_bind(viewer).push(
        ") AS is_liked
         FROM comments c
         JOIN posts p ON p.number = c.post_id
         JOIN users h ON h.id = p.user_id
         LEFT JOIN comments t ON t.number = c.thread
         LEFT JOIN users u ON u.id = c.user_id
         LEFT JOIN pictures a ON a.id = u.picture_id
         LEFT JOIN personal_colours s ON s.user_id = u.id
         LEFT JOIN content_counters n ON n.kind = 'comment' AND n.target_id = c.number
         WHERE p.state = 'ready' AND h.deleted_at IS NULL AND u.deleted_at IS NULL
           AND (u.id IS NOT NULL OR c.deleted_at IS NOT NULL) AND ",
    );
    push_unrestricted(&mut query, viewer, "c.user_id", way);
    query.push(" AND ");
    push_unrestricted(&mut query, viewer, "p.user_id", Way::Named);
    query
}
