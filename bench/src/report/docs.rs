//! `docs/performance.md`: what lies between a scenario's two marks is replaced by its newest results.

use std::fs;

use anyhow::Context;

use super::{Row, table};
use crate::site::repository;

/// Puts a scenario's table where the document has its marks.
pub fn fill(scenario: &str, rows: &[Row], remarks: &[String]) -> anyhow::Result<()> {
    let path = repository().join("docs/performance.md");
    let document = fs::read_to_string(&path).context("reading docs/performance.md")?;
    let parts: Vec<String> =
        [table::markdown(rows)].into_iter().chain(remarks.iter().cloned()).collect();
    let content = parts.join("\n\n");
    let filled = replace(&document, scenario, &content)
        .with_context(|| format!("docs/performance.md has no marks for {scenario}"))?;
    fs::write(&path, filled).context("writing docs/performance.md")
}

fn replace(document: &str, scenario: &str, content: &str) -> Option<String> {
    let (begin, end) =
        (format!("<!-- bench:{scenario} -->"), format!("<!-- /bench:{scenario} -->"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{content}\n\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_changes() {
        let document = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n";
        let filled = replace(document, "x", "new").unwrap();
        assert_eq!(filled, "a\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nb\n");
        assert_eq!(replace(&filled, "x", "new").unwrap(), filled, "filling again changes nothing");
        assert_eq!(replace(document, "y", "new"), None);
    }
}
