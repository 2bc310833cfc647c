//! Finds the elements of a JSON array in a stream of blocks, without parsing them.
//!
//! Objects are found by counting braces outside of strings; what is inside is the parser's concern. So a broken element does
//! not keep the next ones from being found, as long as its quotation marks and braces are balanced.

use memchr::{memchr2, memchr3};

/// Longest element, in bytes.
const LONGEST: usize = 1 << 20;

/// Error: the elements behind this place cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The document is something else than an array.
    #[error("byte {offset}: expected a JSON array")]
    NoArray {
        /// Offset of the first byte.
        offset: u64,
    },
    /// Two elements are not separated, or the array goes on behind its end.
    #[error("byte {offset}: expected {expected}")]
    Unexpected {
        /// Offset of the byte.
        offset: u64,
        /// What should be there.
        expected: &'static str,
    },
    /// An element does not end.
    #[error("byte {offset}: expected an element of at most {LONGEST} bytes")]
    TooLong {
        /// Offset of the element.
        offset: u64,
    },
    /// The document ends before the array.
    #[error("byte {offset}: the file ends inside of the array")]
    Truncated {
        /// Offset of the element that is cut off, or of the end.
        offset: u64,
    },
}

/// An element of the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'b> {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its text.
    pub text: &'b [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array.
    Start,
    /// Behind `[`.
    First,
    /// Behind a comma.
    Next,
    /// In an element that begins at `start`.
    Inside { start: usize, shape: Shape },
    /// Behind an element.
    Behind,
    /// Behind `]`.
    End,
}

/// How the end of an element is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// By counting these; in a string of it or not.
    Nested { open: u8, close: u8, depth: u32, in_string: bool },
    /// By the quotation mark.
    Text,
    /// By what cannot be part of a number or a word.
    Word,
}

/// Splits a stream of blocks.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    base: u64,
    /// Bytes of the buffer that are done.
    at: usize,
    state: State,
}

impl Default for Splitter {
    fn default() -> Self {
        Self { buffer: Vec::new(), base: 0, at: 0, state: State::Start }
    }
}

impl Splitter {
    /// Goes on behind an element that ended at `offset`.
    pub fn behind(offset: u64) -> Self {
        Self { base: offset, state: State::Behind, ..Self::default() }
    }

    /// Offset of the first byte that is not done.
    pub fn offset(&self) -> u64 {
        self.base + u64::try_from(self.at).unwrap_or(u64::MAX)
    }

    /// Adds a block. The elements found before must have been taken.
    pub fn feed(&mut self, block: &[u8]) {
        let keep_from = match self.state {
            State::Inside { start, .. } => start,
            _ => self.at,
        };
        self.buffer.drain(..keep_from);
        self.base += u64::try_from(keep_from).unwrap_or(u64::MAX);
        self.at -= keep_from;
        if let State::Inside { start, .. } = &mut self.state {
            *start = 0;
        }
        self.buffer.extend_from_slice(block);
    }

