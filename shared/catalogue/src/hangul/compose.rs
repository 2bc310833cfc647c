//! What a Korean keyboard (Dubeolsik) shows for a sequence of keys.

use super::{DOUBLE, FINAL, INITIAL, MEDIAL, syllable};

/// The syllable that is being written.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    initial: Option<usize>,
    medial: Option<usize>,
    last: usize,
}

/// Composes keys, i.e. letters of Hangul, into syllables as an input method does; other characters are left as they are.
pub fn compose(keys: &str) -> String {
    let (mut text, mut open) = (String::new(), Open::default());
    for key in keys.chars() {
        let vowel = MEDIAL.iter().position(|medial| *medial == key.encode_utf8(&mut [0; 4]));
        let initial = INITIAL.iter().position(|initial| *initial == key);
        match (vowel, initial) {
            (Some(vowel), _) => open.vowel(vowel, key, &mut text),
            (None, Some(initial)) => open.consonant(initial, key, &mut text),
            (None, None) => {
                open.close(&mut text);
                text.push(key);
            }
        }
    }
    open.close(&mut text);
    text
}

impl Open {
    fn vowel(&mut self, vowel: usize, key: char, text: &mut String) {
        match *self {
            // Of a final consonant, the last key begins the next syllable.
            Self { initial, medial: medial @ Some(_), last } if last > 0 => {
                let keys = FINAL[last];
                let (kept, moved) = keys.split_at(keys.len() - 'ㄱ'.len_utf8());
                let kept = FINAL.iter().position(|keys| *keys == kept).unwrap_or(0);
                let moved = INITIAL.iter().position(|initial| moved.starts_with(*initial));
                Self { initial, medial, last: kept }.close(text);
                *self = Self { initial: moved, medial: Some(vowel), last: 0 };
            }
            Self { medial: Some(before), .. } => {
                let both = format!("{}{key}", MEDIAL[before]);
                if let Some(both) = MEDIAL.iter().position(|medial| *medial == both) {
                    self.medial = Some(both);
                } else {
                    self.close(text);
                    self.medial = Some(vowel);
                }
            }
            _ => self.medial = Some(vowel),
        }
    }

    fn consonant(&mut self, initial: usize, key: char, text: &mut String) {
        if let Self { initial: Some(_), medial: Some(_), last } = *self {
            let both = format!("{}{key}", FINAL[last]);
            if let Some(both) = FINAL.iter().position(|keys| *keys == both) {
                self.last = both;
                return;
            }
        }
        self.close(text);
        self.initial = Some(initial);
    }

    /// Ends the syllable.
    fn close(&mut self, text: &mut String) {
        match std::mem::take(self) {
            Self { initial: Some(initial), medial: Some(medial), last } => {
                text.extend(syllable(initial, medial, last));
            }
            Self { initial: Some(initial), .. } => text.push(INITIAL[initial]),
            Self { medial: Some(medial), .. } => {
                let keys = MEDIAL[medial];
                let double = DOUBLE.iter().find(|(_, double)| *double == keys);
                match double {
                    Some((letter, _)) => text.push(*letter),
                    None => text.push_str(keys),
                }
            }
            Self { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::keys;
    use super::*;

    #[test]
    fn keys_become_what_a_keyboard_shows() {
        for (keys, shown) in [
            ("ㅇ", "ㅇ"),
            ("ㅇㅗ", "오"),
            ("ㅇㅗㅂ", "옵"),
            ("ㅇㅗㅂㅓ", "오버"),
            ("ㄷㅏㄹㄱ", "닭"),
            ("ㄷㅏㄹㄱㅣ", "달기"),
            ("ㄱㅗㅏ", "과"),
            ("ㅗㅏ", "ㅘ"),
            ("ㅏㅏ", "ㅏㅏ"),
            ("ㄲㅗㅊ a", "꽃 a"),
            ("ㅂㅏㄲㅏ", "바까"),
            ("ㅇㅓㅂㅅㄷㅏ", "없다"),
        ] {
            assert_eq!(compose(keys), shown, "{keys}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_with_its_keys_is_shown_again(text in "[가-힣]{0,8}") {
            prop_assert_eq!(compose(&keys(&text)), text);
        }

        #[test]
        fn each_state_has_the_keys_that_were_pressed(text in "[가-힣]{1,6}") {
            let keys_of_text = keys(&text);
            for end in 1..=keys_of_text.chars().count() {
                let pressed: String = keys_of_text.chars().take(end).collect();
                prop_assert_eq!(keys(&compose(&pressed)), pressed);
            }
        }
    }
}
