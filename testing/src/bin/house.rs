//! Prints the measures of the sources as a table: `cargo run -p toneup-testing --bin house`.

use toneup_testing::house::{CRATES, measure};
use toneup_testing::repository;

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn main() {
    println!(
        "| crate | lines | median / longest file | functions > 60 lines | public items documented \
         | files in a circle (largest) | duplicates per 10k lines |\n|---|---|---|---|---|---|---|"
    );
    for name in CRATES {
        let measures = measure(&repository().join(name).join("src"));
        let ((median, longest), lines) = (measures.file_lines(), measures.total_lines());
        let (functions, long) = measures.functions;
        let (items, documented) = measures.public_items;
        let (circles, largest) = (measures.in_circles, measures.largest_circle);
        let duplicates = measures.duplicates * 10_000 / lines.max(1);
        println!(
            "| {name} | {lines} | {median} / {longest} | {long} of {functions} | {documented} of {items} \
             | {circles} of {} ({largest}) | {duplicates} |",
            measures.lines.len()
        );
    }
}