    /// Finds the next element; `None` where another block is needed, or the array has ended.
    pub fn next_element(&mut self) -> Result<Option<Element<'_>>, SplitError> {
        let found = loop {
            if let State::Inside { start, shape } = self.state {
                break self.end_of(start, shape)?.map(|end| (start, end));
            }
            if !self.advance()? {
                break None;
            }
        };
        let Some((start, end)) = found else { return Ok(None) };
        (self.at, self.state) = (end, State::Behind);
        let offset = self.base + u64::try_from(start).unwrap_or(u64::MAX);
        Ok(Some(Element { offset, text: &self.buffer[start..end] }))
    }

    /// Checks at the end of the stream that the array has ended too.
    pub fn finish(&self) -> Result<(), SplitError> {
        match self.state {
            State::End => Ok(()),
            State::Start => Err(SplitError::NoArray { offset: self.offset() }),
            State::Inside { start, .. } => {
                let offset = self.base + u64::try_from(start).unwrap_or(u64::MAX);
                Err(SplitError::Truncated { offset })
            }
            _ => Err(SplitError::Truncated { offset: self.offset() }),
        }
    }

    /// Passes one byte between elements; false where there is none.
    fn advance(&mut self) -> Result<bool, SplitError> {
        let rest = &self.buffer[self.at..];
        let blank = rest.iter().take_while(|byte| is_blank(**byte)).count();
        self.at += blank;
        let Some(&byte) = self.buffer.get(self.at) else { return Ok(false) };
        let offset = self.offset();
        let unexpected = |expected| Err(SplitError::Unexpected { offset, expected });
        self.state = match (self.state, byte) {
            (State::Start, b'[') => State::First,
            // Some editors begin a file with a byte order mark.
            (State::Start, 0xef | 0xbb | 0xbf) if offset < 3 => State::Start,
            (State::Start, _) => return Err(SplitError::NoArray { offset }),
            (State::First | State::Behind, b']') => State::End,
            (State::Behind, b',') => State::Next,
            (State::Behind, _) => return unexpected("a comma or the end of the array"),
            (State::First | State::Next, b',' | b']' | b'}' | b':') => {
                return unexpected("an element");
            }
            (State::First | State::Next, first) => {
                State::Inside { start: self.at, shape: Shape::of(first) }
            }
            (State::End, _) => return unexpected("nothing behind the array"),
            (inside @ State::Inside { .. }, _) => inside,
        };
        self.at += 1;
        Ok(true)
    }

    /// Finds the end of the element; remembers how far it has looked.
    fn end_of(&mut self, start: usize, mut shape: Shape) -> Result<Option<usize>, SplitError> {
        let found = shape.find_end(&self.buffer, &mut self.at);
        self.state = State::Inside { start, shape };
        let end = found.unwrap_or(self.at);
        if end - start > LONGEST {
            let offset = self.base + u64::try_from(start).unwrap_or(u64::MAX);
            return Err(SplitError::TooLong { offset });
        }
        Ok(found)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

impl Shape {
    fn of(first: u8) -> Self {
        match first {
            b'{' => Self::Nested { open: b'{', close: b'}', depth: 1, in_string: false },
            b'[' => Self::Nested { open: b'[', close: b']', depth: 1, in_string: false },
            b'"' => Self::Text,
            _ => Self::Word,
        }
    }

    /// Looks for the end from `at` on, which it moves; `None` where the buffer ends first.
    fn find_end(&mut self, buffer: &[u8], at: &mut usize) -> Option<usize> {
        match self {
            Self::Word => {
                let is_end = |byte: &u8| is_blank(*byte) || matches!(byte, b',' | b']');
                let length = buffer[*at..].iter().position(is_end);
                *at = length.map_or(buffer.len(), |length| *at + length);
                length.map(|_| *at)
            }
            Self::Text => end_of_string(buffer, at),
            Self::Nested { open, close, depth, in_string } => loop {
                if *in_string {
                    end_of_string(buffer, at)?;
                    *in_string = false;
                }
                let Some(next) = memchr3(b'"', *open, *close, &buffer[*at..]) else {
                    *at = buffer.len();
                    return None;
                };
                let byte = buffer[*at + next];
                *at += next + 1;
                if byte == b'"' {
                    *in_string = true;
                } else if byte == *open {
                    *depth += 1;
                } else {
                    *depth -= 1;
                    if *depth == 0 {
                        return Some(*at);
                    }
                }
            },
        }
    }
}

/// Moves `at` behind the quotation mark that ends a string; `None` where the buffer ends first, `at` then being where to go on.
fn end_of_string(buffer: &[u8], at: &mut usize) -> Option<usize> {
    loop {
        let Some(next) = memchr2(b'"', b'\\', &buffer[*at..]) else {
            *at = buffer.len();
            return None;
        };
        let found = *at + next;
        if buffer[found] == b'"' {
            *at = found + 1;
            return Some(*at);
        }
        if found + 1 >= buffer.len() {
            // The escaped byte is in the next block: look at both again.
            *at = found;
            return None;
        }
        *at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    type Found = Result<Vec<(u64, String)>, SplitError>;

    fn split(splitter: &mut Splitter, text: &[u8], block: usize) -> Found {
        let mut found = Vec::new();
        for block in text.chunks(block) {
            splitter.feed(block);
            while let Some(element) = splitter.next_element()? {
                found.push((element.offset, String::from_utf8_lossy(element.text).into_owned()));
            }
        }
        splitter.finish()?;
        Ok(found)
    }

    fn elements(text: &str) -> Found {
        let found = split(&mut Splitter::default(), text.as_bytes(), 1 << 20);
        for block in [1, 2, 3, 7] {
            let same = split(&mut Splitter::default(), text.as_bytes(), block);
            assert_eq!(same, found, "in blocks of {block}");
        }
        found
    }

    #[test]
    fn elements_are_found_with_their_offsets() {
        let text = "\u{feff} [ {\"a\":\"}\\\"{\"} ,17,[1,[2]],\"x,\\\\\" , null\n]\n";
        let found = elements(text).unwrap();
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["{\"a\":\"}\\\"{\"}", "17", "[1,[2]]", "\"x,\\\\\"", "null"]);
        for (offset, element) in found {
            let offset = usize::try_from(offset).unwrap();
            assert_eq!(&text[offset..offset + element.len()], element);
        }
        assert_eq!(elements("[]").unwrap(), []);
    }

    #[test]
    fn a_broken_element_does_not_hide_the_next() {
        let found = elements("[{\"a\":[1,,}, {bad}, {\"b\":1}]").unwrap();
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["{\"a\":[1,,}", "{bad}", "{\"b\":1}"]);
    }

    #[test]
    fn what_cannot_be_split_is_told_with_its_offset() {
        use SplitError as E;
        let unexpected = |offset, expected| E::Unexpected { offset, expected };
        for (text, error) in [
            ("", E::NoArray { offset: 0 }),
            ("  {}", E::NoArray { offset: 2 }),
            ("[{}, ", E::Truncated { offset: 5 }),
            ("[{},{\"a\":\"}", E::Truncated { offset: 4 }),
            ("[{} {}]", unexpected(4, "a comma or the end of the array")),
            ("[,]", unexpected(1, "an element")),
            ("[{},]", unexpected(4, "an element")),
            ("[] x", unexpected(3, "nothing behind the array")),
        ] {
            assert_eq!(elements(text), Err(error), "{text}");
        }
        let endless = format!("[{{\"a\":\"{}", "x".repeat(LONGEST + 10));
        let found = split(&mut Splitter::default(), endless.as_bytes(), 1 << 16);
        assert_eq!(found, Err(E::TooLong { offset: 1 }));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[\\PC\"\\\\{}\\[\\],]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"{}]{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_array_is_split_into_what_a_parser_finds(
            values in prop::collection::vec(json(), 0..6), block in 1_usize..40, is_pretty: bool,
        ) {
            let array = Value::from(values.clone());
            let text = if is_pretty {
                serde_json::to_string_pretty(&array).unwrap()
            } else {
                array.to_string()
            };
            let found = split(&mut Splitter::default(), text.as_bytes(), block).unwrap();
            let parsed: Vec<Value> =
                found.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(parsed, values);
            // From behind any element on, the rest is found.
            for (index, (offset, element)) in found.iter().enumerate() {
                let end = usize::try_from(*offset).unwrap() + element.len();
                let mut behind = Splitter::behind(end as u64);
                let rest = split(&mut behind, &text.as_bytes()[end..], block).unwrap();
                prop_assert_eq!(&rest, &found[index + 1..]);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(prop::sample::select(b"[]{}\",\\ 1a".to_vec()), 0..60),
            block in 1_usize..20,
        ) {
            let whole = split(&mut Splitter::default(), &bytes, usize::MAX);
            prop_assert_eq!(split(&mut Splitter::default(), &bytes, block), whole);
        }
    }
}
