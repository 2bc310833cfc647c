//! Export of a user's pictures.

use futures_util::FutureExt;
use serde_json::json;
use toneup_people::pictures::{find_owned, list_some};

use super::view::{PictureUrls, ReadyPicture};
use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 50;

/// The list of pictures, with the addresses at which they can be read.
pub(crate) fn exports(urls: &PictureUrls) -> Vec<Export> {
    let urls = urls.clone();
    vec![Export::new("pictures", move |conn, user, from| {
        let urls = urls.clone();
        async move {
            let after = from.and_then(|text| text.parse().ok()).map(toneup_jobs::job::JobId);
            let ids = list_some(&mut *conn, user, after, PAGE).await?;
            let whole = ids.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = ids.last().filter(|_| whole).map(|last| last.0.to_string());
            let mut items = Vec::new();
            for id in ids {
                let Some(picture) = find_owned(&mut *conn, user, id).await? else {
                    continue;
                };
                let ready = ReadyPicture::new(user, Some(id.0), picture.thumb_hash);
                items.push(json!({
                    "id": id.0,
                    "state": picture.state,
                    "address": ready.map(|ready| urls.view(&ready).large),
                }));
            }
            ExportPage::of(items, next)
        }
        .boxed()
    })]
}
