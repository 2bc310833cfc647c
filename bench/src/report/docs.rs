//! Pages of `docs/`: the text between two marks is replaced by the latest results.

use std::fs;

use anyhow::Context;

use crate::site::repository;

/// Replaces the text between the marks of `name` in the page.
pub fn fill(page: &str, name: &str, content: &str) -> anyhow::Result<()> {
    let path = repository().join(page);
    let document = fs::read_to_string(&path).with_context(|| format!("reading {page}"))?;
    let filled = replace(&document, name, content)
        .with_context(|| format!("{page} has no marks for {name}"))?;
    fs::write(&path, filled).with_context(|| format!("writing {page}"))
}

fn replace(document: &str, name: &str, content: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
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
