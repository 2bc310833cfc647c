//! What a person can do about their photo, in their language: the analyzer's own words, by code.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use toneup_shared::analyses::outcome::{AnalysisError, AnalysisResult};
use utoipa::ToSchema;

/// Ranges of `Accept-Language` that are looked at; browsers send two to six.
const RANGES: usize = 20;

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let json = include_str!("../../../../analyzer/app/analyze/words.json");
    serde_json::from_str(json).unwrap_or_default()
});

/// A language that the words exist in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Korean,
}

impl Language {
    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The wanted one by `Accept-Language`; English where it names neither.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        let mut ranges: Vec<(f32, &str)> =
            lines.flat_map(|line| line.split(',')).take(RANGES).filter_map(range).collect();
        // A stable sort: of equals, the one named first.
        ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let known = ranges.iter().find_map(|(_, tag)| match tag.split('-').next() {
            Some(primary) if primary.eq_ignore_ascii_case("ko") => Some(Self::Korean),
            Some(primary) if primary.eq_ignore_ascii_case("en") || primary == "*" => {
                Some(Self::English)
            }
            _ => None,
        });
        known.unwrap_or_default()
    }
}

/// Reads `ko-KR;q=0.8`; none if it is not wanted or makes no sense.
fn range(text: &str) -> Option<(f32, &str)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let quality = parameters.split_once("q=").map_or(Some(1.0), |(_, q)| q.trim().parse().ok())?;
    (quality > 0.0).then_some((quality, tag.trim()))
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// What a person can do about an error or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Advice {
    /// The code of the error or warning.
    code: String,
    /// `en` or `ko`.
    language: &'static str,
    /// What happened, in a few words; null for a warning.
    title: Option<String>,
    /// What to do.
    text: String,
}

/// Words for an error, or for the warnings of a result; codes that are not about the photo have none.
pub(super) fn advice(
    error: Option<&AnalysisError>,
    result: Option<&AnalysisResult>,
    language: Language,
) -> Vec<Advice> {
    let problem = error.and_then(|error| {
        let Problem { title, advice } = WORDS.problems.get(&error.code)?.told(language).clone();
        let (code, language) = (error.code.clone(), language.tag());
        Some(Advice { code, language, title: Some(title), text: advice })
    });
    let warnings = result.map_or(&[][..], |result| result.warnings.as_slice());
    let warnings = warnings.iter().filter_map(|code| {
        let text = WORDS.warnings.get(code)?.told(language).clone();
        Some(Advice { code: code.clone(), language: language.tag(), title: None, text })
    });
    problem.into_iter().chain(warnings).collect()
}

#[derive(Debug, Default, Deserialize)]
struct Words {
    problems: HashMap<String, Both<Problem>>,
    warnings: HashMap<String, Both<String>>,
}

#[derive(Debug, Deserialize)]
struct Both<T> {
    en: T,
    ko: T,
}

impl<T> Both<T> {
    fn told(&self, language: Language) -> &T {
        match language {
            Language::English => &self.en,
            Language::Korean => &self.ko,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Problem {
    title: String,
    advice: String,
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use toneup_shared::analyses::outcome::PersonalColor;

    use super::*;

    fn language(header: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(header));
        Language::of(&headers)
    }

    #[test]
    fn the_preferred_language_is_told() {
        assert_eq!(language("ko-KR,ko;q=0.9,en;q=0.8"), Language::Korean);
        assert_eq!(language("en;q=0.5, KO;q=0.7"), Language::Korean);
        assert_eq!(language("fr, en;q=0.8, ko;q=0.3"), Language::English);
        assert_eq!(language("ko;q=0, fr"), Language::English);
        assert_eq!(language("q=;;,"), Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn an_error_and_warnings_get_the_analyzers_words() {
        let error = AnalysisError::permanent("NO_FACE", "nothing");
        let told = advice(Some(&error), None, Language::Korean);
        assert_eq!((told.len(), told[0].code.as_str(), told[0].language), (1, "NO_FACE", "ko"));
        assert!(told[0].text.contains("얼굴"));
        let mut result = AnalysisResult::bare(PersonalColor::Winter);
        result.warnings = vec!["MIXED_LIGHT".to_owned(), "OF_TOMORROW".to_owned()];
        let told = advice(None, Some(&result), Language::English);
        assert_eq!(told.len(), 1);
        assert!(told[0].text.contains("window"));
    }
}
