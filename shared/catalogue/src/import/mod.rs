//! Import of products from JSON lines or CSV: checked row by row, written in batches, resumed where it was interrupted.

mod csv_rows;
mod json_rows;
mod refusal;
mod run;

use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

pub use self::refusal::Refusal;
pub use self::run::{Import, ImportError, Report};
use crate::product::Product;

/// Longest row, in bytes.
const LONGEST_ROW: usize = 64 * 1024;

/// Format of a file of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// A header with the members' names, then a product a row (RFC 4180). Pictures are separated by white space, seasons
    /// written `SPRING:100 SUMMER:40`.
    Csv,
}

/// Error: a file cannot be read any further. What was written until then stays.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read the file at line {line}")]
    Io {
        /// The line that was being read.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The header of a CSV file names other columns.
    #[error("the header: {0}")]
    Header(String),
    /// A row does not end.
    #[error(
        "line {line}: expected a row of at most {LONGEST_ROW} bytes; is a quotation mark missing?"
    )]
    EndlessRow {
        /// The line on which it begins.
        line: u64,
    },
}

/// A row of a file.
#[derive(Debug)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The product, checked, or why it is refused.
    pub product: Result<Product, Refusal>,
}

/// Reads the rows of a file. A row that breaks a rule is a [`Refusal`], and reading goes on behind it.
pub fn rows<'r>(
    format: Format,
    file: impl Read + 'r,
) -> Result<Box<dyn Iterator<Item = Result<Row, ReadError>> + 'r>, ReadError> {
    match format {
        Format::JsonLines => Ok(Box::new(json_rows::rows(file))),
        Format::Csv => Ok(Box::new(csv_rows::rows(file)?)),
    }
}

/// Reads a file through: its SHA-256, by which an interrupted import is recognized, and the number of its lines.
pub fn survey(file: impl Read) -> io::Result<([u8; 32], u64)> {
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut digest, mut lines) = (Sha256::new(), 0);
    loop {
        let block = reader.fill_buf()?;
        let length = block.len();
        if length == 0 {
            return Ok((digest.finalize().into(), lines));
        }
        digest.update(block);
        lines += u64::try_from(memchr::memchr_iter(b'\n', block).count()).unwrap_or(u64::MAX);
        reader.consume(length);
    }
}
