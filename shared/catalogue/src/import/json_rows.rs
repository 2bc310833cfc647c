//! Products as JSON lines.

use std::io::{BufRead, BufReader, Read};

use super::{LONGEST_ROW, ReadError, Refusal, Row};
use crate::product::Product;

/// Reads one product a line. Empty lines count, and are passed over.
pub(super) fn rows(file: impl Read) -> impl Iterator<Item = Result<Row, ReadError>> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut number, mut ended) = (Vec::new(), 0, false);
    std::iter::from_fn(move || {
        while !ended {
            number += 1;
            match read_line(&mut reader, &mut line) {
                Ok(0) => ended = true,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(length) => return Some(Ok(row(number, &line, length))),
                Err(source) => {
                    ended = true;
                    return Some(Err(ReadError::Io { line: number, source }));
                }
            }
        }
        None
    })
}

/// Reads a line, and keeps its beginning where it is too long; returns the line's whole length, 0 at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    let longest = u64::try_from(LONGEST_ROW).unwrap_or(u64::MAX) + 1;
    let mut length = reader.by_ref().take(longest).read_until(b'\n', line)?;
    if length > LONGEST_ROW && line.last() != Some(&b'\n') {
        length += skip_line(reader)?;
    }
    Ok(length)
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<usize> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer);
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        skipped += length;
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}

fn row(line: u64, bytes: &[u8], length: usize) -> Row {
    Row { line, product: parse(line, bytes, length) }
}

fn parse(line: u64, bytes: &[u8], length: usize) -> Result<Product, Refusal> {
    let refuse =
        |column, field: Option<String>, detail: String| Refusal { line, column, field, detail };
    if length > LONGEST_ROW {
        let detail = format!("expected a line of at most {LONGEST_ROW} bytes, found {length}");
        return Err(refuse(LONGEST_ROW, None, detail));
    }
    let bytes =
        if line == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let column = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).chars().count() + 1;
        refuse(column, None, "expected UTF-8".to_owned())
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let product: Product = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let message = inner.to_string();
        let detail = message.split(" at line ").next().unwrap_or(&message).to_owned();
        let field = (inner.is_data() && path != ".").then_some(path);
        refuse(characters(text, inner.column()), field, detail)
    })?;
    reader.end().map_err(|error| {
        refuse(characters(text, error.column()), None, "expected one object a line".to_owned())
    })?;
    product.checked().map_err(|fault| {
        let place = text.find(&format!("\"{}\"", fault.field)).unwrap_or(0);
        Refusal::of_field(line, text[..place].chars().count() + 1, fault)
    })
}

/// The character, from 1, at a column that counts bytes.
fn characters(text: &str, column_bytes: usize) -> usize {
    let end = (0..=column_bytes.saturating_sub(1).min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":1,"brand":"무드온","name":"블라우스","price":39000,"type":"블라우스","sex":"FEMALE","url":"https://a.example/1"}"#;

    fn refusals(text: &str) -> Vec<(u64, usize, Option<String>)> {
        let place = |row: Result<Row, _>| {
            let refusal = row.unwrap().product.err()?;
            Some((refusal.line, refusal.column, refusal.field))
        };
        rows(text.as_bytes()).filter_map(place).collect()
    }

    #[test]
    fn good_lines_are_read_around_empty_ones() {
        let text = format!("\u{feff}{GOOD}\r\n\n  \n{GOOD}");
        let lines: Vec<u64> = rows(text.as_bytes())
            .map(|row| row.unwrap())
            .inspect(|row| assert!(row.product.is_ok(), "{row:?}"))
            .map(|row| row.line)
            .collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn each_fault_is_told_with_line_and_column() {
        let name = |name: &str| Some(name.to_owned());
        let negative = GOOD.replace("39000", "-5");
        let found = refusals(&format!("{GOOD}\n{negative}\n{{\"id\":\nnull\n{GOOD}{GOOD}\n"));
        // The column of a value that cannot be: where it ends.
        assert_eq!(found[0], (2, 46, name("price")), "{found:?}");
        assert_eq!((found[1].0, found[2].0, found[3].0), (3, 4, 5), "{found:?}");
        assert_eq!(found[3].1, GOOD.chars().count() + 1);
        let cheap = GOOD.replace("블라우스\",\"price", "\",\"price");
        assert_eq!(refusals(&cheap), [(1, 23, name("name"))]);
        let unknown = GOOD.replace("\"id\"", "\"ID\"");
        assert_eq!(refusals(&unknown).len(), 1);
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_refused_and_the_next_is_read() {
        let long = format!("{{\"id\":\"{}\"}}", "x".repeat(3 * LONGEST_ROW));
        let mut bytes = format!("{long}\n{GOOD}\n").into_bytes();
        bytes.extend_from_slice(b"{\"name\":\"\xff\"}\n");
        bytes.extend_from_slice(GOOD.as_bytes());
        let found: Vec<_> = rows(bytes.as_slice())
            .map(|row| row.unwrap().product.map_err(|refusal| refusal.line))
            .collect();
        let failed: Vec<u64> = found.iter().filter_map(|one| one.as_ref().err().copied()).collect();
        assert_eq!((found.len(), failed), (4, vec![1, 3]));
    }
}
