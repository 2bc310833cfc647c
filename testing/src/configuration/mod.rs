//! `docs/configuration.md`, generated from the settings that the sources declare.

mod page;
mod readers;
mod section;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use page::page;
pub use section::{Need, Section, Setting};

use crate::house;

/// Path of the generated file, relative to the repository.
pub const PAGE: &str = "docs/configuration.md";

/// Reads every group of settings in the repository: structs that implement the platform's `Section`. Those of the
/// crates that several programs share come first.
pub fn sections(repository: &Path) -> Vec<Section> {
    let mut packages = house::workspace(repository);
    packages.sort_by_key(|package| !package.folder.starts_with("shared"));
    section::read(&packages)
}
