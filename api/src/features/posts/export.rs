//! Export of a user's posts and diary.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use toneup_people::posts::Visibility;
use toneup_platform::identity::UserId;

use super::numbers::list_own;
use super::read::{Post, read_all};
use super::view::{EntryView, PostView};
use crate::features::pictures::PictureUrls;
use crate::http::cursor::ListPage;
use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 50;

/// The lists of what a user has written.
pub(crate) fn exports(urls: &PictureUrls) -> Vec<Export> {
    let list = |name, visibility| {
        let urls = urls.clone();
        Export::new(name, move |conn, user, from| {
            let urls = urls.clone();
            async move {
                let (posts, next) = read(conn, user, visibility, from).await?;
                let view = |post: Post| match visibility {
                    Visibility::Public => json!(PostView::new(post, &urls)),
                    Visibility::Own => json!(EntryView::new(post, &urls)),
                };
                ExportPage::of(posts.into_iter().map(view), next)
            }
            .boxed()
        })
    };
    vec![list("posts", Visibility::Public), list("diary", Visibility::Own)]
}

async fn read(
    conn: &mut MySqlConnection,
    user: UserId,
    visibility: Visibility,
    from: Option<String>,
) -> Result<(Vec<Post>, Option<String>), sqlx::Error> {
    let after = from.and_then(|text| text.parse().ok()).map(|number| (number, 0));
    let page = ListPage { limit: PAGE, after };
    let mut numbers = list_own(&mut *conn, user, visibility, page).await?;
    let next = page.cut(&mut numbers, |number| (*number, 0));
    let posts = read_all(conn, user, visibility, &numbers).await?;
    Ok((posts, next.map(|(number, _)| number.to_string())))
}
