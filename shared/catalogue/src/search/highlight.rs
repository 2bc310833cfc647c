//! Marks what was searched for in a text.

use serde::Serialize;
use utoipa::ToSchema;

use super::analyser::{Word, WordKind, bigrams};
use super::query::variants;
use crate::hangul::initial_of;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Its text.
    pub text: String,
    /// True if it is what was searched for.
    pub is_match: bool,
}

/// Splits a text into parts that match words and parts that do not. Together they are the text.
pub fn highlight(text: &str, words: &[Word]) -> Vec<Segment> {
    let characters: Vec<char> = text.chars().collect();
    let lower: Vec<char> =
        characters.iter().map(|one| one.to_lowercase().next().unwrap_or(*one)).collect();
    let mut is_match = vec![false; characters.len()];
    for word in words {
        let mut found = false;
        for variant in variants(word, false) {
            found |= mark(&lower, &variant.text, variant.kind, &mut is_match);
        }
        if !found && word.kind == WordKind::Syllables {
            // Of a word with a slip, what is right.
            for pair in bigrams(&word.text) {
                mark(&lower, &pair, WordKind::Syllables, &mut is_match);
            }
        }
    }
    let mut segments: Vec<Segment> = Vec::new();
    for (character, is_match) in characters.into_iter().zip(is_match) {
        match segments.last_mut() {
            Some(last) if last.is_match == is_match => last.text.push(character),
            _ => segments.push(Segment { text: character.to_string(), is_match }),
        }
    }
    segments
}

/// Marks each occurrence of a word; spaces between syllables do not matter.
fn mark(text: &[char], word: &str, kind: WordKind, is_match: &mut [bool]) -> bool {
    let word: Vec<char> = word.chars().collect();
    let same = |one: char, wanted: char| match kind {
        WordKind::Initials => initial_of(one) == Some(wanted),
        _ => one == wanted,
    };
    let may_skip = matches!(kind, WordKind::Syllables | WordKind::Initials);
    let mut found = false;
    for start in 0..text.len() {
        let (mut at, mut matched) = (start, 0);
        while at < text.len() && matched < word.len() {
            if same(text[at], word[matched]) {
                matched += 1;
            } else if !(may_skip && matched > 0 && text[at].is_whitespace()) {
                break;
            }
            at += 1;
        }
        if matched == word.len() && !word.is_empty() {
            is_match[start..at].fill(true);
            found = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::query_words;
    use super::*;

    fn marked(text: &str, query: &str) -> String {
        let segments = highlight(text, &query_words(query));
        let whole: String = segments.iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(whole, text);
        let show = |segment: Segment| {
            if segment.is_match { format!("<{}>", segment.text) } else { segment.text }
        };
        segments.into_iter().map(show).collect()
    }

    #[test]
    fn what_was_searched_for_is_marked() {
        assert_eq!(marked("오버핏 린넨 셔츠", "린넨"), "오버핏 <린넨> 셔츠");
        assert_eq!(marked("오버핏 린넨 셔츠", "오버 핏린넨"), "<오버핏 린넨> 셔츠");
        assert_eq!(marked("오버핏 린넨 셔츠", "셔츠를"), "오버핏 린넨 <셔츠>");
        assert_eq!(marked("오버핏 린넨 셔츠", "linen"), "오버핏 <린넨> 셔츠");
        assert_eq!(marked("LINEN shirt", "linen"), "<LINEN> shirt");
        assert_eq!(marked("오버핏 셔츠", "ㅇㅂㅍ"), "<오버핏> 셔츠");
        assert_eq!(marked("가디건", "가디간"), "<가디>건");
        assert_eq!(marked("니트", "🙂"), "니트");
        assert_eq!(marked("", "니트"), "");
    }
}
