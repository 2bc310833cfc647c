//! Languages, and their negotiation by `Accept-Language` (RFC 9110 §12.5.4).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ranges of `Accept-Language` that are considered; browsers send two to six.
const RANGES: usize = 20;

/// A language that texts for people exist in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Korean.
    #[serde(rename = "ko")]
    Korean,
}

impl Language {
    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// Negotiates by `Accept-Language`; English where it names neither.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
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

/// Parses `ko-KR;q=0.8`; `None` if the range is excluded or malformed.
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
}
