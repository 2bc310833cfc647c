//! Measures of the sources: how long files and functions are, how much is documented, what stands twice.

use std::collections::HashMap;
use std::path::Path;

use super::{circles, production_code, read, sources};

/// Lines from which a function counts as long.
const LONG_FUNCTION: usize = 60;
/// Lines that make a duplicate.
const WINDOW: usize = 6;

/// The measures of one crate's code, without tests.
#[derive(Debug, Clone, Default)]
pub struct Measures {
    /// Lines of each file.
    pub lines: Vec<usize>,
    /// Functions, and those of more than 60 lines.
    pub functions: (usize, usize),
    /// Public items, and those with documentation.
    pub public_items: (usize, usize),
    /// Files in a circle of imports.
    pub in_circles: usize,
    /// Files of the largest circle.
    pub largest_circle: usize,
    /// Windows of six lines that stand in two places.
    pub duplicates: usize,
}

impl Measures {
    /// The lines of the file in the middle, and of the longest.
    pub fn file_lines(&self) -> (usize, usize) {
        let mut lines = self.lines.clone();
        lines.sort_unstable();
        let median = lines.get(lines.len() / 2).copied().unwrap_or_default();
        (median, lines.last().copied().unwrap_or_default())
    }

    /// All lines.
    pub fn total_lines(&self) -> usize {
        self.lines.iter().sum()
    }
}

/// Measures the crate whose sources are below `src`.
pub fn measure(src: &Path) -> Measures {
    let mut measures = Measures::default();
    let mut windows: HashMap<Vec<String>, usize> = HashMap::new();
    for file in sources(src) {
        let text = std::fs::read_to_string(src.join(&file)).unwrap_or_default();
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        measures.lines.push(code.lines().count());
        count_functions(code, &mut measures);
        count_public_items(code, &mut measures);
        let lines = significant(&production_code(code));
        for window in lines.windows(WINDOW) {
            *windows.entry(window.to_vec()).or_default() += 1;
        }
    }
    measures.duplicates = windows.values().filter(|count| **count > 1).count();
    let circles = circles(&read(src));
    measures.in_circles = circles.iter().map(std::collections::BTreeSet::len).sum();
    measures.largest_circle = circles.first().map_or(0, std::collections::BTreeSet::len);
    measures
}

/// The lines that say something: no imports, no lone punctuation.
fn significant(code: &str) -> Vec<String> {
    let says_something = |line: &&str| {
        let names = line.chars().filter(|c| c.is_alphanumeric()).count();
        names > 2 && !line.starts_with("use ") && !line.starts_with("pub use ")
    };
    code.lines().map(str::trim).filter(says_something).map(str::to_owned).collect()
}

/// Counts functions by their first line, and the long ones by the closing brace at its indentation.
fn count_functions(code: &str, measures: &mut Measures) {
    let lines: Vec<&str> = code.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if !(body.contains("fn ") && is_item(body)) || body.ends_with(';') {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[at..].iter().position(|line| *line == close) else { continue };
        measures.functions.0 += 1;
        if length + 1 > LONG_FUNCTION {
            measures.functions.1 += 1;
        }
    }
}

fn is_item(line: &str) -> bool {
    ["fn ", "pub ", "pub(", "async ", "const "].iter().any(|start| line.starts_with(start))
}

/// Counts public items, and those whose line before (attributes apart) is documentation.
fn count_public_items(code: &str, measures: &mut Measures) {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    for (at, line) in lines.iter().enumerate() {
        let is_item = ["fn ", "async fn ", "struct ", "enum ", "trait ", "const ", "type "]
            .iter()
            .any(|kind| line.strip_prefix("pub ").is_some_and(|rest| rest.starts_with(kind)));
        if !is_item {
            continue;
        }
        measures.public_items.0 += 1;
        let before = lines[..at].iter().rev().find(|line| !is_attribute(line));
        if before.is_some_and(|line| line.starts_with("///")) {
            measures.public_items.1 += 1;
        }
    }
}

/// Whether a line is part of an attribute, on one line or several.
fn is_attribute(line: &str) -> bool {
    line.starts_with("#[") || line.starts_with(')') || (line.ends_with(',') && !line.contains("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_documentation_are_counted() {
        let long = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(60));
        let code = format!(
            "/// Documented.\n#[derive(Debug)]\npub struct A;\n\npub fn b() {{\n}}\n{long}"
        );
        let mut measures = Measures::default();
        count_functions(&code, &mut measures);
        count_public_items(&code, &mut measures);
        assert_eq!((measures.functions, measures.public_items), ((2, 1), (2, 1)));
    }
}
