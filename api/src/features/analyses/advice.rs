//! Advice for errors and warnings in the person's language: the texts of the analyzer, and on several photos, by code.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use toneup_colour::result::AnalysisResult;
use toneup_jobs::outcome::JobError;
use utoipa::ToSchema;

use crate::http::language::Language;

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let json = include_str!("../../../../analyzer/app/analyze/words.json");
    serde_json::from_str(json).unwrap_or_default()
});

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
    error: Option<&JobError>,
    result: Option<&AnalysisResult>,
    language: Language,
) -> Vec<Advice> {
    let problem = error.and_then(|error| {
        let PhotoProblem { title, advice } =
            WORDS.problems.get(&error.code)?.told(language).clone();
        let (code, language) = (error.code.clone(), language.tag());
        Some(Advice { code, language, title: Some(title), text: advice })
    });
    let warnings = result.map_or(&[][..], |result| result.warnings.as_slice());
    let warnings = warnings.iter().filter_map(|code| {
        let words = WORDS.warnings.get(code).or_else(|| WORDS.together.get(code))?;
        let text = words.told(language).clone();
        Some(Advice { code: code.clone(), language: language.tag(), title: None, text })
    });
    problem.into_iter().chain(warnings).collect()
}

/// Words for the conditions that moved a result, the strongest first.
pub(super) fn reasons(result: Option<&AnalysisResult>, language: Language) -> Vec<Advice> {
    let influences = result.map_or(&[][..], |result| result.influences.as_slice());
    let told = influences.iter().filter_map(|influence| {
        let text = WORDS.influences.get(&influence.code)?.told(language).clone();
        Some(Advice { code: influence.code.clone(), language: language.tag(), title: None, text })
    });
    told.collect()
}

#[derive(Debug, Default, Deserialize)]
struct Words {
    problems: HashMap<String, Both<PhotoProblem>>,
    warnings: HashMap<String, Both<String>>,
    /// Warnings of several photos together, which the worker gives.
    together: HashMap<String, Both<String>>,
    influences: HashMap<String, Both<String>>,
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
struct PhotoProblem {
    title: String,
    advice: String,
}

#[cfg(test)]
mod tests {
    use toneup_colour::result::{Influence, PersonalColor};

    use super::*;

    #[test]
    fn an_error_and_warnings_get_the_analyzers_words() {
        let error = JobError::permanent("NO_FACE", "nothing");
        let told = advice(Some(&error), None, Language::Korean);
        assert_eq!((told.len(), told[0].code.as_str(), told[0].language), (1, "NO_FACE", "ko"));
        assert!(told[0].text.contains("얼굴"));
        let mut result = AnalysisResult::bare(PersonalColor::Winter);
        let codes = ["MIXED_LIGHT", "OF_TOMORROW", "MAYBE_DIFFERENT_PEOPLE"];
        result.warnings = codes.map(str::to_owned).into();
        let told = advice(None, Some(&result), Language::English);
        assert_eq!(told.len(), 2);
        assert!(told[0].text.contains("window") && told[1].text.contains("of you"));
    }

    #[test]
    fn what_moved_a_result_is_said_in_words() {
        let mut result = AnalysisResult::bare(PersonalColor::Winter);
        let influence = |code: &str, effect| Influence { code: code.to_owned(), effect };
        result.influences =
            vec![influence("SHADOW", 0.4), influence("LIGHT", 0.1), influence("OF_TOMORROW", 0.1)];
        let told = reasons(Some(&result), Language::English);
        let codes: Vec<&str> = told.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["SHADOW", "LIGHT"]);
        assert!(told[0].text.contains("One side of your face"));
        assert!(reasons(None, Language::Korean).is_empty());
    }
}
