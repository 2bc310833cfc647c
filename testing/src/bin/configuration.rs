//! Writes `docs/configuration.md` from the settings that the sources declare.

use toneup_testing::{configuration, repository};

fn main() -> std::io::Result<()> {
    let root = repository();
    let example = std::fs::read_to_string(root.join(".env.example"))?;
    let page = configuration::page(&configuration::sections(&root), &example);
    std::fs::write(root.join(configuration::PAGE), page)
}
