//! Result of an analysis: a season, and the measurements that it rests on.

use serde::{Deserialize, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use toneup_jobs::outcome::JobError;
use utoipa::ToSchema;

/// The four seasons of personal colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum PersonalColor {
    /// Warm undertone, light colours.
    Spring,
    /// Cool undertone, light colours.
    Summer,
    /// Warm undertone, deep colours.
    Autumn,
    /// Cool undertone, deep colours.
    Winter,
}

impl PersonalColor {
    /// All seasons.
    pub const ALL: [Self; 4] = [Self::Spring, Self::Summer, Self::Autumn, Self::Winter];

    /// The word used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spring => "SPRING",
            Self::Summer => "SUMMER",
            Self::Autumn => "AUTUMN",
            Self::Winter => "WINTER",
        }
    }
}

// Stored as text, not as ENUM, like the states of jobs.
impl sqlx::Type<MySql> for PersonalColor {
    fn type_info() -> MySqlTypeInfo {
        <str as sqlx::Type<MySql>>::type_info()
    }

    fn compatible(ty: &MySqlTypeInfo) -> bool {
        <str as sqlx::Type<MySql>>::compatible(ty)
    }
}

impl<'r> sqlx::Decode<'r, MySql> for PersonalColor {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as sqlx::Decode<MySql>>::decode(value)?;
        let found = Self::ALL.into_iter().find(|colour| colour.as_str() == text);
        found.ok_or_else(|| format!("unknown personal colour {text:?}").into())
    }
}

/// Result of an analysis. An analyzer that reports the season alone leaves the rest empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisResult {
    /// Season of the person.
    pub personal_color: PersonalColor,
    /// Subtype of the season, e.g. `LIGHT_SPRING`.
    #[serde(default)]
    pub subtype: Option<String>,
    /// `WARM`, `COOL` or `NEUTRAL`.
    #[serde(default)]
    pub undertone: Option<String>,
    /// Confidence of the analyzer, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: Option<f64>,
    /// Colour of the skin.
    #[serde(default)]
    pub skin: Option<Skin>,
    /// Contrast between the skin and the features, as a difference of lightness (CIE L*, 0 to 100).
    #[serde(default)]
    pub contrast: Option<f64>,
    /// Suitable colours, as `#RRGGBB`.
    #[serde(default)]
    pub palette: Vec<String>,
    /// Position of the face, in pixels of the upright photo.
    #[serde(default)]
    pub face: Option<FaceBox>,
    /// Likelihoods of the seasons.
    #[serde(default)]
    pub probabilities: Option<Probabilities>,
    /// Light of the photo, which was taken out.
    #[serde(default)]
    pub light: Option<Light>,
    /// Parts of the face in which skin was measured.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// Conditions that moved the result, the strongest first.
    #[serde(default)]
    pub influences: Vec<Influence>,
    /// Codes of conditions that make the result less certain.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Model that produced the result.
    #[serde(default)]
    pub model: Option<Model>,
    /// True if this is the earlier answer to the same photo; nothing was analysed again.
    #[serde(default)]
    pub reused: bool,
    /// Photos of the person that the result combines, in the order of the submit; absent from the result of one photo.
    /// Beside season, likelihoods, confidence and undertone, the result is that of one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<PhotoResult>,
    /// Index in `photos` of the photo that speaks most clearly for the season: skin, light, face and regions are its.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clearest: Option<usize>,
    /// Disagreement of the photos, 0 to 1: the mean distance (total variation) between the likelihoods of
    /// two of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub spread: Option<f64>,
}

impl AnalysisResult {
    /// A result with a season and nothing else.
    pub fn bare(personal_color: PersonalColor) -> Self {
        Self {
            personal_color,
            subtype: None,
            undertone: None,
            confidence: None,
            skin: None,
            contrast: None,
            palette: Vec::new(),
            face: None,
            probabilities: None,
            light: None,
            regions: Vec::new(),
            influences: Vec::new(),
            warnings: Vec::new(),
            model: None,
            reused: false,
            photos: Vec::new(),
            clearest: None,
            spread: None,
        }
    }
}

/// Answer to one of several photos, or the reason why it was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhotoResult {
    /// Season that this photo alone shows; null if it was left out.
    pub personal_color: Option<PersonalColor>,
    /// Confidence of the analyzer in that, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: Option<f64>,
    /// Codes of conditions that make this photo less certain.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Reason why the photo could not be used, as the error of an analysis of it alone.
    #[serde(default)]
    pub left_out: Option<JobError>,
}

/// Likelihoods of the seasons, which add up to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub struct Probabilities {
    /// Likelihood of spring.
    pub spring: f64,
    /// Likelihood of summer.
    pub summer: f64,
    /// Likelihood of autumn.
    pub autumn: f64,
    /// Likelihood of winter.
    pub winter: f64,
}

/// Light of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Light {
    /// Colour as `#RRGGBB`.
    pub hex: String,
    /// Colour temperature in kelvin; 6,500 is neutral.
    pub kelvin: f64,
    /// Likelihood that the skin's own colour can be told in it, 0 to 1.
    pub trust: f64,
}

/// Part of a face.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// `RIGHT_CHEEK`, `LEFT_CHEEK` or `FOREHEAD`, the person's right and left.
    pub name: String,
    /// False if no skin was to be seen there.
    pub measured: bool,
    /// Outline: x and y in pixels of the upright photo.
    pub points: Vec<[f64; 2]>,
}

/// Condition that moved a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Influence {
    /// `LIGHT`, `BRIGHTNESS`, `SHADOW` or `FOREHEAD`.
    pub code: String,
    /// Probability that it moved from one season to others, 0 to 1.
    pub effect: f64,
}

/// Colour of the skin in CIE Lab (D65), and derived values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Skin {
    /// Lightness, 0 to 100.
    #[serde(rename = "L")]
    pub l: f64,
    /// Green to red (CIE a*).
    pub a: f64,
    /// Blue to yellow (CIE b*).
    pub b: f64,
    /// Distance from grey (CIE C*).
    pub chroma: f64,
    /// Hue angle in degrees.
    pub hue: f64,
    /// Individual typology angle in degrees.
    pub ita: f64,
    /// Colour as `#RRGGBB`.
    pub hex: String,
}

/// Rectangle in pixels of the upright photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaceBox {
    /// Left edge, in pixels.
    pub x: f64,
    /// Upper edge, in pixels.
    pub y: f64,
    /// Width, in pixels.
    pub width: f64,
    /// Height, in pixels.
    pub height: f64,
}

/// Model of an analyzer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Name of the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_survives_its_json() {
        let mut result = AnalysisResult::bare(PersonalColor::Autumn);
        result.palette.push("#aa5500".to_owned());
        let json = serde_json::to_value(&result).unwrap();
        assert_eq!(json["personalColor"], PersonalColor::Autumn.as_str());
        assert_eq!(serde_json::from_value::<AnalysisResult>(json).unwrap(), result);
    }
}
