//! From the bytes of an upload to those of a picture.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fast_image_resize::{ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};
use toneup_colour::photo::PhotoType;
use toneup_jobs::outcome::JobError;
use toneup_people::pictures::{MadePicture, SIZES};

/// Longest edge of an upload, in pixels.
const LONGEST_EDGE: u32 = 10_000;
/// Pixels of an upload: a worker holds a picture as a whole.
const MOST_PIXELS: u64 = 25_000_000;
/// Memory for decoding one, in bytes.
const MEMORY_BYTES: u64 = 160 * 1024 * 1024;
/// Longest edge of what a `ThumbHash` is made of, in pixels.
const THUMB_EDGE: u32 = 100;
/// Largest colour profile that is passed on, in bytes: it says what the numbers mean, and nothing of the person.
const PROFILE_BYTES: usize = 64 * 1024;
/// Quality of the JPEG.
const QUALITY: u8 = 82;

/// A picture to store.
#[derive(Debug)]
pub(super) struct Rendered {
    /// A JPEG for each size.
    pub(super) sizes: Vec<(&'static str, Vec<u8>)>,
    pub(super) made: MadePicture,
}

/// Reason for which an upload is refused as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("The picture must be JPEG, PNG or WebP.")]
    Format,
    #[error("The picture has more than 25 million pixels, or an edge of more than 10000.")]
    TooLarge,
    #[error("The upload cannot be read as a picture.")]
    Unreadable,
}

impl From<Refusal> for JobError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Format => "UNSUPPORTED_FORMAT",
            Refusal::TooLarge => "IMAGE_TOO_LARGE",
            Refusal::Unreadable => "NOT_AN_IMAGE",
        };
        Self::permanent(code, &refusal.to_string())
    }
}

/// Makes a picture of an upload.
pub(super) fn render(upload: &[u8]) -> Result<Rendered, Refusal> {
    let (image, orientation, profile) = decode(upload)?;
    let mut sizes = Vec::new();
    let mut source = image;
    let mut dimensions = (0, 0);
    let largest_first = || SIZES.into_iter().rev();
    for (index, (name, edge)) in largest_first().enumerate() {
        source = shrink(&source, edge)?;
        if index == 0 {
            // Turning the small one is cheaper.
            source.apply_orientation(orientation);
            dimensions = (source.width(), source.height());
        }
        sizes.push((name, encode(&flatten(&source), profile.as_deref())?));
    }
    let thumb = shrink(&source, THUMB_EDGE)?.into_rgba8();
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or_default();
    let hash = thumbhash::rgba_to_thumb_hash(side(thumb.width()), side(thumb.height()), &thumb);
    let made = MadePicture {
        width: u16::try_from(dimensions.0).unwrap_or(u16::MAX),
        height: u16::try_from(dimensions.1).unwrap_or(u16::MAX),
        thumb_hash: BASE64_STANDARD.encode(hash),
    };
    Ok(Rendered { sizes, made })
}

type Decoded = (DynamicImage, Orientation, Option<Vec<u8>>);

/// Decodes within limits, whatever the file claims to be.
fn decode(upload: &[u8]) -> Result<Decoded, Refusal> {
    let format = match PhotoType::sniff(upload) {
        Ok(PhotoType::Jpeg) => ImageFormat::Jpeg,
        Ok(PhotoType::Png) => ImageFormat::Png,
        Ok(PhotoType::Webp) => ImageFormat::WebP,
        Ok(PhotoType::Heic) | Err(_) => return Err(Refusal::Format),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_EDGE);
    limits.max_image_height = Some(LONGEST_EDGE);
    limits.max_alloc = Some(MEMORY_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(upload), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refusal(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refusal::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let profile = profile.filter(|profile| profile.len() <= PROFILE_BYTES);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error))?;
    let image = if image.color().has_alpha() {
        DynamicImage::ImageRgba8(image.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(image.into_rgb8())
    };
    Ok((image, orientation, profile))
}

fn refusal(error: &image::ImageError) -> Refusal {
    match error {
        image::ImageError::Limits(_) => Refusal::TooLarge,
        _ => Refusal::Unreadable,
    }
}

/// Scales a picture so that its longer edge is at most `edge`; a smaller one stays as it is.
fn shrink(image: &DynamicImage, edge: u32) -> Result<DynamicImage, Refusal> {
    let (width, height) = (image.width(), image.height());
    let longer = width.max(height);
    if longer <= edge {
        return Ok(image.clone());
    }
    let scaled = |side: u32| {
        let rounded =
            (u64::from(side) * u64::from(edge) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(rounded).unwrap_or(edge).max(1)
    };
    let mut small = DynamicImage::new(scaled(width), scaled(height), image.color());
    Resizer::new()
        .resize(image, &mut small, &ResizeOptions::new())
        .map_err(|_| Refusal::Unreadable)?;
    Ok(small)
}

/// Lays a picture on white where it is transparent.
fn flatten(image: &DynamicImage) -> RgbImage {
    let DynamicImage::ImageRgba8(image) = image else {
        return image.to_rgb8();
    };
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let blend = |value: u8| {
            let sum = u16::from(value) * u16::from(alpha) + 255 * (255 - u16::from(alpha));
            u8::try_from(sum / 255).unwrap_or(u8::MAX)
        };
        Rgb([blend(red), blend(green), blend(blue)])
    })
}

