//! Photos: their formats, their limits and their keys in the object store.

use toneup_platform::identity::UserId;

use crate::photo_formats;

/// Maximum size of a photo, in bytes.
pub const PHOTO_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// Maximum number of photos in one analysis.
pub const PHOTOS_PER_ANALYSIS: usize = 5;

/// File format of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoType {
    /// JPEG (JFIF or Exif).
    Jpeg,
    /// PNG, with or without transparency.
    Png,
    /// WebP, lossy or lossless.
    Webp,
    /// HEIC, the default of iPhones.
    Heic,
}

impl PhotoType {
    const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Heic];

    /// Accepted media types, for error messages.
    pub const ACCEPTED: &'static str = "image/jpeg, image/png, image/webp, image/heic";

    /// Media type of the format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
        }
    }

    /// Returns the format of a media type or of an alias of it (`image/jpg`, `image/heif`); `None` if it is not accepted.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        photo_formats::accepted_media_type(content_type).and_then(Self::from_media_type)
    }

    /// Returns the format of a file name's extension; `None` if it is not accepted.
    pub fn from_extension(extension: &str) -> Option<Self> {
        photo_formats::media_type_of_extension(extension).and_then(Self::from_media_type)
    }

    /// All extensions that mean an accepted format, for an error's text.
    pub fn extensions() -> String {
        photo_formats::extensions().join(", ")
    }

    /// Detects the format by the first bytes, whatever the client claims.
    ///
    /// # Errors
    ///
    /// Says what the bytes show instead.
    pub fn sniff(bytes: &[u8]) -> Result<Self, NotAccepted> {
        let found = photo_formats::media_type(bytes).ok_or(NotAccepted::NotAnImage)?;
        Self::from_media_type(found).ok_or(NotAccepted::UnsupportedFormat(found))
    }

    fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type() == media_type)
    }
}

/// Reason for which bytes are not accepted as a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// Not an image of a known format.
    #[error("expected a photo, one of {}", PhotoType::ACCEPTED)]
    NotAnImage,
    /// A format that is not accepted, with its media type.
    #[error("{0} is not supported: expected one of {accepted}", accepted = PhotoType::ACCEPTED)]
    UnsupportedFormat(&'static str),
}

/// Key prefix of all photos.
pub const PREFIX: &str = "u/";

/// Key prefix of a user's photos.
pub fn user_prefix(user: UserId) -> String {
    format!("{PREFIX}{}/", user.0)
}

/// Longest file name of a key, in bytes: with the sealed digest of the photo.
const LONGEST_NAME: usize = 160;

/// Returns true if a key is one of the user's, in the shape that we issue.
pub fn is_key_of(user: UserId, key: &str) -> bool {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let name = key.strip_prefix(&user_prefix(user));
    name.is_some_and(|name| (1..=LONGEST_NAME).contains(&name.len()) && plain(name))
}

/// The key in what a client was given for an upload: the key itself, or an address that ends with it.
pub fn key_in(user: UserId, text: &str) -> Option<&str> {
    let begin = text.rfind(&user_prefix(user))?;
    let (before, key) = text.split_at(begin);
    let whole = before.is_empty() || before.ends_with('/');
    (whole && is_key_of(user, key)).then_some(key)
}

/// Generates a new key under the user's prefix.
pub fn photo_key(user: UserId, kind: PhotoType) -> String {
    format!("{}{}.{}", user_prefix(user), uuid::Uuid::now_v7(), kind.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_known_by_its_first_bytes() {
        assert_eq!(PhotoType::sniff(&[0xff, 0xd8, 0xff, 0xe0]), Ok(PhotoType::Jpeg));
        assert_eq!(PhotoType::sniff(b"\x89PNG\r\n\x1a\n...."), Ok(PhotoType::Png));
        assert_eq!(PhotoType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Ok(PhotoType::Webp));
        assert_eq!(PhotoType::sniff(b"\0\0\0\x10ftyphevm\0\0\0\0"), Ok(PhotoType::Heic));
        let gif = Err(NotAccepted::UnsupportedFormat("image/gif"));
        assert_eq!(PhotoType::sniff(b"GIF89a"), gif);
        assert_eq!(PhotoType::sniff(b""), Err(NotAccepted::NotAnImage));
    }

    #[test]
    fn the_formats_are_those_of_the_list() {
        for kind in PhotoType::ALL {
            assert_eq!(PhotoType::from_content_type(kind.content_type()), Some(kind));
            assert_eq!(PhotoType::from_extension(kind.extension()), Some(kind));
        }
        let types: Vec<&str> = PhotoType::ALL.map(PhotoType::content_type).to_vec();
        assert_eq!(PhotoType::ACCEPTED, types.join(", "));
        assert_eq!(photo_formats::accepted(), types);
    }

    #[test]
    fn an_upload_of_ones_own_is_named_by_its_key_or_its_address() {
        let (user, other) = (UserId(uuid::Uuid::now_v7()), UserId(uuid::Uuid::now_v7()));
        let key = format!("{}0198.jpg", user_prefix(user));
        let address = format!("https://s3.example/photos/{key}");
        assert_eq!(key_in(user, &key), Some(&*key));
        assert_eq!(key_in(user, &address), Some(&*key));
        for text in [
            format!("{}0198.jpg", user_prefix(other)),
            format!("x{key}"),
            format!("{key}/../../u/{}/x.jpg", other.0),
            format!("{address}?x=1"),
            user_prefix(user),
            "https://elsewhere.example/x.jpg".to_owned(),
            String::new(),
        ] {
            assert_eq!(key_in(user, &text), None, "{text}");
        }
    }

    #[test]
    fn only_a_key_of_ones_own_is_a_users() {
        let (user, other) = (UserId(uuid::Uuid::now_v7()), UserId(uuid::Uuid::now_v7()));
        assert!(is_key_of(user, &format!("{}0198.jpg", user_prefix(user))));
        let refused = [
            format!("{}0198.jpg", user_prefix(other)),
            format!("{}../{}/x.jpg", user_prefix(user), other.0),
            user_prefix(user),
            format!("{}{}", user_prefix(user), "x".repeat(LONGEST_NAME + 1)),
            String::new(),
        ];
        for key in refused {
            assert!(!is_key_of(user, &key), "{key}");
        }
    }

    #[test]
    fn a_key_lies_under_its_users_prefix() {
        let user = UserId(uuid::Uuid::now_v7());
        let key = photo_key(user, PhotoType::Heic);
        assert!(key.starts_with(&user_prefix(user)), "{key}");
        assert_eq!(key.rsplit_once('.').map(|(_, extension)| extension), Some("heic"));
        assert_eq!(PhotoType::from_content_type("IMAGE/JPEG"), Some(PhotoType::Jpeg));
        assert_eq!(PhotoType::from_content_type("image/gif"), None);
    }
}
