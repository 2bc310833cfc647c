//! The keys by which texts are found.

use unicode_normalization::UnicodeNormalization;

use crate::hangul::{
    hangul_of_latin, initial_of, is_initial, is_letter, latin_of_hangul, push_keys,
};

/// Keeps keys of initial consonants apart from others.
const INITIALS: char = '\u{1}';

/// A text in one form: composed, in lower case, of plain width; letters, digits and single spaces.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.nfc() {
        // Full-width forms of ASCII.
        let character = match u32::from(character) {
            wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(character),
            _ => character,
        };
        if character.is_alphanumeric() || is_letter(character) {
            plain.extend(character.to_lowercase());
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain
}

/// The keys of a text: from its beginning, and from each later word on.
pub(super) fn keys_of(text: &str) -> Vec<String> {
    let plain = plain(text);
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut keys = Vec::with_capacity(2 * words.len());
    for first in 0..words.len() {
        let rest = || words[first..].iter().flat_map(|word| word.chars());
        let (mut typed, mut initials) = (String::new(), String::from(INITIALS));
        rest().for_each(|character| push_keys(character, &mut typed));
        initials.extend(rest().map(|character| initial_of(character).unwrap_or(character)));
        keys.push(typed);
        keys.push(initials);
    }
    keys
}

/// The beginnings of keys to look for, the best first; several that are as good are of one group.
pub(super) fn beginnings(text: &str) -> Vec<Vec<String>> {
    let plain = plain(text);
    let joined: String = plain.split_whitespace().collect();
    if joined.is_empty() {
        return Vec::new();
    }
    let typed = crate::hangul::keys(&joined);
    let mut literal = vec![typed.clone()];
    // Initial consonants, but for the last, which may be a syllable being typed.
    if joined.chars().all(is_initial) && joined.chars().count() > 1 {
        literal.push(format!("{INITIALS}{joined}"));
    }
    let mut groups = vec![literal];
    // The case is lost in the plain form, and shift matters on the keyboard.
    let kept: String = text.nfc().filter(|character| character.is_alphanumeric()).collect();
    groups.extend(hangul_of_latin(&kept).map(|keys| vec![keys]));
    groups.extend(latin_of_hangul(&joined).map(|latin| vec![latin]));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_keys_from_each_word_on() {
        let keys = keys_of("[단독] 오버 핏 X");
        let typed: Vec<&String> = keys.iter().filter(|key| !key.starts_with(INITIALS)).collect();
        assert_eq!(typed, ["ㄷㅏㄴㄷㅗㄱㅇㅗㅂㅓㅍㅣㅅx", "ㅇㅗㅂㅓㅍㅣㅅx", "ㅍㅣㅅx", "x"]);
        assert!(keys.contains(&format!("{INITIALS}ㅇㅂㅍx")));
    }

    #[test]
    fn what_was_typed_may_be_meant_in_several_ways() {
        assert_eq!(
            beginnings(" 오 벖 "),
            [vec!["ㅇㅗㅂㅓㅂㅅ".to_owned()], vec!["dhqjqt".to_owned()]]
        );
        assert_eq!(beginnings("ㅇㅂㅍ")[0], ["ㅇㅂㅍ".to_owned(), format!("{INITIALS}ㅇㅂㅍ")]);
        assert_eq!(beginnings("dhqj"), [vec!["dhqj".to_owned()], vec!["ㅇㅗㅂㅓ".to_owned()]]);
        for nothing in ["", "  ", "🙂", "!?", "\u{0}"] {
            assert!(beginnings(nothing).is_empty(), "{nothing:?}");
        }
    }
}
