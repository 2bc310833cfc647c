//! Texts that were written with the keyboard in the other mode: `dkssud` for 안녕, `ㅣㅑㅜ두` for linen.

use super::keys;

/// Keys of a Latin keyboard, and the letters of Hangul on them (Dubeolsik, KS X 5002).
const KEYS: [(char, char); 33] = [
    ('q', 'ㅂ'),
    ('w', 'ㅈ'),
    ('e', 'ㄷ'),
    ('r', 'ㄱ'),
    ('t', 'ㅅ'),
    ('y', 'ㅛ'),
    ('u', 'ㅕ'),
    ('i', 'ㅑ'),
    ('o', 'ㅐ'),
    ('p', 'ㅔ'),
    ('a', 'ㅁ'),
    ('s', 'ㄴ'),
    ('d', 'ㅇ'),
    ('f', 'ㄹ'),
    ('g', 'ㅎ'),
    ('h', 'ㅗ'),
    ('j', 'ㅓ'),
    ('k', 'ㅏ'),
    ('l', 'ㅣ'),
    ('z', 'ㅋ'),
    ('x', 'ㅌ'),
    ('c', 'ㅊ'),
    ('v', 'ㅍ'),
    ('b', 'ㅠ'),
    ('n', 'ㅜ'),
    ('m', 'ㅡ'),
    ('Q', 'ㅃ'),
    ('W', 'ㅉ'),
    ('E', 'ㄸ'),
    ('R', 'ㄲ'),
    ('T', 'ㅆ'),
    ('O', 'ㅒ'),
    ('P', 'ㅖ'),
];

/// The keys of Hangul that were pressed to write a Latin text; `None` if it has no Latin letter, or other letters too.
pub fn hangul_of_latin(text: &str) -> Option<String> {
    let mut has_letter = false;
    let key = |character: char| {
        if !character.is_alphabetic() {
            return Some(character);
        }
        has_letter = true;
        let plain = character.to_ascii_lowercase();
        let found = KEYS.iter().find(|(latin, _)| *latin == character);
        // Shift changes seven keys only.
        let found = found.or_else(|| KEYS.iter().find(|(latin, _)| *latin == plain));
        found.map(|(_, hangul)| *hangul)
    };
    let keys: Option<String> = text.chars().map(key).collect();
    keys.filter(|_| has_letter)
}

/// The Latin text that was meant where the keyboard wrote Hangul, in lower case; `None` if there is none.
pub fn latin_of_hangul(text: &str) -> Option<String> {
    let mut has_letter = false;
    let latin = |key: char| {
        if let Some((latin, _)) = KEYS.iter().find(|(_, hangul)| *hangul == key) {
            has_letter = true;
            return Some(latin.to_ascii_lowercase());
        }
        (!key.is_alphabetic()).then_some(key)
    };
    let latin: Option<String> = keys(text).chars().map(latin).collect();
    latin.filter(|_| has_letter)
}

#[cfg(test)]
mod tests {
    use super::super::compose;
    use super::*;

    #[test]
    fn texts_of_the_wrong_mode_are_recognized() {
        let composed = |latin| hangul_of_latin(latin).map(|keys| compose(&keys));
        assert_eq!(composed("dkssud"), Some("안녕".to_owned()));
        assert_eq!(composed("qmffkdntm"), Some("블라우스".to_owned()));
        assert_eq!(composed("Rhc 2"), Some("꽃 2".to_owned()));
        assert_eq!(composed("안녕"), None);
        assert_eq!(composed("12"), None);
        assert_eq!(latin_of_hangul("ㅣㅑㅜ두"), Some("linen".to_owned()));
        assert_eq!(latin_of_hangul("linen"), None);
    }
}
