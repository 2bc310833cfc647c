//! Photos: their formats, their limits and their keys in the object store.

use toneup_platform::identity::UserId;

/// Largest photo, in bytes.
pub const PHOTO_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// A photo's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC, as iPhones take it.
    Heic,
}

impl PhotoType {
    const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Heic];

    /// The media types we accept.
    pub const ACCEPTED: &'static str = "image/jpeg, image/png, image/webp, image/heic";

    /// Its media type.
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

    /// The format a media type names.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type().eq_ignore_ascii_case(content_type))
    }

    /// The format a file name's extension means.
    pub fn from_extension(extension: &str) -> Option<Self> {
        if extension.eq_ignore_ascii_case("jpeg") {
            return Some(Self::Jpeg);
        }
        Self::ALL.into_iter().find(|kind| kind.extension().eq_ignore_ascii_case(extension))
    }

    /// The format the first bytes show, whatever a client says.
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        const HEIC_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"];
        let at =
            |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|b| b.starts_with(magic));
        if at(0, &[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Some(Self::Webp)
        } else if at(4, b"ftyp") && HEIC_BRANDS.iter().any(|brand| at(8, brand)) {
            Some(Self::Heic)
        } else {
            None
        }
    }
}

/// The prefix of all photos.
pub const PREFIX: &str = "u/";

/// The prefix of a user's photos: nobody else's key begins with it.
pub fn user_prefix(user: UserId) -> String {
    format!("{PREFIX}{}/", user.0)
}

/// Longest file name of a key, in bytes: with the sealed digest of the photo.
const LONGEST_NAME: usize = 160;

/// Whether a key is one of the user's, in the shape that we give out.
pub fn is_key_of(user: UserId, key: &str) -> bool {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let name = key.strip_prefix(&user_prefix(user));
    name.is_some_and(|name| (1..=LONGEST_NAME).contains(&name.len()) && plain(name))
}

/// A fresh key under the user's prefix.
pub fn photo_key(user: UserId, kind: PhotoType) -> String {
    format!("{}{}.{}", user_prefix(user), uuid::Uuid::now_v7(), kind.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_known_by_its_first_bytes() {
        assert_eq!(PhotoType::sniff(&[0xff, 0xd8, 0xff, 0xe0]), Some(PhotoType::Jpeg));
        assert_eq!(PhotoType::sniff(b"\x89PNG\r\n\x1a\n...."), Some(PhotoType::Png));
        assert_eq!(PhotoType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(PhotoType::Webp));
        assert_eq!(PhotoType::sniff(b"\0\0\0\x18ftypheic"), Some(PhotoType::Heic));
        assert_eq!(PhotoType::sniff(b"GIF89a"), None);
        assert_eq!(PhotoType::sniff(b""), None);
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
