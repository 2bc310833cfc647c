//! Prints the measures of the workspace's crates as a table in Markdown.

use std::io::Write;

use toneup_testing::{house, repository};

fn main() -> std::io::Result<()> {
    let packages = house::workspace(&repository());
    std::io::stdout().write_all(house::table(&packages).as_bytes())
}