fn encode(image: &RgbImage, profile: Option<&[u8]>) -> Result<Vec<u8>, Refusal> {
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    if let Some(profile) = profile {
        // An encoder that takes none loses the profile, not the picture.
        drop(encoder.set_icc_profile(profile.to_vec()));
    }
    encoder.encode_image(image).map_err(|_| Refusal::Unreadable)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    /// A picture whose left half is red, and right half blue.
    fn halves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) }
        })
    }

    fn written(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A JPEG with a segment of Exif that has an orientation and a position.
    fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
        tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
        tiff.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        tiff.extend(b"GPS-SECRET");
        let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &tiff, &jpeg[2..]].concat()
    }

    fn read(jpeg: &[u8]) -> RgbImage {
        image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    fn is_red(pixel: Rgb<u8>) -> bool {
        pixel.0[0] > 150 && pixel.0[2] < 80
    }

    #[test]
    fn every_format_becomes_three_jpegs_of_bounded_size() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let rendered = render(&written(halves(2000, 500), format)).unwrap();
            let sizes: Vec<_> = rendered
                .sizes
                .iter()
                .map(|(name, jpeg)| (*name, read(jpeg).dimensions()))
                .collect();
            let expected = [("large", (1600, 400)), ("medium", (640, 160)), ("small", (160, 40))];
            assert_eq!(sizes, expected, "{format:?}");
            assert_eq!((rendered.made.width, rendered.made.height), (1600, 400));
            let hash = BASE64_STANDARD.decode(rendered.made.thumb_hash).unwrap();
            assert!((5..=40).contains(&hash.len()));
        }
    }

    #[test]
    fn a_small_picture_is_not_enlarged() {
        let rendered = render(&written(halves(30, 20), ImageFormat::Png)).unwrap();
        assert!(rendered.sizes.iter().all(|(_, jpeg)| read(jpeg).dimensions() == (30, 20)));
    }

    #[test]
    fn a_picture_is_turned_upright_and_says_nothing_of_its_place() {
        let upload = with_exif(&written(halves(64, 32), ImageFormat::Jpeg), 6);
        let rendered = render(&upload).unwrap();
        for (name, jpeg) in &rendered.sizes {
            // Turned right by a quarter, what was on the left is on top.
            let upright = read(jpeg);
            assert_eq!(upright.dimensions(), (32, 64), "{name}");
            assert!(is_red(*upright.get_pixel(16, 8)) && !is_red(*upright.get_pixel(16, 56)));
            let contains = |text: &[u8]| jpeg.windows(text.len()).any(|window| window == text);
            assert!(!contains(b"Exif") && !contains(b"GPS-SECRET"), "{name}");
        }
        assert_eq!((rendered.made.width, rendered.made.height), (32, 64));
    }

    #[test]
    fn what_is_transparent_lies_on_white() {
        let clear = RgbaImage::from_pixel(40, 40, Rgba([0, 0, 0, 0]));
        let rendered = render(&written(clear, ImageFormat::Png)).unwrap();
        assert!(read(&rendered.sizes[0].1).pixels().all(|pixel| pixel.0[0] > 250));
    }

    #[test]
    fn other_bytes_are_refused() {
        let jpeg = written(halves(64, 64), ImageFormat::Jpeg);
        let refused = |bytes: &[u8]| render(bytes).unwrap_err();
        assert_eq!(refused(b"plain text"), Refusal::Format);
        assert_eq!(refused(b"\0\0\0\x18ftypheic"), Refusal::Format);
        assert_eq!(refused(&jpeg[..20]), Refusal::Unreadable);
        assert_eq!(refused(b"\x89PNG\r\n\x1a\nno chunks"), Refusal::Unreadable);
        let long = written(RgbImage::new(LONGEST_EDGE + 1, 1), ImageFormat::Png);
        assert_eq!(refused(&long), Refusal::TooLarge);
        let many = written(RgbImage::new(5001, 5000), ImageFormat::Png);
        assert_eq!(refused(&many), Refusal::TooLarge);
    }
}
