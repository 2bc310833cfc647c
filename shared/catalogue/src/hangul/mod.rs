//! Hangul: syllables and the keys of a Korean keyboard that write them.

mod compose;
mod keyboard;

pub use self::compose::compose;
pub use self::keyboard::{hangul_of_latin, latin_of_hangul};

const FIRST: u32 = 0xAC00;
const LAST: u32 = 0xD7A3;
const VOWELS: u32 = 21;
const FINALS: u32 = 28;

/// Initial consonants, in Unicode's order.
const INITIAL: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ',
    'ㅌ', 'ㅍ', 'ㅎ',
];

/// Vowels, in Unicode's order, by the keys that write them.
const MEDIAL: [&str; 21] = [
    "ㅏ", "ㅐ", "ㅑ", "ㅒ", "ㅓ", "ㅔ", "ㅕ", "ㅖ", "ㅗ", "ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅛ", "ㅜ",
    "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅠ", "ㅡ", "ㅡㅣ", "ㅣ",
];

/// Final consonants, in Unicode's order, by the keys that write them.
const FINAL: [&str; 28] = [
    "", "ㄱ", "ㄲ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ",
    "ㄹㅌ", "ㄹㅍ", "ㄹㅎ", "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅆ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ",
    "ㅎ",
];

/// Letters that stand alone and take two keys.
const DOUBLE: [(char, &str); 18] = [
    ('ㄳ', "ㄱㅅ"),
    ('ㄵ', "ㄴㅈ"),
    ('ㄶ', "ㄴㅎ"),
    ('ㄺ', "ㄹㄱ"),
    ('ㄻ', "ㄹㅁ"),
    ('ㄼ', "ㄹㅂ"),
    ('ㄽ', "ㄹㅅ"),
    ('ㄾ', "ㄹㅌ"),
    ('ㄿ', "ㄹㅍ"),
    ('ㅀ', "ㄹㅎ"),
    ('ㅄ', "ㅂㅅ"),
    ('ㅘ', "ㅗㅏ"),
    ('ㅙ', "ㅗㅐ"),
    ('ㅚ', "ㅗㅣ"),
    ('ㅝ', "ㅜㅓ"),
    ('ㅞ', "ㅜㅔ"),
    ('ㅟ', "ㅜㅣ"),
    ('ㅢ', "ㅡㅣ"),
];

/// True for a syllable, `가` to `힣`.
pub fn is_syllable(character: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(character))
}

/// True for a letter that stands alone, `ㄱ` to `ㅣ`.
pub fn is_letter(character: char) -> bool {
    ('ㄱ'..='ㅣ').contains(&character)
}

/// True for a consonant that stands alone and can begin a syllable.
pub fn is_initial(character: char) -> bool {
    INITIAL.contains(&character)
}

/// The initial consonant, the vowel and the final consonant of a syllable, as indices.
fn parts(syllable: char) -> Option<(usize, usize, usize)> {
    let index = u32::from(syllable).checked_sub(FIRST).filter(|_| is_syllable(syllable))?;
    let part = |index: u32| usize::try_from(index).ok();
    Some((part(index / (VOWELS * FINALS))?, part(index / FINALS % VOWELS)?, part(index % FINALS)?))
}

/// The syllable of an initial consonant, a vowel and a final consonant, by their indices.
fn syllable(initial: usize, medial: usize, last: usize) -> Option<char> {
    let index = (initial * MEDIAL.len() + medial) * FINAL.len() + last;
    char::from_u32(FIRST + u32::try_from(index).ok()?)
}

/// The initial consonant of a syllable; `None` for other characters.
pub fn initial_of(syllable: char) -> Option<char> {
    parts(syllable).map(|(initial, ..)| INITIAL[initial])
}

/// The syllable without its final consonant; `None` if it has none.
pub fn open(closed: char) -> Option<char> {
    let (initial, medial, last) = parts(closed)?;
    if last == 0 { None } else { syllable(initial, medial, 0) }
}

/// Appends the keys that write a character; a character that is not Hangul is its own key.
pub fn push_keys(character: char, keys: &mut String) {
    if let Some((initial, medial, last)) = parts(character) {
        keys.push(INITIAL[initial]);
        keys.push_str(MEDIAL[medial]);
        keys.push_str(FINAL[last]);
    } else if let Some((_, double)) = DOUBLE.iter().find(|(letter, _)| *letter == character) {
        keys.push_str(double);
    } else {
        keys.push(character);
    }
}

/// The keys that write a text.
pub fn keys(text: &str) -> String {
    let mut keys = String::with_capacity(text.len() * 2);
    text.chars().for_each(|character| push_keys(character, &mut keys));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_taken_apart_into_keys() {
        assert_eq!(keys("닭과 왜 a"), "ㄷㅏㄹㄱㄱㅗㅏ ㅇㅗㅐ a");
        assert_eq!(keys("꽃ㅄㅢ"), "ㄲㅗㅊㅂㅅㅡㅣ");
        assert_eq!((initial_of('웃'), open('웃'), open('우')), (Some('ㅇ'), Some('우'), None));
    }
}
