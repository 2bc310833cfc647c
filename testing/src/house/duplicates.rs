//! Exact duplicates: runs of equal lines in two places.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use syn::ItemUse;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::source::Source;

/// Shortest run of equal lines that counts.
const RUN: usize = 6;

/// Counts the pairs of places with at least [`RUN`] equal lines in a row. Indentation, blank lines, comments, imports and
/// lines of punctuation alone do not count; a run is counted once, however long it is.
pub(crate) fn pairs<'a>(sources: impl IntoIterator<Item = &'a Source>) -> usize {
    let files: Vec<Vec<&str>> = sources.into_iter().map(lines).collect();
    let mut places: BTreeMap<&[&str], Vec<(usize, usize)>> = BTreeMap::new();
    for (file, lines) in files.iter().enumerate() {
        for (start, run) in lines.windows(RUN).enumerate() {
            places.entry(run).or_default().push((file, start));
        }
    }
    let before = |(file, start): (usize, usize)| start.checked_sub(1).map(|at| files[file][at]);
    let mut pairs = 0;
    for places in places.values() {
        for (index, first) in places.iter().enumerate() {
            pairs += places[index + 1..]
                .iter()
                // In one file, a run does not overlap itself.
                .filter(|second| second.0 != first.0 || second.1 - first.1 >= RUN)
                // Where the lines before are equal too, the run began earlier and has been counted there.
                .filter(|second| before(*first).is_none() || before(*first) != before(**second))
                .count();
        }
    }
    pairs
}

/// The lines of a file that count.
fn lines(source: &Source) -> Vec<&str> {
    let mut imports = Imports(Vec::new());
    imports.visit_file(&source.file);
    let is_import = |number: usize| imports.0.iter().any(|lines| lines.contains(&number));
    source
        .code()
        .filter(|(number, line)| line.contains(char::is_alphanumeric) && !is_import(*number))
        .map(|(_, line)| line)
        .collect()
}

/// The lines of imports.
struct Imports(Vec<RangeInclusive<usize>>);

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.0.push(item.span().start().line..=item.span().end().line);
    }
}
