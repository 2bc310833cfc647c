//! The result of an analysis: a season, and the measurements that it rests on.

use serde::{Deserialize, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use utoipa::ToSchema;

/// The four seasons of personal colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum PersonalColor {
    /// Warm and light.
    Spring,
    /// Cool and light.
    Summer,
    /// Warm and deep.
    Autumn,
    /// Cool and deep.
    Winter,
}

impl PersonalColor {
    const ALL: [Self; 4] = [Self::Spring, Self::Summer, Self::Autumn, Self::Winter];

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

/// The analyzer's result. An analyzer that reports the season alone leaves the rest empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisResult {
    /// The season.
    pub personal_color: PersonalColor,
    /// The season's finer division, e.g. `LIGHT_SPRING`.
    #[serde(default)]
    pub subtype: Option<String>,
    /// `WARM`, `COOL` or `NEUTRAL`.
    #[serde(default)]
    pub undertone: Option<String>,
    /// How sure the analyzer is, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: Option<f64>,
    /// The skin's colour.
    #[serde(default)]
    pub skin: Option<Skin>,
    /// Contrast between the skin and the features, as a difference of lightness (CIE L*, 0 to 100).
    #[serde(default)]
    pub contrast: Option<f64>,
    /// Colours that suit, as `#RRGGBB`.
    #[serde(default)]
    pub palette: Vec<String>,
    /// Where the face is, in pixels of the upright photo.
    #[serde(default)]
    pub face: Option<FaceBox>,
    /// Codes of conditions that make the result less sure.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The model that produced the result.
    #[serde(default)]
    pub model: Option<Model>,
    /// Whether this is the answer that the same photo got before; nothing was analysed again.
    #[serde(default)]
    pub reused: bool,
}

impl AnalysisResult {
    /// A season, and nothing else known.
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
            warnings: Vec::new(),
            model: None,
            reused: false,
        }
    }
}

/// The skin's colour in CIE Lab (D65), and values derived from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Skin {
    /// Lightness, 0 to 100.
    #[serde(rename = "L")]
    pub l: f64,
    /// Green to red.
    pub a: f64,
    /// Blue to yellow.
    pub b: f64,
    /// Distance from grey.
    pub chroma: f64,
    /// Hue angle in degrees.
    pub hue: f64,
    /// Individual typology angle in degrees.
    pub ita: f64,
    /// The colour as `#RRGGBB`.
    pub hex: String,
}

/// A rectangle in pixels of the upright photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaceBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// The model that produced a result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Name.
    pub name: String,
    /// Version.
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
