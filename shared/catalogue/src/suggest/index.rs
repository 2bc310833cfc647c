//! A sorted array of keys, with the best score of each block of it.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;

use super::SuggestionKind;
use super::key::{beginnings, keys_of};

/// Suggestions for one text.
pub const MOST: usize = 20;
/// Keys of a block, the best score of which is known.
const BLOCK: usize = 64;

/// A text that may be suggested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// How good it is: the best come first, of as good ones the shorter.
    pub score: u32,
}

/// Suggestions that can be looked up. Immutable.
#[derive(Debug, Default)]
pub struct Index {
    /// The best first: the place is the rank.
    suggestions: Vec<Suggestion>,
    /// Keys and the ranks of what they belong to, sorted.
    keys: Vec<(Box<str>, u32)>,
    /// The best rank of each block of keys.
    best: Vec<u32>,
}

impl Index {
    /// Builds an index.
    pub fn new(mut suggestions: Vec<Suggestion>) -> Self {
        suggestions.sort_by(|one, other| {
            let order = |suggestion: &Suggestion| {
                (Reverse(suggestion.score), suggestion.text.chars().count())
            };
            order(one)
                .cmp(&order(other))
                .then_with(|| (&one.text, one.kind).cmp(&(&other.text, other.kind)))
        });
        let mut keys: Vec<(Box<str>, u32)> = (0..)
            .zip(&suggestions)
            .flat_map(|(rank, suggestion)| {
                keys_of(&suggestion.text).into_iter().map(move |key| (key.into_boxed_str(), rank))
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let best = keys
            .chunks(BLOCK)
            .map(|block| block.iter().map(|(_, rank)| *rank).min().unwrap_or(u32::MAX))
            .collect();
        Self { suggestions, keys, best }
    }

    /// The best suggestions for a text that is being typed, [`MOST`] at most.
    pub fn suggest(&self, text: &str) -> Vec<&Suggestion> {
        let mut found: Vec<u32> = Vec::new();
        for group in beginnings(text) {
            let mut ranks = Ranks::default();
            for beginning in &group {
                self.collect(self.range(beginning), &mut ranks);
            }
            let known: HashSet<u32> = found.iter().copied().collect();
            let fresh = ranks.0.into_iter().filter(|rank| !known.contains(rank));
            found.extend(fresh.take(MOST - found.len()));
            if found.len() == MOST {
                break;
            }
        }
        found.into_iter().filter_map(|rank| self.suggestions.get(rank as usize)).collect()
    }

    /// The keys that begin so.
    fn range(&self, beginning: &str) -> Range<usize> {
        let start = self.keys.partition_point(|(key, _)| **key < *beginning);
        let rest = &self.keys[start..];
        start..start + rest.partition_point(|(key, _)| key.starts_with(beginning))
    }

    fn collect(&self, range: Range<usize>, ranks: &mut Ranks) {
        let mut at = range.start;
        while at < range.end {
            let block = at / BLOCK;
            let end = range.end.min((block + 1) * BLOCK);
            if ranks.may_take(self.best[block]) {
                self.keys[at..end].iter().for_each(|(_, rank)| ranks.take(*rank));
            }
            at = end;
        }
    }
}

/// The best ranks, in order.
#[derive(Debug, Default)]
struct Ranks(Vec<u32>);

impl Ranks {
    fn may_take(&self, rank: u32) -> bool {
        self.0.len() < MOST || self.0.last().is_some_and(|last| rank < *last)
    }

    fn take(&mut self, rank: u32) {
        if !self.may_take(rank) {
            return;
        }
        if let Err(place) = self.0.binary_search(&rank) {
            self.0.insert(place, rank);
            self.0.truncate(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[(&str, u32)]) -> Index {
        let suggestion = |(text, score): &(&str, u32)| Suggestion {
            text: (*text).to_owned(),
            kind: SuggestionKind::Name,
            score: *score,
        };
        Index::new(texts.iter().map(suggestion).collect())
    }

    fn texts<'i>(index: &'i Index, typed: &str) -> Vec<&'i str> {
        index.suggest(typed).into_iter().map(|suggestion| suggestion.text.as_str()).collect()
    }

    #[test]
    fn texts_are_found_by_half_typed_syllables_initials_later_words_and_slips() {
        let index = index(&[
            ("오버핏 린넨 셔츠", 1),
            ("린넨 팬츠", 3),
            ("안녕 스튜디오", 2),
            ("Linen Shirt", 1),
        ]);
        for typed in [
            "ㅇ",
            "오",
            "옵",
            "오버",
            "오벞",
            "오버핏린",
            "오버 핏",
            "ㅇㅂㅍ",
            "ㅇㅂㅍㄹㄴ",
            "dhqjvlt",
            "셫",
            "셔츠",
        ] {
            assert!(texts(&index, typed).contains(&"오버핏 린넨 셔츠"), "{typed}");
        }
        assert_eq!(texts(&index, "린"), ["린넨 팬츠", "오버핏 린넨 셔츠"], "the best first");
        assert_eq!(texts(&index, "dkssud"), ["안녕 스튜디오"]);
        assert_eq!(texts(&index, "LINEN"), ["Linen Shirt"]);
        assert_eq!(texts(&index, "ㅣㅑㅜ두"), ["Linen Shirt"]);
        for nothing in ["", " ", "🙂", "없는것", &"가".repeat(10_000)] {
            assert!(texts(&index, nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn of_many_the_best_are_given_once_each() {
        let names: Vec<(String, u32)> =
            (0..5000_u32).map(|n| (format!("셔츠 셔츠 {n}"), n * 7919 % 5003)).collect();
        let names: Vec<(&str, u32)> =
            names.iter().map(|(text, score)| (text.as_str(), *score)).collect();
        let index = index(&names);
        let mut best: Vec<u32> = names.iter().map(|(_, score)| *score).collect();
        best.sort_by_key(|score| Reverse(*score));
        let found: Vec<u32> = index.suggest("셔").iter().map(|one| one.score).collect();
        assert_eq!(found, best[..MOST]);
    }
}
