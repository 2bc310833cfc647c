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
/// Words that say nothing of what is looked for.
const FILLERS: [&str; 10] =
    ["된", "만든", "있는", "들어간", "어울리는", "위한", "같은", "추천", "찾아요", "좋은"];
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

/// The words of a query, without those that say nothing, unless there are no others.
pub(super) fn meaningful_words(text: &str) -> Vec<Word> {
    let words = query_words(text);
    let is_meant = |word: &Word| !FILLERS.contains(&word.text.as_str());
    if words.iter().any(is_meant) { words.into_iter().filter(is_meant).collect() } else { words }
}

/// The words with each lone syllable joined to the word before it, or else behind it; `None` where there is none.
pub(super) fn joined(words: &[Word]) -> Option<Vec<Word>> {
    let is_lone = |word: &Word| word.text.chars().count() == 1;
    let mut joined: Vec<Word> = Vec::with_capacity(words.len());
    for word in words {
        let before = joined.last_mut().filter(|before| {
            before.kind == WordKind::Syllables
                && word.kind == WordKind::Syllables
                && (is_lone(before) || is_lone(word))
        });
        match before {
            Some(before) => before.text.push_str(&word.text),
            None => joined.push(word.clone()),
        }
    }
    (joined.len() < words.len()).then_some(joined)
}

/// Splits a word into words that are known, as few as possible, of two syllables or more; `None` where that cannot be done.
/// `is_known` is asked for parts of the word only.
pub(super) fn parts(word: &str, is_known: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let characters: Vec<char> = word.chars().collect();
    let length = characters.len();
    // The fewest parts up to each place, and where the last of them begins.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; length + 1];
    best[0] = Some((0, 0));
    for end in LEAST..=length {
        for start in (0..=end - LEAST).rev().filter(|start| end - start < length) {
            let Some((count, _)) = best[start] else { continue };
            let is_better = best[end].is_none_or(|(known, _)| count + 1 < known);
            if is_better && is_known(&characters[start..end].iter().collect::<String>()) {
                best[end] = Some((count + 1, start));
            }
        }
    }
    let mut parts = Vec::new();
    let mut end = length;
    while end > 0 {
        let (_, start) = best[end]?;
        parts.push(characters[start..end].iter().collect());
        end = start;
    }
    parts.reverse();
    (parts.len() > 1).then_some(parts)
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

/// The lone syllable before a particle of one syllable.
pub(super) fn lone_stem(word: &str) -> Option<&str> {
    let stems = PARTICLES.iter().filter_map(|particle| word.strip_suffix(particle));
    stems.into_iter().find(|stem| stem.chars().count() == 1)
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
    fn compounds_are_split_into_the_fewest_words_that_are_known() {
        let known = ["오버핏", "오버", "린넨", "셔츠", "핏린"];
        let split = |word: &str| parts(word, |part| known.contains(&part));
        let words = |words: &[&str]| Some(words.iter().map(|one| (*one).to_owned()).collect());
        assert_eq!(split("오버핏린넨셔츠"), words(&["오버핏", "린넨", "셔츠"]));
        assert_eq!(split("린넨셔츠"), words(&["린넨", "셔츠"]));
        assert_eq!(
            (split("린넨"), split("셔츠린"), split("셔"), split("")),
            (None, None, None, None)
        );
    }

    #[test]
    fn lone_syllables_join_their_neighbours_and_fillers_go() {
        let joined_texts = |text: &str| -> Option<Vec<String>> {
            Some(joined(&query_words(text))?.into_iter().map(|word| word.text).collect())
        };
        assert_eq!(joined_texts("오버 핏 셔츠").unwrap(), ["오버핏", "셔츠"]);
        assert_eq!(joined_texts("립 스틱").unwrap(), ["립스틱"]);
        assert_eq!(joined_texts("오버핏 셔츠"), None);
        assert_eq!(joined_texts("A 백"), None);
        assert_eq!(
            (lone_stem("울로"), lone_stem("코트로"), lone_stem("로")),
            (Some("울"), None, None)
        );
        let meant = |text: &str| meaningful_words(text).len();
        assert_eq!((meant("린넨으로 된 원피스"), meant("좋은"), meant("")), (2, 1, 0));
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
