//! The measures as a table in Markdown.

use super::measure::Measures;
use super::package::Package;

/// Writes a row of measures for each crate, and one for all of them together.
pub fn table(packages: &[Package]) -> String {
    let mut lines = vec![
        "| crate | files | median / longest file | functions > 60 lines | public items documented | files in a circle | \
         largest circle | duplicate pairs per 10k lines |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for package in packages {
        lines.push(row(&package.name, &Measures::of(std::slice::from_ref(package))));
    }
    lines.push(row("all", &Measures::of(packages)));
    lines.join("\n") + "\n"
}

fn row(name: &str, measures: &Measures) -> String {
    let files = measures.files.len();
    let median = measures.files.get(files / 2).unwrap_or(&0);
    let longest = measures.files.last().unwrap_or(&0);
    format!(
        "| {name} | {files} | {median} / {longest} | {} | {} | {} | {} | {} |",
        share(measures.long_functions, measures.functions),
        share(measures.documented, measures.public),
        share(measures.in_circles, files),
        measures.largest_circle,
        tenths(measures.duplicates * 10_000, measures.lines()),
    )
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{} %", tenths(part * 100, whole))
}

/// `part` divided by `whole`, rounded to one decimal; 0 where there is nothing to divide.
fn tenths(part: usize, whole: usize) -> String {
    let tenths = (part * 10 + whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}
