//! What a post or a diary entry may hold.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use toneup_colour::photo::is_key_of;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::problem::ApiError;
use crate::http::text::refuse_control;

/// Characters of a text.
pub(crate) const TEXT_LENGTH: usize = 1000;
/// Characters of a diary entry's title.
pub(crate) const TITLE_LENGTH: usize = 100;
/// Pictures of a post.
pub(crate) const MOST_PICTURES: usize = 5;
/// Characters of a picture's description.
const ALT_LENGTH: usize = 300;

/// A picture of a post: an upload to make one of, or one that the post has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DraftPicture {
    /// `objectKey` of an upload of the caller's: a JPEG, PNG or WebP.
    pub(crate) object_key: Option<String>,
    /// In a change: a picture that stays.
    pub(crate) id: Option<Uuid>,
    /// Describes the picture for those who do not see it; at most 300 characters.
    pub(crate) alt: Option<String>,
}

/// Where a picture comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// An upload.
    Upload(String),
    /// The post has it.
    Kept(Uuid),
}

/// A picture that keeps the rules. Whether something was uploaded is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckedPicture {
    pub(super) source: Source,
    /// `None`: as it is, or none.
    pub(super) alt: Option<String>,
}

/// Checks a text of `field`.
pub(crate) fn check_text(field: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let text = text.trim();
    if !(1..=longest).contains(&text.chars().count()) {
        return Err(ApiError::invalid(field, format!("expected 1 to {longest} characters")));
    }
    refuse_control(field, text)?;
    Ok(text.to_owned())
}

/// Checks pictures. `kept`: some may be the post's own.
pub(super) fn check_pictures(
    user: UserId,
    pictures: &[DraftPicture],
    may_keep: bool,
) -> Result<Vec<CheckedPicture>, ApiError> {
    if !(1..=MOST_PICTURES).contains(&pictures.len()) {
        let detail = format!("expected 1 to {MOST_PICTURES} pictures");
        return Err(ApiError::invalid("pictures", detail));
    }
    let mut kept = HashSet::new();
    let check = |(index, picture): (usize, &DraftPicture)| {
        let field = |name: &str| format!("pictures[{index}].{name}");
        let source = match (&picture.object_key, picture.id) {
            (Some(key), None) if is_key_of(user, key) => Source::Upload(key.clone()),
            (Some(_), None) => {
                let detail = "expected an objectKey that POST /v1/uploads gave to you";
                return Err(ApiError::invalid(&field("objectKey"), detail));
            }
            (None, Some(id)) if may_keep && kept.insert(id) => Source::Kept(id),
            (None, Some(_)) if may_keep => {
                return Err(ApiError::invalid(&field("id"), "expected once"));
            }
            _ => {
                let detail = if may_keep { "expected this or id" } else { "expected this alone" };
                return Err(ApiError::invalid(&field("objectKey"), detail));
            }
        };
        let alt = picture.alt.as_deref().map(|alt| check_alt(&field("alt"), alt));
        Ok(CheckedPicture { source, alt: alt.transpose()? })
    };
    pictures.iter().enumerate().map(check).collect()
}

fn check_alt(field: &str, alt: &str) -> Result<String, ApiError> {
    match alt.trim() {
        "" => Ok(String::new()),
        alt => check_text(field, alt, ALT_LENGTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(refused: Result<impl std::fmt::Debug, ApiError>) -> String {
        match refused.unwrap_err() {
            ApiError::Validation(error) => error.field,
            other => panic!("{other:?}"),
        }
    }

    fn upload(key: &str) -> DraftPicture {
        DraftPicture { object_key: Some(key.to_owned()), id: None, alt: None }
    }

    #[test]
    fn a_text_has_characters_and_not_too_many() {
        assert_eq!(check_text("text", " 봄\n옷 ", 1000).unwrap(), "봄\n옷");
        assert!(check_text("text", &"봄".repeat(1000), 1000).is_ok());
        for text in ["", " \n ", "a\u{7}b", &"봄".repeat(1001)] {
            assert_eq!(field_of(check_text("text", text, 1000)), "text");
        }
    }

    #[test]
    fn pictures_are_uploads_of_ones_own_or_the_posts() {
        let (user, id) = (UserId(Uuid::from_u128(7)), Uuid::from_u128(9));
        let own = upload(&format!("u/{}/a.jpg", user.0));
        let kept = DraftPicture { object_key: None, id: Some(id), alt: Some(" a cat ".into()) };
        let checked = check_pictures(user, &[own.clone(), kept.clone()], true).unwrap();
        assert_eq!(checked[1].source, Source::Kept(id));
        assert_eq!(checked[1].alt.as_deref(), Some("a cat"));
        let both = DraftPicture { id: Some(id), ..own.clone() };
        let neither = DraftPicture { object_key: None, ..own.clone() };
        let long = DraftPicture { alt: Some("x".repeat(301)), ..own.clone() };
        let foreign = upload("u/018f/a.jpg");
        for (pictures, may_keep, field) in [
            (vec![], false, "pictures"),
            (vec![own.clone(); 6], false, "pictures"),
            (vec![own.clone(), foreign], false, "pictures[1].objectKey"),
            (vec![kept.clone()], false, "pictures[0].objectKey"),
            (vec![both], true, "pictures[0].objectKey"),
            (vec![neither], true, "pictures[0].objectKey"),
            (vec![kept.clone(), kept], true, "pictures[1].id"),
            (vec![long], false, "pictures[0].alt"),
        ] {
            assert_eq!(field_of(check_pictures(user, &pictures, may_keep)), field);
        }
    }
}
