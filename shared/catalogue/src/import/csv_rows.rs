//! Products as CSV.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::str::FromStr;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::{LONGEST_ROW, ReadError, Refusal, Row};
use crate::product::{FieldFault, Product, ProductId, SeasonWeight, Sex};

/// Names of the columns, and whether a file must have them.
const COLUMNS: [(&str, bool); 11] = [
    ("id", true),
    ("brand", true),
    ("name", true),
    ("price", true),
    ("type", true),
    ("sex", true),
    ("url", true),
    ("color", false),
    ("hex", false),
    ("pictures", false),
    ("seasons", false),
];

/// Reads the header, and then one product a row.
pub(super) fn rows<'r>(
    file: impl Read + 'r,
) -> Result<impl Iterator<Item = Result<Row, ReadError>> + 'r, ReadError> {
    let read = Rc::new(Cell::new(0));
    let bounded = BoundedReader { inner: file, since_row: Rc::clone(&read) };
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(Trim::All)
        .buffer_capacity(1 << 13)
        .from_reader(bounded);
    let header = reader.byte_headers().map_err(|error| failure(1, error))?;
    let header = Header::parse(header)?;
    let (mut record, mut ended) = (ByteRecord::new(), false);
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        read.set(0);
        // Before the row: the position is where it begins.
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                Some(Ok(Row { line, product: header.product(line, &record) }))
            }
            Ok(false) => None,
            Err(error) => {
                ended = true;
                Some(Err(failure(line, error)))
            }
        }
    }))
}

fn failure(line: u64, error: csv::Error) -> ReadError {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            ReadError::EndlessRow { line }
        }
        csv::ErrorKind::Io(source) => ReadError::Io { line, source },
        _ => ReadError::Io { line, source: io::Error::other(text) },
    }
}

/// Ends a row that would fill the memory.
struct BoundedReader<R> {
    inner: R,
    /// Bytes read since the last row.
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What is read ahead of a row is of the next ones.
        if self.since_row.get() > LONGEST_ROW {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + length);
        Ok(length)
    }
}

/// The columns of a file: of each known name, where it is.
struct Header {
    columns: Vec<&'static str>,
}

impl Header {
    fn parse(record: &ByteRecord) -> Result<Self, ReadError> {
        let mut columns = Vec::new();
        for name in record {
            let name = String::from_utf8_lossy(name);
            let name = name.trim_start_matches('\u{feff}').trim();
            let known = COLUMNS.iter().map(|(known, _)| *known).find(|known| *known == name);
            let known =
                known.ok_or_else(|| ReadError::Header(format!("there is no column {name:?}")))?;
            if columns.contains(&known) {
                return Err(ReadError::Header(format!("{known} is there twice")));
            }
            columns.push(known);
        }
        let missing = COLUMNS.iter().find(|(name, needed)| *needed && !columns.contains(name));
        match missing {
            Some((name, _)) => Err(ReadError::Header(format!("the column {name} is missing"))),
            None => Ok(Self { columns }),
        }
    }

    fn product(&self, line: u64, record: &ByteRecord) -> Result<Product, Refusal> {
        let column =
            |field: &str| self.columns.iter().position(|name| *name == field).unwrap_or(0) + 1;
        if record.len() != self.columns.len() {
            let detail = format!("expected {} columns, found {}", self.columns.len(), record.len());
            return Err(Refusal { line, column: record.len(), field: None, detail });
        }
        let refuse = |fault: FieldFault| Refusal::of_field(line, column(fault.field), fault);
        let values = Values { columns: &self.columns, record };
        values.product().and_then(Product::checked).map_err(refuse)
    }
}

struct Values<'a> {
    columns: &'a [&'static str],
    record: &'a ByteRecord,
}

