//! What an analysis comes to: a season with what it rests on, or an error a person can act on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The four seasons of personal colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What the analyzer found. An analyzer that tells the season alone leaves the rest empty.
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
    /// Codes of what makes the answer less sure.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What produced the answer.
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

/// The skin's colour in CIE Lab (D65) and what follows from it.
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

/// What produced an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// Why an analysis failed. `code` is public API: clients branch on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnalysisError {
    /// Stable code; those of the analyzer are in upper case.
    pub code: String,
    /// What to tell a person.
    pub message: String,
    /// Whether the same photo may succeed later.
    pub retryable: bool,
}

impl AnalysisError {
    /// Longest `code` and `message`, in characters, that are kept.
    const LIMITS: (usize, usize) = (64, 500);

    /// An error that another attempt cannot mend.
    pub fn permanent(code: &str, message: &str) -> Self {
        Self::new(code, message, false)
    }

    /// An error that a later submit of the same photo may not meet.
    pub fn retryable(code: &str, message: &str) -> Self {
        Self::new(code, message, true)
    }

    fn new(code: &str, message: &str, retryable: bool) -> Self {
        let (code_limit, message_limit) = Self::LIMITS;
        let is_code = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        Self {
            code: code.chars().filter(is_code).take(code_limit).collect(),
            message: message.chars().take(message_limit).collect(),
            retryable,
        }
    }
}

/// How an analysis ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With a result.
    Succeeded(Box<AnalysisResult>),
    /// With an error.
    Failed(AnalysisError),
    /// Withdrawn by its owner.
    Cancelled,
    /// Past its deadline.
    Expired,
}

impl Outcome {
    /// The code in metrics: one of a known few, or else `other`, since an analyzer may bring codes of its own.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "OK",
            Self::Failed(error) => {
                KNOWN.iter().find(|known| **known == error.code).copied().unwrap_or("other")
            }
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The state this outcome leads to.
    pub fn status(&self) -> super::Status {
        match self {
            Self::Succeeded(_) => super::Status::Succeeded,
            Self::Failed(_) => super::Status::Failed,
            Self::Cancelled => super::Status::Cancelled,
            Self::Expired => super::Status::Expired,
        }
    }
}

/// The codes with which analyses fail.
const KNOWN: [&str; 16] = [
    "IMAGE_MISSING",
    "IMAGE_TOO_LARGE",
    "NOT_AN_IMAGE",
    "UNSUPPORTED_FORMAT",
    "IMAGE_TOO_SMALL",
    "NO_FACE",
    "MULTIPLE_FACES",
    "FACE_TOO_SMALL",
    "TOO_DARK",
    "TOO_BRIGHT",
    "GREYSCALE",
    "BLURRED",
    "PHOTO_REFUSED",
    "ANALYZER_TIMEOUT",
    "ANALYZER_FAILED",
    "ATTEMPTS_EXHAUSTED",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_know_a_bounded_number_of_codes() {
        let code = |code| Outcome::Failed(AnalysisError::permanent(code, "")).code();
        assert_eq!((code("NO_FACE"), code("SOMETHING_NEW")), ("NO_FACE", "other"));
    }

    #[test]
    fn a_code_keeps_only_what_a_code_may_contain() {
        let error = AnalysisError::permanent("NO FACE\"; --", &"x".repeat(900));
        assert_eq!(error.code, "NOFACE");
        assert_eq!(error.message.len(), 500);
    }

    #[test]
    fn a_result_survives_its_json() {
        let mut result = AnalysisResult::bare(PersonalColor::Autumn);
        result.palette.push("#aa5500".to_owned());
        let json = serde_json::to_value(&result).unwrap();
        assert_eq!(json["personalColor"], "AUTUMN");
        assert_eq!(serde_json::from_value::<AnalysisResult>(json).unwrap(), result);
    }
}
