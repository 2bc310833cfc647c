//! Pictures as clients see them.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use toneup_platform::identity::UserId;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

/// A picture that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadyPicture {
    pub(crate) owner: UserId,
    pub(crate) id: Uuid,
    pub(crate) thumb_hash: Vec<u8>,
}

impl ReadyPicture {
    /// Builds the view of a stored picture.
    pub(crate) fn new(
        owner: UserId,
        id: Option<Uuid>,
        thumb_hash: Option<Vec<u8>>,
    ) -> Option<Self> {
        Some(Self { owner, id: id?, thumb_hash: thumb_hash? })
    }
}

/// A picture in three sizes, at addresses that stay and may be cached for ever.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PictureView {
    /// At most 160 pixels wide and high.
    pub(crate) small: String,
    /// At most 640 pixels wide and high.
    pub(crate) medium: String,
    /// At most 1600 pixels wide and high.
    pub(crate) large: String,
    /// A preview in a few bytes, as base64 (`ThumbHash`).
    pub(crate) thumb_hash: String,
}

/// The addresses of pictures. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PictureUrls(Arc<str>);

impl PictureUrls {
    /// Pictures are served on the page's origin.
    pub(crate) fn new(origin: &Url) -> Self {
        Self(format!("{}/pictures", origin.origin().ascii_serialization()).into())
    }

    /// The address of the picture of those who have none.
    pub(crate) fn default(&self) -> String {
        format!("{}/default.jpg", self.0)
    }

    /// The addresses of a picture.
    pub(crate) fn view(&self, picture: &ReadyPicture) -> PictureView {
        let ReadyPicture { owner, id, .. } = picture;
        let url = |size: &str| format!("{}/{}/{id}/{size}.jpg", self.0, owner.0);
        PictureView {
            small: url("small"),
            medium: url("medium"),
            large: url("large"),
            thumb_hash: BASE64_STANDARD.encode(&picture.thumb_hash),
        }
    }
}
