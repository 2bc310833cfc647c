//! Nicknames: 2 to 20 letters or digits of any script, unique without regard to case and Unicode form.

use std::ops::RangeInclusive;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Characters of a nickname.
const LENGTH: RangeInclusive<usize> = 2..=20;
/// Characters of a key: some letters have many in compatibility form, e.g. Arabic ligatures.
pub(super) const KEY_LENGTH: usize = 40;
/// Marks that may follow one letter: a vowel sign and a tone. More would paint over the neighbouring lines.
const MARKS: usize = 2;
/// Characters that are drawn at random to make a nickname unique; without those that look alike.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A nickname that keeps the rule, in composed form (NFC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nickname {
    text: String,
    key: String,
}

impl Nickname {
    /// Checks a nickname; `None` if it breaks the rule.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Composing shortens: what is several times too long never fits.
        let plausible = text.len() <= LENGTH.end() * 16;
        let text = plausible.then(|| text.nfc().collect::<String>())?;
        let key = key(&text);
        let fits = LENGTH.contains(&text.chars().count()) && key.chars().count() <= KEY_LENGTH;
        (fits && is_written(&text) && is_written(&key)).then_some(Self { text, key })
    }

    /// Makes a nickname of a name from elsewhere: what is not allowed is left out.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let allowed = |c: &char| is_letter_or_digit(*c);
        let letters: String = name.chars().take(1000).filter(allowed).collect();
        Self::parse(&letters.nfc().take(*LENGTH.end()).collect::<String>())
    }

    /// Makes another nickname that begins alike and ends at random.
    pub(crate) fn varied(&self) -> Self {
        const ENDING: usize = 6;
        let begin: String = self.text.chars().take(LENGTH.end() - ENDING).collect();
        Self::parse(&format!("{begin}{}", random(ENDING))).unwrap_or_else(Self::generate)
    }

    /// Makes a nickname at random.
    pub(crate) fn generate() -> Self {
        // Letters and digits that are their own key.
        let text = format!("user{}", random(10));
        Self { key: text.clone(), text }
    }

    /// As people read it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Equal for nicknames that differ by case or Unicode form only.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// The beginning of the keys of all nicknames that begin so; `None` if none can.
pub(super) fn prefix_key(text: &str) -> Option<String> {
    let plausible = text.len() <= LENGTH.end() * 16;
    let text = plausible.then(|| text.nfc().collect::<String>())?;
    let fits = (1..=*LENGTH.end()).contains(&text.chars().count());
    (fits && is_written(&text)).then(|| key(&text))
}

/// Compatibility form (NFKC) of the case-folded text (Unicode §3.13, D146).
fn key(text: &str) -> String {
    // Folding may decompose, and compatibility forms may have case: the second round changes nothing any more.
    let once: String = text.chars().default_case_fold().nfkc().collect();
    once.chars().default_case_fold().nfkc().collect()
}

/// Returns true for characters that may be part of a nickname.
pub(super) fn is_part(c: char) -> bool {
    let is_mark = c.general_category_group() == GeneralCategoryGroup::Mark && is_visible(c);
    is_letter_or_digit(c) || is_mark
}

/// Returns true if a text consists of visible letters, digits and the combining marks of letters.
fn is_written(text: &str) -> bool {
    let mut marks = None;
    text.chars().all(|c| {
        if is_letter_or_digit(c) {
            marks = Some(0);
            return true;
        }
        let is_mark = c.general_category_group() == GeneralCategoryGroup::Mark && is_visible(c);
        marks = marks.map(|marks| marks + 1);
        is_mark && marks.is_some_and(|marks| marks <= MARKS)
    })
}

fn is_letter_or_digit(c: char) -> bool {
    let is_digit = c.general_category() == GeneralCategory::DecimalNumber;
    let is_letter = c.general_category_group() == GeneralCategoryGroup::Letter;
    (is_digit || is_letter) && is_visible(c)
}

/// Some letters and marks are blank, e.g. the Hangul filler: a name of them looks like no name. These are the letters and
/// marks among the default ignorable code points (Unicode §5.21).
fn is_visible(c: char) -> bool {
    !matches!(
        c,
        '\u{034f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

fn random(length: usize) -> String {
    let pick = || ALPHABET[usize::from(rand::random::<u8>()) % ALPHABET.len()];
    (0..length).map(|_| char::from(pick())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> String {
        Nickname::parse(text).unwrap_or_else(|| panic!("{text:?} is allowed")).key
    }

    #[test]
    fn letters_and_digits_of_any_script_are_allowed() {
        for text in
            ["ab", "봄웜톤", "ㅋㅋ", "Ünïcødé9", "さくら", "हिन्दी", "ไม้เอก", "Ωmega", "٣٤", "𠮷野"]
        {
            assert_eq!(Nickname::parse(text).map(|nickname| nickname.text).as_deref(), Some(text));
        }
        assert!(Nickname::parse(&"가".repeat(20)).is_some());
    }

    #[test]
    fn other_texts_are_refused() {
        let zalgo = format!("a{}b", "\u{0301}\u{0302}\u{0303}\u{0304}");
        for text in [
            "",
            "a",
            "가",
            " ab",
            "a b",
            "a_b",
            "a-b",
            "ab!",
            "a\u{200b}b",
            "\u{3164}\u{3164}",
            "😀😀",
            "\u{0301}ab",
            "\u{202e}ab",
            "a\u{fe0f}b",
            &zalgo,
            &"a".repeat(21),
            &"\u{fdfa}".repeat(3),
        ] {
            assert_eq!(Nickname::parse(text), None, "{text:?}");
        }
        assert_eq!(Nickname::parse(&"a".repeat(1_000_000)), None);
    }

    #[test]
    fn case_and_form_make_no_difference_to_the_key() {
        for (one, other) in [
            ("Spring", "sPrInG"),
            ("ＡＢ１", "ab1"),
            ("가나", "\u{1100}\u{1161}나"),
            ("straße", "STRASSE"),
            ("ΣΑΣ", "σας"),
            ("e\u{301}t", "ÉT"),
        ] {
            assert_eq!(key_of(one), key_of(other), "{one} {other}");
        }
        assert_ne!(key_of("ab"), key_of("ab2"));
    }

    #[test]
    fn a_name_from_elsewhere_becomes_a_nickname_where_it_can() {
        let made = |name: &str| Nickname::from_name(name).map(|nickname| nickname.text);
        assert_eq!(made("Kim Min-ji (김민지)").as_deref(), Some("KimMinji김민지"));
        assert_eq!(made(&"x ".repeat(50)).as_deref(), Some(&*"x".repeat(20)));
        assert_eq!(made("\u{1100}\u{1161}나").as_deref(), Some("가나"));
        assert_eq!((made("😀"), made("a."), made("")), (None, None, None));
    }

    #[test]
    fn what_is_generated_keeps_the_rule() {
        for _ in 0..100 {
            let generated = Nickname::generate();
            assert_eq!(Nickname::parse(&generated.text).as_ref(), Some(&generated));
            let long = Nickname::parse(&"가".repeat(20)).unwrap().varied();
            assert!(long.text.starts_with("가가") && Nickname::parse(&long.text).is_some());
        }
        assert_ne!(Nickname::generate(), Nickname::generate());
    }
}
