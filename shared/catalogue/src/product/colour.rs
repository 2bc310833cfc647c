//! Colours of products: sRGB as it is given, CIE Lab (D65) for comparison by CIEDE2000.

use std::fmt;
use std::str::FromStr;

use palette::color_difference::Ciede2000;
use palette::white_point::D65;
use palette::{IntoColor, Srgb};
use serde::{Deserialize, Serialize};

/// A colour in CIE Lab under D65.
pub type Lab = palette::Lab<D65, f32>;

/// An sRGB colour, written `#RRGGBB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rgb(pub [u8; 3]);

/// Error: a text is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a colour as #RRGGBB")]
pub struct NoColour;

impl Rgb {
    /// Converts to CIE Lab.
    pub fn lab(self) -> Lab {
        Srgb::from(self.0).into_format::<f32>().into_color()
    }
}

/// The difference of two colours by CIEDE2000 (CIE 142-2001): 1 is about what an eye can tell apart.
pub fn difference(one: Lab, other: Lab) -> f32 {
    one.difference(other)
}

impl FromStr for Rgb {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').ok_or(NoColour)?;
        let mut rgb = [0; 3];
        hex::decode_to_slice(digits, &mut rgb).map_err(|_| NoColour)?;
        Ok(Self(rgb))
    }
}

impl TryFrom<String> for Rgb {
    type Error = NoColour;

    fn try_from(text: String) -> Result<Self, NoColour> {
        text.trim().parse()
    }
}

impl From<Rgb> for String {
    fn from(rgb: Rgb) -> Self {
        rgb.to_string()
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02X}{g:02X}{b:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_and_written() {
        assert_eq!("#ff8A78".parse::<Rgb>().unwrap().to_string(), "#FF8A78");
        for bad in ["", "#", "FF8A78", "#FF8A7", "#FF8A788", "#GG0000", "coral", "#é8A78"] {
            assert_eq!(bad.parse::<Rgb>(), Err(NoColour), "{bad}");
        }
    }

    #[test]
    fn differences_are_those_of_the_published_test_data() {
        // Sharma, Wu, Dalal (2005), pairs 1, 7 and 25.
        for (one, other, expected) in [
            ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
            ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
            ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ] {
            let lab = |[l, a, b]: [f32; 3]| Lab::new(l, a, b);
            let found = difference(lab(one), lab(other));
            assert!((found - expected).abs() < 1e-3, "{one:?} {other:?}: {found}");
        }
    }
}
