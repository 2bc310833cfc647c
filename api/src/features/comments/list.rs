//! Pages of comments.

use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::read::{find_thread, list};
use super::state::CommentsState;
use super::view::{CommentPage, CommentView};
use crate::features::posts;
use crate::http::cursor::{self, ListQuery};
use crate::http::problem::ApiError;

/// What comments are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A post.
    Post(Uuid),
    /// A comment: replies.
    Comment(Uuid),
}

/// Reads a page for `viewer`, in the order of writing.
pub(super) async fn page(
    state: &CommentsState,
    viewer: UserId,
    about: About,
    query: &ListQuery,
) -> Result<CommentPage, ApiError> {
    let name = match about {
        About::Post(_) => "comments",
        About::Comment(_) => "replies",
    };
    let page = query.check(name)?;
    let reading = bounded(async {
        let mut conn = state.pool.acquire().await?;
        let of = match about {
            About::Post(id) => {
                let post = posts::find(&mut conn, viewer, Visibility::Public, id).await?;
                post.map(|post| (post.number, 0))
            }
            About::Comment(id) => match find_thread(&mut conn, viewer, id).await? {
                Some(comment) => {
                    let public = Visibility::Public;
                    let post = posts::find(&mut conn, viewer, public, comment.post).await?;
                    post.map(|post| (post.number, comment.number))
                }
                None => None,
            },
        };
        match of {
            Some(of) => list(&mut conn, viewer, of, page).await.map(Some),
            None => Ok::<_, sqlx::Error>(None),
        }
    });
    let mut found = reading.await?.ok_or(ApiError::NotFound)?;
    let next = page.cut(&mut found, |comment| (comment.number, 0));
    let view = |comment| CommentView::new(comment, &state.pictures);
    Ok(CommentPage {
        items: found.into_iter().map(view).collect(),
        next_cursor: next.map(|place| cursor::write(name, place)),
    })
}
