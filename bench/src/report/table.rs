//! Rows as text: `name=value` lines for machines, a table for people.

use std::io::{self, Write};

use serde_json::Value;

use super::Row;

/// Prints a line to stdout and flushes it.
pub fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// Formats a row as one line.
pub fn line(scenario: &str, row: &Row) -> String {
    let values =
        row.0.iter().map(|(name, value)| format!(" {name}={}", text(value).replace(' ', "_")));
    format!("scenario={scenario}{}", values.collect::<String>())
}

/// Collects the columns of all rows, in order of first occurrence, and the cells.
fn cells(rows: &[Row]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let mut names = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.0) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    let cell = |row: &Row, name: &str| {
        let value = row.0.iter().find(|(own, _)| *own == name);
        value.map_or_else(String::new, |(_, value)| text(value))
    };
    let cells = rows.iter().map(|row| names.iter().map(|name| cell(row, name)).collect()).collect();
    (names, cells)
}

/// Formats the rows as an aligned table.
pub fn table(rows: &[Row]) -> String {
    let (names, cells) = cells(rows);
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, name)| {
            cells
                .iter()
                .map(|row| row[column].chars().count())
                .chain([name.len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let pad = |row: Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
        padded.collect::<Vec<_>>().join("  ")
    };
    let head = pad(names.iter().map(|name| (*name).to_owned()).collect());
    [head].into_iter().chain(cells.into_iter().map(pad)).collect::<Vec<_>>().join("\n")
}

/// Formats the rows as a Markdown table.
pub fn markdown(rows: &[Row]) -> String {
    let (names, cells) = cells(rows);
    let line = |row: &[String]| format!("| {} |", row.join(" | "));
    let names: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let rule = format!("|{}", "---|".repeat(names.len()));
    let body = cells.iter().map(|row| line(row));
    [line(&names), rule].into_iter().chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [Row; 2] {
        [
            Row::default().with("replicas", 4).with("headers", "on").number("utilisation", 0.98765),
            Row::default()
                .with("replicas", 16)
                .number("p95_ratio", f64::NAN)
                .wanted("≥ 0.98", true),
        ]
    }

    #[test]
    fn a_row_is_one_line_of_names_and_values() {
        let expected = "scenario=replicas replicas=4 headers=on utilisation=0.988";
        assert_eq!(line("replicas", &rows()[0]), expected);
        let expected = "scenario=replicas replicas=16 p95_ratio=- target=≥_0.98 met=yes";
        assert_eq!(line("replicas", &rows()[1]), expected);
    }

    #[test]
    fn columns_that_a_row_lacks_stay_empty() {
        let text = markdown(&rows());
        assert_eq!(
            text.lines().next(),
            Some("| replicas | headers | utilisation | p95 ratio | target | met |")
        );
        assert_eq!(text.lines().nth(2), Some("| 4 | on | 0.988 |  |  |  |"));
    }
}
