//! The cursor of a list of recommendations: what was shown. So the server keeps no list, nothing is shown twice, and a new
//! colour, like or product counts on the next page.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::product::ProductId;

/// Products that one list shows at most.
pub const MOST_SHOWN: usize = 500;
/// How long a cursor is good for, in seconds.
const LIFETIME: u64 = 3600;
/// Longest cursor: the numbers of a list's products, ten bytes each.
const LONGEST: usize = 8 * 1024;
const VERSION: u8 = 1;
/// Version, time, seed, owner.
const HEAD: usize = 1 + 8 + 8 + 4;

/// Error: a text is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// It was not given out for this list and this person.
    #[error("expected nextCursor of a page of this list")]
    Foreign,
    /// It is too old.
    #[error("expected a cursor of the last hour; begin anew, without one")]
    Expired,
}

/// How far a person has come in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The seed of the list's order.
    pub seed: u64,
    /// What was shown.
    pub shown: BTreeSet<ProductId>,
}

impl Cursor {
    /// The beginning of a list.
    pub fn beginning(seed: u64) -> Self {
        Self { seed, shown: BTreeSet::new() }
    }

    /// Writes the cursor; `list` names the list and the person. `now` is in seconds since 1970.
    pub fn encode(&self, list: &[u8], now: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend((now + LIFETIME).to_le_bytes());
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend(owner(list));
        let mut last = 0;
        for ProductId(id) in &self.shown {
            write_number(id - last, &mut bytes);
            last = *id;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was written for the same list.
    pub fn decode(text: &str, list: &[u8], now: u64) -> Result<Self, BadCursor> {
        if text.len() > LONGEST {
            return Err(BadCursor::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor::Foreign)?;
        let (head, mut rest) = bytes.split_first_chunk::<HEAD>().ok_or(BadCursor::Foreign)?;
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&head[at..at + 8]);
            u64::from_le_bytes(number)
        };
        if head[0] != VERSION || head[17..] != owner(list) {
            return Err(BadCursor::Foreign);
        }
        if number(1) < now {
            return Err(BadCursor::Expired);
        }
        let (mut shown, mut last) = (BTreeSet::new(), 0_u64);
        while !rest.is_empty() {
            let (gap, behind) = read_number(rest).ok_or(BadCursor::Foreign)?;
            last = last.checked_add(gap).ok_or(BadCursor::Foreign)?;
            shown.insert(ProductId(last));
            rest = behind;
        }
        if shown.len() > MOST_SHOWN {
            return Err(BadCursor::Foreign);
        }
        Ok(Self { seed: number(9), shown })
    }
}

fn owner(list: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(list);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Writes a number in as many bytes as it needs, seven bits in each (LEB128).
fn write_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(7 * index).ok()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_is_good_for_an_hour_and_for_its_own_list() {
        let cursor = Cursor::beginning(7);
        let text = cursor.encode(b"alice", 1000);
        assert_eq!(Cursor::decode(&text, b"alice", 1000 + LIFETIME), Ok(cursor));
        assert_eq!(Cursor::decode(&text, b"alice", 1001 + LIFETIME), Err(BadCursor::Expired));
        assert_eq!(Cursor::decode(&text, b"bob", 1000), Err(BadCursor::Foreign));
        for bad in ["", "AAAA", "🙂", &text[1..], &"A".repeat(LONGEST + 1)] {
            assert_eq!(Cursor::decode(bad, b"alice", 1000), Err(BadCursor::Foreign), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_shown_comes_back(seed: u64, ids in prop::collection::btree_set(1..=u64::MAX, 0..50)) {
            let cursor = Cursor { seed, shown: ids.into_iter().map(ProductId).collect() };
            let text = cursor.encode(b"list", 0);
            prop_assert_eq!(Cursor::decode(&text, b"list", 0), Ok(cursor));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9_-]{0,80}") {
            drop(Cursor::decode(&text, b"list", 0));
        }
    }
}
