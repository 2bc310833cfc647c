//! Pictures as the app names them: keys or addresses of uploads, and, in changes, addresses of pictures that a post has.

use toneup_colour::photo::key_in;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::pictures::{PictureUrls, ReadyPicture};
use crate::features::posts::{DraftPicture, Post};

/// What the app means by its texts. What is neither is passed on as it is, to be refused by its place.
pub(super) fn pictures(user: UserId, texts: Vec<String>) -> Vec<DraftPicture> {
    let picture = |text: String| match (key_in(user, &text), picture_id(user, &text)) {
        (Some(key), _) => DraftPicture { object_key: Some(key.to_owned()), id: None, alt: None },
        (None, Some(id)) => DraftPicture { object_key: None, id: Some(id), alt: None },
        (None, None) => DraftPicture { object_key: Some(text), id: None, alt: None },
    };
    texts.into_iter().map(picture).collect()
}

/// The id in the address of a picture of the user's.
fn picture_id(user: UserId, text: &str) -> Option<Uuid> {
    let (_, rest) = text.split_once(&format!("/pictures/{}/", user.0))?;
    let (id, file) = rest.split_once('/')?;
    ["small.jpg", "medium.jpg", "large.jpg"].contains(&file).then(|| id.parse().ok()).flatten()
}

/// The address of somebody's picture, or of the one of those who have none.
pub(super) fn portrait(urls: &PictureUrls, picture: Option<&ReadyPicture>) -> String {
    picture.map_or_else(|| urls.default(), |picture| urls.view(picture).medium)
}

/// The addresses of a post's pictures that are ready: those of lists, and those of its page.
pub(super) fn addresses(urls: &PictureUrls, post: &Post) -> Vec<(String, String)> {
    let ready = post.pictures.iter().filter(|picture| picture.state == "ready");
    ready
        .filter_map(|picture| {
            ReadyPicture::new(post.user_id, Some(picture.id), picture.thumb_hash.clone())
        })
        .map(|picture| {
            let view = urls.view(&picture);
            (view.medium, view.large)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_the_post_has_is_named_by_its_address() {
        let (user, other, id) = (UserId(Uuid::now_v7()), Uuid::now_v7(), Uuid::now_v7());
        let address = format!("https://toneup.example/pictures/{}/{id}/large.jpg", user.0);
        assert_eq!(picture_id(user, &address), Some(id));
        assert_eq!(pictures(user, vec![address.clone()])[0].id, Some(id));
        for text in [
            address.replace("large", "huge"),
            address.replace(&user.0.to_string(), &other.to_string()),
            format!("{address}?x"),
            id.to_string(),
        ] {
            assert_eq!(picture_id(user, &text), None, "{text}");
            assert_eq!(pictures(user, vec![text.clone()])[0].object_key, Some(text));
        }
    }
}
