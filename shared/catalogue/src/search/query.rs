//! What a word of a query may mean.

use super::analyser::{Word, WordKind, query_words};
use super::synonyms::synonyms;
use crate::hangul::{compose, hangul_of_latin, open};

/// Particles that end words, the longer first.
const PARTICLES: [&str; 24] = [
    "에게서",
    "으로는",
    "에서는",
    "이라도",
    "까지",
    "부터",
    "에서",
    "에게",
    "으로",
    "처럼",
    "보다",
    "하고",
    "이랑",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "로",
    "와",
    "과",
];
/// Syllables that are left of a word whose particle is taken off.
const LEAST: usize = 2;

/// A word that may be meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    /// Its text.
    pub(super) text: String,
    /// What it is made of.
    pub(super) kind: WordKind,
    /// How likely it is meant, 0 to 1.
    pub(super) weight: f32,
}

/// What a word may mean, itself first. `is_last`: it may be half typed.
pub(super) fn variants(word: &Word, is_last: bool) -> Vec<Variant> {
    let mut variants = vec![Variant { text: word.text.clone(), kind: word.kind, weight: 1.0 }];
    let mut add = |text: String, kind: WordKind, weight: f32| {
        if !text.is_empty() && variants.iter().all(|variant| variant.text != text) {
            variants.push(Variant { text, kind, weight });
        }
    };
    for synonym in synonyms(&word.text) {
        if let [found] = query_words(synonym).as_slice() {
            add(found.text.clone(), found.kind, 0.8);
        }
    }
    match word.kind {
        WordKind::Syllables => {
            if let Some(stem) = stem(&word.text) {
                for synonym in synonyms(stem) {
                    add((*synonym).to_owned(), WordKind::Letters, 0.6);
                }
                add(stem.to_owned(), word.kind, 0.8);
            }
            if is_last && let Some(opened) = opened(&word.text) {
                add(opened, word.kind, 0.6);
            }
        }
        WordKind::Letters => {
            let hangul = hangul_of_latin(&word.text).map(|keys| compose(&keys));
            let words = hangul.as_deref().map(query_words).unwrap_or_default();
            // Letters that become whole syllables were meant as such.
            if let [found] = words.as_slice()
                && found.kind == WordKind::Syllables
                && hangul
                    .is_some_and(|hangul| hangul.chars().count() <= found.text.chars().count() + 1)
            {
                add(found.text.clone(), found.kind, 0.7);
            }
        }
        WordKind::Number | WordKind::Initials => {}
    }
    variants
}

/// A word without its particle.
fn stem(word: &str) -> Option<&str> {
    let stems = PARTICLES.iter().filter_map(|particle| word.strip_suffix(particle));
    stems.into_iter().find(|stem| stem.chars().count() >= LEAST)
}

/// A word without the final consonant of its last syllable, which may be the next one's beginning.
fn opened(word: &str) -> Option<String> {
    let last = word.chars().next_back()?;
    let opened = open(last)?;
    let rest = &word[..word.len() - last.len_utf8()];
    (!rest.is_empty()).then(|| format!("{rest}{opened}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(word: &str, is_last: bool) -> Vec<String> {
        let words = query_words(word);
        variants(&words[0], is_last).into_iter().map(|variant| variant.text).collect()
    }

    #[test]
    fn words_may_have_particles_be_half_typed_or_in_the_wrong_mode() {
        assert!(texts("셔츠를", false).contains(&"셔츠".to_owned()));
        assert_eq!(texts("나이", false), ["나이"], "too short to be a word and a particle");
        assert!(texts("블라웃", true).contains(&"블라우".to_owned()));
        assert_eq!(texts("블라웃", false), ["블라웃"]);
        assert!(texts("qmffkdntm", false).contains(&"블라우스".to_owned()));
        assert!(texts("coral", false).contains(&"코랄".to_owned()));
        assert!(texts("코랄을", false).contains(&"coral".to_owned()));
        assert_eq!(texts("12", false), ["12"]);
    }
}
