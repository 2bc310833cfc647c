//! Retention: what hangs on deleted posts and comments is erased in slices.

use toneup_people::comments;
use toneup_people::posts::erase::erase_deleted;

use super::ranking;
use crate::http::purge::Purge;

/// The retention rules of posts.
pub(crate) fn purges() -> Vec<Purge> {
    let deleted = Purge::new("posts", |conn, most| {
        Box::pin(async move {
            let mut erased = 0;
            while erased < u64::from(most) {
                match erase_deleted(&mut *conn, most).await? {
                    0 => break,
                    rows => erased += rows,
                }
            }
            Ok(erased)
        })
    });
    let comments = Purge::new("comments", |conn, most| {
        Box::pin(async move {
            let mut erased = 0;
            while erased < u64::from(most) {
                match comments::erase_deleted(&mut *conn, most).await? {
                    0 => break,
                    rows => erased += rows,
                }
            }
            Ok(erased)
        })
    });
    vec![deleted, comments, ranking::purge()]
}
