//! Places in a list of what was found.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
/// Version, score, order, looseness, number of things before, list.
const LENGTH: usize = 1 + 4 + 8 + 1 + 4 + 4;

/// A place in a list: behind all things with a higher score, and those of the same score with a lower order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The score.
    pub score: f32,
    /// The order of the document.
    pub order: u64,
    /// True if the list is of what may be meant ([`super::Page::is_loose`]).
    pub is_loose: bool,
}

impl Place {
    /// Writes a cursor; `list` names what was searched for, `before` counts the things up to here.
    pub fn encode(&self, before: u32, list: &[u8]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.score.to_le_bytes());
        bytes.extend(self.order.to_le_bytes());
        bytes.push(u8::from(self.is_loose));
        bytes.extend(before.to_le_bytes());
        bytes.extend(mark(list));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was written for the same list, and the number of things before it.
    pub fn decode(text: &str, list: &[u8]) -> Option<(Self, u32)> {
        if text.len() > 2 * LENGTH {
            return None;
        }
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let part =
            |at: usize| bytes.get(at..at + 4).and_then(|part| <[u8; 4]>::try_from(part).ok());
        let order: [u8; 8] = bytes[5..13].try_into().ok()?;
        let score = f32::from_le_bytes(part(1)?);
        let is_right =
            bytes[0] == VERSION && bytes[13] < 2 && part(18)? == mark(list) && score.is_finite();
        let place = Self { score, order: u64::from_le_bytes(order), is_loose: bytes[13] == 1 };
        is_right.then_some((place, u32::from_le_bytes(part(14)?)))
    }
}

fn mark(list: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(list);
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_good_for_its_own_list(score in 0.0_f32..1e6, order: u64, is_loose: bool, before: u32) {
            let place = Place { score, order, is_loose };
            let text = place.encode(before, b"list");
            prop_assert_eq!(Place::decode(&text, b"list"), Some((place, before)));
            prop_assert_eq!(Place::decode(&text, b"other"), None);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9_-]{0,40}|\\PC{0,40}") {
            prop_assert_eq!(Place::decode(&text, b"list"), None);
        }
    }
}
