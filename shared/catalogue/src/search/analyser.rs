//! Splits texts into tokens, without a dictionary: names of brands, loanwords and new words are what is searched in a shop, and
//! what dictionaries lack.
//!
//! A run of Hangul becomes bigrams of its syllables, in order, across spaces too, so that 오버핏셔츠 and 오버핏 셔츠 are the same;
//! the whole run; and the syllable where it stands alone. Letters of other scripts become words, digits numbers.

use unicode_normalization::UnicodeNormalization;

use crate::hangul::{initial_of, is_initial, is_letter, is_syllable, keys};

/// Words of a query that count.
const MOST_WORDS: usize = 10;
/// Characters of a word that count.
const LONGEST_WORD: usize = 60;

/// A token of a text that is indexed. Engines compare tokens, not texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Where it is: tokens of a phrase are at consecutive positions.
    pub position: usize,
    /// Its text.
    pub text: String,
}

/// What a word of a query is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// Syllables of Hangul, or characters of Chinese or Japanese.
    Syllables,
    /// Letters of other scripts.
    Letters,
    /// Digits.
    Number,
    /// Initial consonants of Hangul, at least two.
    Initials,
}

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its text, in lower case.
    pub text: String,
    /// What it is made of.
    pub kind: WordKind,
}

/// What a character belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Syllable,
    /// A letter of Hangul that stands alone.
    Jamo,
    Letter,
    Digit,
    Space,
    Other,
}

fn class(character: char) -> Class {
    if is_syllable(character) || is_ideograph(character) {
        Class::Syllable
    } else if is_letter(character) {
        Class::Jamo
    } else if character.is_numeric() {
        Class::Digit
    } else if character.is_alphabetic() {
        Class::Letter
    } else if character.is_whitespace() {
        Class::Space
    } else {
        Class::Other
    }
}

/// Chinese characters and kana, which are written without spaces.
fn is_ideograph(character: char) -> bool {
    matches!(u32::from(character), 0x3041..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0x2_0000..=0x3_FFFF)
}

/// A text in one form: composed, of plain width, in lower case.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfc().flat_map(|character| {
        let plain = match u32::from(character) {
            wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(character),
            _ => character,
        };
        plain.to_lowercase()
    })
}

/// A run of characters of one class.
#[derive(Debug)]
struct Run {
    class: Class,
    text: Vec<char>,
    /// Nothing but white space is between it and the run before.
    follows_space: bool,
    /// Nothing is between it and the run before.
    is_attached: bool,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut spaces, mut others) = (0, 0);
    for character in folded(text) {
        match (class(character), runs.last_mut()) {
            (Class::Space, _) => spaces += 1,
            (Class::Other, _) => others += 1,
            (class, Some(run)) if run.class == class && spaces + others == 0 => {
                run.text.push(character);
            }
            (class, _) => {
                let (follows_space, is_attached) = (others == 0, spaces + others == 0);
                runs.push(Run { class, text: vec![character], follows_space, is_attached });
                (spaces, others) = (0, 0);
            }
        }
    }
    runs
}

/// The tokens of a text, in order of their positions.
pub fn index_tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut end = 0;
    let mut before: Option<char> = None;
    for run in runs(text) {
        let run_text: String = run.text.iter().collect();
        if run.class != Class::Syllable {
            // Behind a gap: no phrase goes across.
            tokens.push(Token { position: end + 1, text: run_text });
            (end, before) = (end + 2, None);
            continue;
        }
        let start = match before.filter(|_| run.follows_space) {
            Some(last) => {
                tokens
                    .push(Token { position: end - 1, text: [last, run.text[0]].iter().collect() });
                end
            }
            None => end + 1,
        };
        if let [single] = run.text.as_slice() {
            tokens.push(Token { position: start, text: single.to_string() });
        }
        for (offset, pair) in run.text.windows(2).enumerate() {
            tokens.push(Token { position: start + offset, text: pair.iter().collect() });
        }
        if run.text.len() > 2 {
            tokens.push(Token { position: start, text: run_text });
        }
        (end, before) = (start + run.text.len(), run.text.last().copied());
    }
    tokens.sort();
    tokens
}

/// Begins the token of a whole run's initial consonants.
pub(super) const WHOLE: char = '=';

/// The initial consonants of a text, as tokens: bigrams in order, and those of each run of Hangul as a whole.
pub(super) fn initial_tokens(text: &str) -> Vec<Token> {
    let initials: Vec<char> = folded(text).filter_map(initial_of).collect();
    let bigram =
        |(position, pair): (usize, &[char])| Token { position, text: pair.iter().collect() };
    let mut tokens: Vec<Token> = initials.windows(2).enumerate().map(bigram).collect();
    let mut position = 0;
    for run in runs(text) {
        let own: String = run.text.iter().copied().filter_map(initial_of).collect();
        let length = own.chars().count();
        if length > 1 {
            tokens.push(Token { position, text: format!("{WHOLE}{own}") });
        }
        position += length;
    }
    tokens.sort();
    tokens
}

