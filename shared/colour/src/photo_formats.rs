//! The photo formats: the one list that every program of this project keeps to, and the rules by which a file's first bytes tell
//! its format.

use std::sync::LazyLock;

use serde::Deserialize;

static LIST: LazyLock<Formats> = LazyLock::new(|| {
    let json = include_str!("../../../analyzer/app/vision/formats.json");
    serde_json::from_str(json).unwrap_or_default()
});

/// Bytes of a brand of a HEIF file, and of each number before it.
const BRAND: usize = 4;
/// Offset of the compatible brands, after the major brand and its version.
const FIRST_COMPATIBLE: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Formats {
    head_bytes: usize,
    photos: Vec<Format>,
    heif: Heif,
    refused: Vec<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    media_type: String,
    #[serde(default)]
    also_sent_as: Vec<String>,
    #[serde(default)]
    extensions: Vec<String>,
    magic: Vec<Magic>,
}

#[derive(Debug, Deserialize)]
struct Magic {
    offset: usize,
    #[serde(deserialize_with = "from_hex")]
    hex: Vec<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Heif {
    media_type: String,
    brands: Vec<String>,
    general_brands: Vec<String>,
    avif_brands: Vec<String>,
    avif: String,
    other: String,
}

/// The media type of a file by its first bytes, also of one that is not accepted; `None` if it is no image.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[..bytes.len().min(LIST.head_bytes)];
    if let Some(major) = brand_at(head, 2 * BRAND).filter(|_| head[BRAND..].starts_with(b"ftyp")) {
        return Some(LIST.heif.of_brands(major, head));
    }
    let shows =
        |format: &&Format| !format.magic.is_empty() && format.magic.iter().all(|m| m.is_in(head));
    LIST.photos.iter().chain(&LIST.refused).find(shows).map(|format| format.media_type.as_str())
}

/// The accepted media type that a client's name for one means: `image/jpg` is `image/jpeg`. Case does not matter.
pub(crate) fn accepted_media_type(name: &str) -> Option<&'static str> {
    let names = |format: &Format, name: &str| {
        let also = format.also_sent_as.iter().any(|other| other.eq_ignore_ascii_case(name));
        also || format.media_type.eq_ignore_ascii_case(name)
    };
    let found = LIST.photos.iter().find(|format| names(format, name));
    found.map(|format| format.media_type.as_str())
}

/// The accepted media type that a file name's extension means, without its dot. Case does not matter.
pub(crate) fn media_type_of_extension(extension: &str) -> Option<&'static str> {
    let found = LIST
        .photos
        .iter()
        .find(|format| format.extensions.iter().any(|known| known.eq_ignore_ascii_case(extension)));
    found.map(|format| format.media_type.as_str())
}

/// The media types of accepted photos.
#[cfg(test)]
pub(crate) fn accepted() -> Vec<&'static str> {
    LIST.photos.iter().map(|format| format.media_type.as_str()).collect()
}

/// The extensions of accepted photos.
pub(crate) fn extensions() -> Vec<&'static str> {
    LIST.photos.iter().flat_map(|format| &format.extensions).map(String::as_str).collect()
}

impl Magic {
    fn is_in(&self, head: &[u8]) -> bool {
        head.get(self.offset..).is_some_and(|rest| rest.starts_with(&self.hex))
    }
}

impl Heif {
    /// Tells HEIC from AVIF and from films, by brands (ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12, 10). A file of a general brand
    /// says what it is among those that it is compatible with.
    fn of_brands(&self, major: &[u8], head: &[u8]) -> &str {
        let lists = |brands: &[String], brand: &[u8]| brands.iter().any(|b| b.as_bytes() == brand);
        if lists(&self.brands, major) {
            return &self.media_type;
        }
        if lists(&self.avif_brands, major) {
            return &self.avif;
        }
        if !lists(&self.general_brands, major) {
            return &self.other;
        }
        let compatible = |brands: &[String]| compatible(head).any(|brand| lists(brands, brand));
        if compatible(&self.avif_brands) && !compatible(&self.brands) {
            &self.avif
        } else {
            &self.media_type
        }
    }
}

fn brand_at(head: &[u8], from: usize) -> Option<&[u8]> {
    head.get(from..from + BRAND)
}

/// The compatible brands, as far as the box says and the head goes.
fn compatible(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let length = brand_at(head, 0).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let end = length.min(head.len()).max(FIRST_COMPATIBLE.min(head.len()));
    head[FIRST_COMPATIBLE.min(head.len())..end].chunks_exact(BRAND)
}

fn from_hex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let byte = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    bytes.ok_or_else(|| serde::de::Error::custom("expected pairs of hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Samples {
        max_bytes: u64,
        samples: Vec<Sample>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sample {
        #[serde(deserialize_with = "from_hex")]
        head: Vec<u8>,
        media_type: Option<String>,
    }

    fn list() -> Samples {
        serde_json::from_str(include_str!("../../../analyzer/app/vision/formats.json")).unwrap()
    }

    #[test]
    fn every_sample_is_what_the_list_says() {
        let samples = list().samples;
        assert!(samples.len() > 40, "{}", samples.len());
        for Sample { head, media_type: expected } in samples {
            assert_eq!(media_type(&head), expected.as_deref(), "{head:02x?}");
            if !head.ends_with(b"ftyp") {
                let file = [head.as_slice(), &[0; 5000]].concat();
                assert_eq!(media_type(&file), expected.as_deref(), "{head:02x?} and more");
            }
        }
    }

    #[test]
    fn a_box_that_lies_about_its_length_is_read_as_far_as_it_goes() {
        for length in [0_u32, 1, 15, 17, u32::MAX] {
            let head = [&length.to_be_bytes()[..], b"ftypmif1\0\0\0\0"].concat();
            assert_eq!(media_type(&head), Some("image/heic"), "{length}");
            let avif = [&head[..], b"avif"].concat();
            let expected = if length == u32::MAX { "image/avif" } else { "image/heic" };
            assert_eq!(media_type(&avif), Some(expected), "{length}");
        }
    }

    #[test]
    fn the_limits_of_the_list_are_ours() {
        assert_eq!(list().max_bytes, crate::photo::PHOTO_LIMIT_BYTES);
    }

    #[test]
    fn a_format_has_many_names() {
        for (name, expected) in [
            ("image/jpg", Some("image/jpeg")),
            ("IMAGE/PJPEG", Some("image/jpeg")),
            ("image/heif", Some("image/heic")),
            ("image/heic-sequence", Some("image/heic")),
            ("image/x-png", Some("image/png")),
            ("image/avif", None),
            ("image/gif", None),
            ("", None),
        ] {
            assert_eq!(accepted_media_type(name), expected, "{name}");
        }
        for (extension, expected) in [
            ("JFIF", Some("image/jpeg")),
            ("hif", Some("image/heic")),
            ("heif", Some("image/heic")),
            ("avif", None),
            ("", None),
        ] {
            assert_eq!(media_type_of_extension(extension), expected, "{extension}");
        }
    }
}