impl Values<'_> {
    fn product(&self) -> Result<Product, FieldFault> {
        Ok(Product {
            id: ProductId(self.parse("id", "expected a whole number")?),
            brand: self.text("brand")?.to_owned(),
            name: self.text("name")?.to_owned(),
            price: self.parse("price", "expected a whole number of won")?,
            kind: self.text("type")?.to_owned(),
            sex: self.sex()?,
            color: Some(self.text("color")?.to_owned()).filter(|text| !text.is_empty()),
            hex: match self.text("hex")? {
                "" => None,
                _ => Some(self.parse("hex", "expected a colour as #RRGGBB")?),
            },
            url: self.text("url")?.to_owned(),
            pictures: self.text("pictures")?.split_whitespace().map(str::to_owned).collect(),
            seasons: self.seasons()?,
        })
    }

    /// The text in a column; empty where the file has no such column.
    fn text(&self, field: &'static str) -> Result<&str, FieldFault> {
        let index = self.columns.iter().position(|name| *name == field);
        let bytes = index.and_then(|index| self.record.get(index)).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| fault(field, "expected UTF-8"))
    }

    fn parse<T: FromStr>(&self, field: &'static str, expected: &str) -> Result<T, FieldFault> {
        self.text(field)?.parse().map_err(|_| fault(field, expected))
    }

    fn sex(&self) -> Result<Sex, FieldFault> {
        let text = self.text("sex")?;
        let found = Sex::ALL.into_iter().find(|sex| sex.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| fault("sex", "expected FEMALE, MALE or UNISEX"))
    }

    fn seasons(&self) -> Result<Vec<SeasonWeight>, FieldFault> {
        let parse = |text: &str| {
            let (season, weight) = text.split_once(':')?;
            let season = serde_json::from_value(season.into()).ok()?;
            Some(SeasonWeight { season, weight: weight.parse().ok()? })
        };
        let weights: Option<Vec<_>> = self.text("seasons")?.split_whitespace().map(parse).collect();
        weights.ok_or_else(|| fault("seasons", "expected e.g. SPRING:100 SUMMER:40"))
    }
}

fn fault(field: &'static str, detail: &str) -> FieldFault {
    FieldFault { field, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "id,brand,name,price,type,sex,url,hex,seasons,pictures";
    const GOOD: &str =
        "1,무드온,\"블라우스, 화이트\",39000,블라우스,female,https://a.example/1,#FFFFFF,,";

    fn read(text: &str) -> Vec<Result<Product, Refusal>> {
        rows(text.as_bytes()).unwrap().map(|row| row.unwrap().product).collect()
    }

    #[test]
    fn good_rows_are_read_with_quotes_and_a_byte_order_mark() {
        let found = read(&format!("\u{feff}{HEADER}\r\n{GOOD}\r\n"));
        let product = found[0].as_ref().unwrap();
        assert_eq!((product.name.as_str(), product.sex), ("블라우스, 화이트", Sex::Female));
        let full = GOOD
            .replace(",,", ",SPRING:100 SUMMER:40,https://a.example/1.jpg https://a.example/2.jpg");
        let found = read(&format!("{HEADER}\n{full}"));
        let product = found[0].as_ref().unwrap();
        assert_eq!((product.seasons.len(), product.pictures.len()), (2, 2));
    }

    #[test]
    fn each_fault_is_told_with_line_and_column() {
        let bad = |from: &str, to: &str| GOOD.replace(from, to);
        let lines = [
            HEADER.to_owned(),
            bad("39000", "free"),
            bad("female", "women"),
            bad("#FFFFFF", "white"),
            bad(",,", ",SPRING,"),
            "1,2".to_owned(),
            bad("무드온", ""),
            GOOD.to_owned(),
        ];
        let refusals: Vec<_> = read(&lines.join("\n"))
            .into_iter()
            .filter_map(Result::err)
            .map(|refusal| (refusal.line, refusal.column, refusal.field.unwrap_or_default()))
            .collect();
        let expected = [
            (2, 4, "price"),
            (3, 6, "sex"),
            (4, 8, "hex"),
            (5, 9, "seasons"),
            (6, 2, ""),
            (7, 2, "brand"),
        ];
        assert_eq!(
            refusals,
            expected.map(|(line, column, field)| (line, column, field.to_owned()))
        );
    }

    #[test]
    fn a_header_that_does_not_fit_ends_the_import() {
        for header in ["id,brand", "id,id", "id,colour", ""] {
            let refused = rows(header.as_bytes()).map(|_| ()).unwrap_err();
            assert!(matches!(refused, ReadError::Header(_)), "{header}: {refused}");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_fills_no_memory() {
        let text = format!("{HEADER}\n{GOOD}\n2,\"{}", "x\n".repeat(LONGEST_ROW));
        let last = rows(text.as_bytes()).unwrap().last().unwrap();
        assert!(matches!(last, Err(ReadError::EndlessRow { line: 3 })), "{last:?}");
    }
}