/// The keys that write each run of Hangul of a text: words with a slip in them differ little in their keys.
pub(super) fn key_tokens(text: &str) -> Vec<Token> {
    let words = runs(text).into_iter().filter(|run| run.class == Class::Syllable);
    let token = |(position, run): (usize, Run)| Token { position, text: keys_of(&run.text) };
    words.enumerate().map(token).collect()
}

fn keys_of(characters: &[char]) -> String {
    keys(&characters.iter().collect::<String>())
}

/// The bigrams of a word, in order; the word itself where it is one character.
pub(super) fn bigrams(word: &str) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    if characters.len() < 2 {
        return vec![word.to_owned()];
    }
    characters.windows(2).map(|pair| pair.iter().collect()).collect()
}

/// The words of a query; empty where there is nothing to search for.
pub fn query_words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for run in runs(text) {
        let kind = match run.class {
            Class::Syllable => WordKind::Syllables,
            Class::Letter => WordKind::Letters,
            Class::Digit => WordKind::Number,
            // Attached to syllables, it is the next one, half typed: what is there already is searched.
            Class::Jamo if run.is_attached && !words.is_empty() => continue,
            Class::Jamo if run.text.len() > 1 && run.text.iter().all(|one| is_initial(*one)) => {
                WordKind::Initials
            }
            Class::Jamo | Class::Space | Class::Other => continue,
        };
        let word = Word { text: run.text.iter().take(LONGEST_WORD).collect(), kind };
        if !words.contains(&word) {
            words.push(word);
        }
        if words.len() == MOST_WORDS {
            break;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        index_tokens(text)
            .into_iter()
            .map(|token| format!("{}{}", token.position, token.text))
            .collect()
    }

    fn words(text: &str) -> Vec<String> {
        query_words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn hangul_becomes_bigrams_across_spaces_the_run_and_the_lone_syllable() {
        assert_eq!(texts("오버핏"), ["1오버", "1오버핏", "2버핏"]);
        assert_eq!(texts("오버핏 셔츠"), ["1오버", "1오버핏", "2버핏", "3핏셔", "4셔츠"]);
        assert_eq!(texts("오버핏셔츠"), ["1오버", "1오버핏셔츠", "2버핏", "3핏셔", "4셔츠"]);
        assert_eq!(texts("울 코트"), ["1울", "1울코", "2코트"]);
        assert_eq!(texts("니트, 코트"), ["1니트", "4코트"], "no phrase across a comma");
        assert_eq!(texts("니트 Knit 2pack"), ["1니트", "4knit", "62", "8pack"]);
        assert_eq!(texts("ＫＮＩＴ"), ["1knit"]);
    }

    #[test]
    fn initials_and_keys_are_of_whole_words_too() {
        let texts = |tokens: Vec<Token>| -> Vec<String> {
            tokens.into_iter().map(|token| format!("{}{}", token.position, token.text)).collect()
        };
        assert_eq!(
            texts(initial_tokens("울 니트 A 가디건")),
            ["0ㅇㄴ", "1=ㄴㅌ", "1ㄴㅌ", "2ㅌㄱ", "3=ㄱㄷㄱ", "3ㄱㄷ", "4ㄷㄱ"]
        );
        assert_eq!(texts(key_tokens("울 니트, knit")), ["0ㅇㅜㄹ", "1ㄴㅣㅌㅡ"]);
    }

    #[test]
    fn queries_become_words() {
        assert_eq!(words(" 코랄 블라우스  "), ["코랄", "블라우스"]);
        assert_eq!(words("블라우ㅅ"), ["블라우"]);
        assert_eq!(words("ㅇㅂㅍ 셔츠"), ["ㅇㅂㅍ", "셔츠"]);
        assert_eq!(words("2pack"), ["2", "pack"]);
        assert_eq!(words("셔츠 셔츠"), ["셔츠"]);
        for nothing in ["", "   ", "🙂🙃", "\u{0}\u{200B}", "ㅋ", "!!!"] {
            assert_eq!(words(nothing), Vec::<String>::new(), "{nothing:?}");
        }
        let long = words(&"가".repeat(10_000));
        assert_eq!((long.len(), long[0].chars().count()), (1, LONGEST_WORD));
        assert_eq!(query_words(&"가 나 ".repeat(9)).len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_in_order(text in "\\PC{0,60}") {
            let tokens = index_tokens(&text);
            prop_assert!(tokens.is_sorted_by_key(|token| token.position));
            prop_assert!(tokens.iter().all(|token| !token.text.is_empty()));
            prop_assert!(query_words(&text).len() <= MOST_WORDS);
        }

        #[test]
        fn spaces_between_syllables_change_no_bigram(text in "[가-힣]{2,8}", at in 1_usize..7) {
            let mut spaced: Vec<char> = text.chars().collect();
            spaced.insert(at.min(spaced.len() - 1), ' ');
            let pairs = |text: &str| -> Vec<Token> {
                let tokens = index_tokens(text).into_iter();
                tokens.filter(|token| token.text.chars().count() == 2).collect()
            };
            prop_assert_eq!(pairs(&spaced.into_iter().collect::<String>()), pairs(&text));
        }
    }
}
