//! Writes `docs/configuration.md` from the sources: `cargo run -p toneup-testing --bin configuration`.

use toneup_testing::house::configuration;
use toneup_testing::repository;

fn main() -> std::io::Result<()> {
    let root = repository();
    std::fs::write(root.join("docs/configuration.md"), configuration(&root))
}
